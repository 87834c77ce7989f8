/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table: zone apex → zone, over all live images. Built apart, published with one pointer, read
 * by every lcore inside its RCU read side (liburcu QSBR).
 *
 * Use, in the main thread:
 *   1. vly_table_build() from the committed images, newest first;
 *   2. vly_table_publish(): swaps the pointer, waits for a grace period, frees the table that was
 * live;
 *   3. then close images that only the old table used.
 * Use, in a reader registered with rcu_register_thread(): vly_table_live() once per burst; the
 * result holds until its next rcu_quiescent_state().
 */
#ifndef VLY_DATAPLANE_TABLE_H
#define VLY_DATAPLANE_TABLE_H

#include <urcu-qsbr.h>

#include "image.h"

struct vly_table_slot {
	uint32_t tag : 24;             /* the lower bits of the apex's vly_image_tag() */
	uint32_t label_max : 8;        /* of the zone's deepest node */
	uint32_t zone_idx;             /* into image->zone */
	const struct vly_image *image; /* NULL: free slot */
};

struct vly_table {
	struct vly_hash_key key;
	uint64_t label_cnts[2]; /* bit 63 - n of the first, 127 - n of the second: some apex has n
				   labels */
	uint32_t slot_mask;     /* slots - 1; slots are a power of two, at most half full */
	uint32_t zone_cnt;
	struct vly_table_slot slot[];
};

/* Which suffixes of a name with label_cnt labels, 0..127, may be an apex, as far as the numbers of
 * labels tell: bit i for the one from label i on, i being at most 63. */
static inline uint64_t
vly_table_candidates(const struct vly_table *table, unsigned label_cnt)
{
	if (__builtin_expect(label_cnt < 64, 1))
		return table->label_cnts[0] >> (63 - label_cnt);
	/* in two steps, as by all 64 bits at once nothing is shifted */
	uint64_t below_64 = table->label_cnts[0] << (label_cnt - 64) << 1;
	return table->label_cnts[1] >> (127 - label_cnt) | below_64;
}

/* Where a search for an apex begins. */
static inline uint32_t
vly_table_slot_idx(const struct vly_table *table, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & table->slot_mask;
}

/* Whether the slot may be that of the apex with this hash. */
static inline bool
vly_table_slot_suits(const struct vly_table_slot *slot, uint64_t hash)
{
	return slot->tag == (vly_image_tag(hash) & 0xffffff);
}

/*
 * Builds the table of `images` (newest first; a zone is taken from the first that has it).
 * Returns the table, the caller's until published, or NULL with the reason: no memory, or an image
 * whose hash key is not that of the others.
 */
__attribute__((nonnull(3), warn_unused_result)) struct vly_table *
vly_table_build(struct vly_image *const *images, size_t image_cnt, struct vly_image_error *error);

/* Makes `table` live and frees the one before, after a grace period. Main thread, offline or
 * unregistered as an RCU reader. */
void vly_table_publish(struct vly_table *table);

/* The live table, or NULL before the first commit. Inside an RCU read side only. */
const struct vly_table *vly_table_live(void);

#endif
