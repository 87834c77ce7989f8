/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the files of the store: names with their records, one after the other, and their hashes, whose
 * sum is the zone's digest. */
#ifndef VLY_CONTROL_STORE_WALK_H
#define VLY_CONTROL_STORE_WALK_H

#include "store_names.h"
#include "zone_store_parts.h"

struct vly_store_walk {
	struct vly_store_txn *txn;
	const struct vly_store_zone *zone;
	MDB_cursor *cursor;
	struct vly_store_key top;
	bool begun;
};

struct vly_store_visit {
	struct vly_name name;
	struct vly_store_records records;
	uint64_t hash;
};

/* To be closed in any case. */
__attribute__((nonnull, warn_unused_result)) int
vly_store_walk_open(struct vly_store_walk *walk, struct vly_store_txn *txn,
		    const struct vly_store_zone *zone, const struct vly_name *top);

/* VLY_STORE_OK with *visit; VLY_STORE_NONE: that was the last; or a failure. */
__attribute__((nonnull, warn_unused_result)) int vly_store_walk_next(struct vly_store_walk *walk,
								     struct vly_store_visit *visit);

__attribute__((nonnull)) void vly_store_walk_close(struct vly_store_walk *walk);

/* Counts what a walk of the whole zone has met, and compares it with the zone's state. */
struct vly_store_tally {
	uint64_t record_cnt;
	uint64_t name_cnt;
	uint64_t digest;
};
__attribute__((nonnull)) void vly_store_tally_add(struct vly_store_tally *tally,
						  const struct vly_store_visit *visit);
__attribute__((nonnull, warn_unused_result)) int
vly_store_tally_check(const struct vly_store_tally *tally, struct vly_store_txn *txn,
		      const struct vly_store_zone *zone);

/* As vly_store_get(), with the hash; 0 when there is nothing. */
__attribute__((nonnull, warn_unused_result)) int
vly_store_get_hashed(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		     const struct vly_name *name, struct vly_store_records *records,
		     uint64_t *hash);

#endif
