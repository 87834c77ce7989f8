/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When the signatures of served zones expire, and warnings in time.
 *
 * Use: vly_signature_watch() after each reload of all zones, and at the time that it returns;
 * vly_signature_watch_zones() after a reload of some. They log each zone once for each level that
 * the zone rises to; a zone that is signed again starts anew.
 *
 * Threads: the loop's, which none of the functions blocks; those for all zones take time in
 * proportion to the number of signed zones. The time is the caller's.
 */
#ifndef VLY_CONTROL_SIGNATURE_WATCH_H
#define VLY_CONTROL_SIGNATURE_WATCH_H

#include "served_zones.h"

enum vly_signature_level {
	VLY_SIGNATURES_NONE, /* an unsigned zone */
	VLY_SIGNATURES_GOOD,
	VLY_SIGNATURES_SOON,   /* they expire in less than SOA expire and the largest TTL */
	VLY_SIGNATURES_URGENT, /* within a day */
	VLY_SIGNATURES_EXPIRED,
};

struct vly_signature_summary {
	uint32_t signed_cnt;
	uint32_t soon_cnt; /* zones whose signatures expire soon, or within a day */
	uint32_t expired_cnt;
	/* the zone whose signatures expire first; NULL: no zone is signed */
	const struct vly_served_zone *first;
};

__attribute__((nonnull)) enum vly_signature_level
vly_signature_level(const struct vly_zone_info *info, uint64_t now_s);

__attribute__((nonnull)) void vly_signature_summarize(const struct vly_served_zones *served,
						      uint64_t now_s,
						      struct vly_signature_summary *summary);

/* Logs what has changed. Returns when the next zone rises to another level, in Unix time;
 * UINT64_MAX: never. */
__attribute__((nonnull)) uint64_t vly_signature_watch(struct vly_served_zones *served,
						      uint64_t now_s);

/* The same for zones[0..cnt-1] alone. */
__attribute__((nonnull(1))) uint64_t vly_signature_watch_zones(struct vly_served_zone *const *zones,
							       uint32_t cnt, uint64_t now_s);

#endif
