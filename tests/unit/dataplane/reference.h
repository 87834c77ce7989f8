/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The naive reference: a zone as a list of records in text, and a resolver that scans it line by
 * line with string comparisons, as RFC 1034 §4.3.2 and RFC 4592 read. Slow, and too simple to be
 * wrong.
 *
 * Names are in lower case with a final dot. Policies of Volley that no RFC settles: a name is an
 * alias once per answer, at most VLY_REFERENCE_HOPS_MAX of them; referrals and NS answers carry the
 * addresses of all name servers that the zone file has, MX answers those of hosts that the zone
 * answers for.
 */
#ifndef VLY_TEST_REFERENCE_H
#define VLY_TEST_REFERENCE_H

#include <stdbool.h>

#define VLY_REFERENCE_RECORDS_MAX 64
#define VLY_REFERENCE_HOPS_MAX    16
#define VLY_REFERENCE_CHARS       128

struct vly_reference_record {
	char owner[VLY_REFERENCE_CHARS];
	unsigned type;
	unsigned ttl;
	char data[VLY_REFERENCE_CHARS];  /* as in the zone file */
	char shown[VLY_REFERENCE_CHARS]; /* as in vly_test_response_text() */
};

struct vly_reference_zone {
	char apex[VLY_REFERENCE_CHARS];
	unsigned record_cnt; /* record[0] is the SOA */
	struct vly_reference_record record[VLY_REFERENCE_RECORDS_MAX];
};

bool vly_reference_is_below(const char *name, const char *ancestor); /* or equal */

const struct vly_reference_record *vly_reference_find(const struct vly_reference_zone *zone,
						      const char *owner, unsigned type);

/* The expected vly_test_response_text(), the caller's to free. For ANY, `any_type` tells which
 * RRset of the name is wanted (RFC 8482 §4.1 leaves the choice to the server); else it is 0. */
char *vly_reference_answer(const struct vly_reference_zone *zone, const char *qname, unsigned qtype,
			   unsigned any_type);

/* The zone file, the caller's to free. */
char *vly_reference_zone_text(const struct vly_reference_zone *zone);

#endif
