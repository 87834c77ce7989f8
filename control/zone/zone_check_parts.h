/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the checks of a zone alone: zone_check.c (names and RRsets), zone_check_data.c (RDATA). */
#ifndef VLY_CONTROL_ZONE_CHECK_PARTS_H
#define VLY_CONTROL_ZONE_CHECK_PARTS_H

#include "zone_check.h"

/* The node that is checked. */
struct vly_check_place {
	const struct vly_zone *zone;
	struct vly_zone_report *report;
	uint32_t idx;
};

/* Reports a finding at the line of a record of the node; NULL: at none. */
__attribute__((format(printf, 4, 5), nonnull(1, 4), cold)) void
vly_check_add(const struct vly_check_place *place, unsigned check,
	      const struct vly_zone_record *record, const char *format, ...);

/* Checks the data of an RRset: digests, locations, parameters of services. */
__attribute__((nonnull)) void vly_check_data(const struct vly_check_place *place,
					     const struct vly_rrset *rrset);

/* Checks that what the apex' CDS and CDNSKEY records ask the parent zone for has a DNSKEY here. */
__attribute__((nonnull)) void vly_check_child_keys(const struct vly_check_place *place,
						   const struct vly_rrsets *own);

#endif
