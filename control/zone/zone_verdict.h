/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A verdict on a version of a zone that was received: whether validators would believe it, and for how
 * long. A zone that is not signed is good, unless the version before it was.
 *
 * Use: read the whole zone, vly_zone_verdict(). `worst` says how bad it is; text[] explains each fault.
 * Pure: reads the zone, changes nothing, logs nothing. Any thread; takes as long as the checks of a zone
 * file (dnssec_check.h), and may start threads.
 */
#ifndef VLY_CONTROL_ZONE_VERDICT_H
#define VLY_CONTROL_ZONE_VERDICT_H

#include "dnssec_check.h"

enum vly_fault {
	/* An RRset without a signature that a key of the zone verifies, or a broken chain of NSEC or
	 * NSEC3 records. */
	VLY_FAULT_BOGUS,
	VLY_FAULT_EXPIRED, /* a signature has expired, or is not valid yet */
	/* One does before the SOA's expire: the zone may be served when validators refuse it. */
	VLY_FAULT_EXPIRES_EARLY,
	VLY_FAULT_ZONEMD,      /* no ZONEMD record verifies (RFC 8976 §4) */
	VLY_FAULT_SAME_SERIAL, /* other records than before, with the same serial */
	VLY_FAULT_UNSIGNED,    /* the version before was signed */
	VLY_FAULT_CNT,
};

enum vly_fault_severity {
	VLY_FAULT_NONE,
	VLY_FAULT_WARNING, /* answers are believed now */
	VLY_FAULT_ERROR,   /* validators refuse answers */
};

/* The version that is served. */
struct vly_verdict_before {
	bool is_known;
	bool is_signed;
	bool differs; /* from the new one, in any record; only asked when the serials are equal */
	uint32_t serial;
};

struct vly_zone_verdict {
	enum vly_fault_severity worst;
	uint8_t severity[VLY_FAULT_CNT]; /* enum vly_fault_severity */
	char text[VLY_FAULT_CNT][300];   /* a sentence: the first finding; "" without the fault */
	struct vly_dnssec_facts facts;
	bool failed; /* there was no memory: nothing is known */
};

/* `before`: NULL is as one that is not known. */
__attribute__((nonnull(1, 2, 4))) void vly_zone_verdict(const struct vly_zone *zone,
							const struct vly_dnssec_settings *settings,
							const struct vly_verdict_before *before,
							struct vly_zone_verdict *verdict);

/* The same for a zone that has some of its names alone, the apex among them, and all ancestors of each:
 * its chain and ZONEMD are not checked. */
__attribute__((nonnull)) void vly_zone_verdict_part(const struct vly_zone *zone,
						    const struct vly_dnssec_settings *settings,
						    struct vly_zone_verdict *verdict);

/* The text of the worst fault, the first of several; "": there is none. */
__attribute__((nonnull)) const char *vly_verdict_text(const struct vly_zone_verdict *verdict);

/* A fault's name, for commands and logs: "bogus", "expires-early"… */
const char *vly_fault_name(enum vly_fault fault);

#endif
