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

#include "bucket.h"
#include "image_open.h"

/* An image, as far as the table has it. */
struct vly_table_part {
	const struct vly_image *image;
	const struct vly_image_bucket *bucket; /* the image's, to have them at hand */
	uint32_t bucket_cnt;
	uint32_t label_max;  /* of the deepest node in a live zone */
	uint64_t *contested; /* bit z % 64 of [z / 64]: its zone z is; NULL: none */
};

struct vly_table_slot {
	uint32_t tag;                      /* of the apex: vly_image_tag() */
	uint32_t zone_idx;                 /* into part->image->zone */
	const struct vly_table_part *part; /* NULL: free slot */
};

/*
 * Most names are found without their zone: in the image that the route tells, by the slice of their
 * last labels, and in its buckets; their node then tells the zone. That is the right one unless it
 * is contested: a newer image has it, or another live zone lies below its apex, to which the name
 * may belong. Only those, and names that are not in that image, need the slots.
 */
struct vly_table {
	struct vly_hash_key key;
	uint64_t label_cnts[2]; /* bit 63 - n of the first, 127 - n of the second: some apex has n
				   labels */
	uint32_t slot_mask;     /* slots - 1; slots are a power of two, at most half full */
	uint32_t zone_cnt;
	struct vly_table_part *part; /* one for each image, behind slot[]; NULL: there is no zone */
	uint32_t route_labels;       /* the last labels that make the slice; 0: all are slice 0 */
	uint16_t route[VLY_IMAGE_SLICES]; /* into part[] */
	struct vly_table_slot slot[];
};

/* The part of the table where the name is, hashed with its key, as far as that can be told without
 * its zone. There is a zone. */
static inline const struct vly_table_part *
vly_table_route(const struct vly_table *table, const struct vly_name *name)
{
	if (table->route_labels == 0)
		return &table->part[table->route[0]];
	unsigned label_idx = vly_name_last_labels(name, table->route_labels);
	return &table->part[table->route[vly_image_slice(name->hash[label_idx])]];
}

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

/* Whether a name that is in this zone of the part's image may have to be answered from another. */
static inline bool
vly_table_is_contested(const struct vly_table_part *part, uint32_t zone_idx)
{
	return part->contested != NULL && (part->contested[zone_idx / 64] >> zone_idx % 64 & 1);
}

/* The node of the slot's zone's apex. */
static inline const struct vly_image_node *
vly_table_apex(const struct vly_table_slot *slot)
{
	const struct vly_image *image = slot->part->image;

	return vly_image_at(image->heap, image->zone[slot->zone_idx].apex);
}

/* The zone whose apex is the suffix from label_idx on, or NULL; without `compare`, the first one
 * whose tag says so. The name is hashed with the table's key. */
static inline const struct vly_table_slot *
vly_table_find(const struct vly_table *table, const struct vly_name *name, unsigned label_idx,
	       bool compare)
{
	uint64_t hash = name->hash[label_idx];
	const struct vly_table_slot *slot = &table->slot[vly_table_slot_idx(table, hash)];

	while (slot->part != NULL) {
		if (slot->tag == vly_image_tag(hash) &&
		    (!compare || vly_bucket_node_is(vly_table_apex(slot), name, label_idx)))
			return slot;
		slot = slot == &table->slot[table->slot_mask] ? table->slot : slot + 1;
	}
	return NULL;
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
