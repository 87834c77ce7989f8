/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The records of one node, grouped into RRsets: ordered by type, within a type as the zone file has
 * them, duplicates left out (RFC 2181 §5): of records that differ in the case of names alone, the
 * first stays (vly_rdata_compare()).
 *
 * Use: one struct vly_rrsets, zeroed, loaded with node after node; vly_rrsets_free() at the end.
 * What it points to belongs to the zone and holds until the next load.
 */
#ifndef VLY_CONTROL_RRSET_H
#define VLY_CONTROL_RRSET_H

#include "zone.h"

struct vly_rrset {
	uint16_t type;
	uint32_t ttl; /* seconds, of the first record; RRSIGs have their own each */
	unsigned record_cnt;
	unsigned duplicate_cnt; /* left out */
	const struct vly_zone_record *const *record;
};

struct vly_rrsets {
	unsigned cnt;
	unsigned record_size;
	const struct vly_zone_record **record;
	struct vly_rrset *rrset;
};

/* Returns 0, or -1 when there is no memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_rrsets_load(struct vly_rrsets *rrsets, const struct vly_zone *zone, uint32_t node_idx);

/* Removes NSEC3 and its signatures, which no query asks for (RFC 5155 §7.2.8). */
__attribute__((nonnull)) void vly_rrsets_drop_nsec3(struct vly_rrsets *rrsets);

/* Removes ALIAS, which is answered by the addresses beside it. */
__attribute__((nonnull)) void vly_rrsets_drop_alias(struct vly_rrsets *rrsets);

__attribute__((nonnull)) const struct vly_rrset *vly_rrsets_find(const struct vly_rrsets *rrsets,
								 uint16_t type);

/* Compares two elements of an RRset's record[] in canonical order (RFC 4034 §6.3), as qsort() wants
 * it. */
__attribute__((nonnull)) int vly_rrset_by_data(const void *left, const void *right);

void vly_rrsets_free(struct vly_rrsets *rrsets);

#endif
