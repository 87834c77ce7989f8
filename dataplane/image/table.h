/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table over all live images: for a name, the image that probably has it; for an apex, its
 * zone. Built apart, published with one pointer, read inside RCU read sides (liburcu QSBR).
 *
 * How a name is found (answer/resolve.c). Most names need two cache misses, the bucket and the
 * node:
 *   1. The route gives the part (an image) for the slice of the name's last labels.
 *   2. The part's buckets give the node. A node with this name says which zone it is in, and that
 *      is the right zone unless the zone is *contested*:
 *        - a newer image has the zone, too (its names are answered from there), or
 *        - another live zone lies below its apex, so the name may belong to that one.
 *   3. Names in a contested zone, and names that the part does not have, are looked up by their
 *      zone: vly_table_find() for each suffix that can be an apex, longest first; then in the
 *      zone's own image.
 * So the route may be wrong without harm: it only costs the time of step 3.
 *
 * Use, in the main thread:
 *   1. vly_table_build() from the committed images, newest first;
 *   2. vly_table_publish(): swaps the pointer, waits for a grace period, frees the previous table;
 *   3. then close the images that only the previous table used.
 * Use, in a reader registered with rcu_register_thread(): vly_table_live() once per burst. The
 * result, and everything in it, is valid until the reader's next rcu_quiescent_state() or
 * rcu_thread_offline().
 *
 * Trust: images were verified. A published table is never written.
 */
#ifndef VLY_DATAPLANE_TABLE_H
#define VLY_DATAPLANE_TABLE_H

#include <urcu-qsbr.h>

#include "bucket.h"
#include "image_open.h"

/* An image in the table. */
struct vly_table_part {
	const struct vly_image *image;
	const struct vly_image_bucket *bucket; /* a copy of the image's: saves a load */
	uint32_t bucket_cnt;
	uint32_t label_max;  /* of the deepest node in a live zone */
	uint64_t *contested; /* bit z % 64 of [z / 64]: zone z is contested; NULL: none is */
};

struct vly_table_slot {
	uint32_t tag;                      /* of the apex: vly_image_tag() */
	uint32_t zone_idx;                 /* into part->image->zone */
	const struct vly_table_part *part; /* NULL: free slot */
};

struct vly_table {
	struct vly_hash_key key; /* of all images */
	/* Some apex has n labels: bit 63 - n of the first, for n < 64, or bit 127 - n of the
	 * second. In this order, one shift aligns them with the suffixes of a name. */
	uint64_t label_cnts[2];
	uint32_t slot_mask; /* slots - 1; slots are a power of two, at most half full */
	uint32_t zone_cnt;
	struct vly_table_part *part; /* one per image, newest first; NULL: there are no zones */
	uint32_t route_labels;       /* the last labels that make a slice; 0: one slice for all */
	uint16_t route[VLY_IMAGE_SLICES]; /* into part[] */
	struct vly_table_slot slot[];
};

/* The part that probably has the name, which is hashed with the table's key. The table has
 * zones. */
static inline const struct vly_table_part *
vly_table_route(const struct vly_table *table, const struct vly_name *name)
{
	if (table->route_labels == 0)
		return &table->part[table->route[0]];
	unsigned label_idx = vly_name_last_labels(name, table->route_labels);
	return &table->part[table->route[vly_image_slice(name->hash[label_idx])]];
}

/* The suffixes of a name with label_cnt (0..127) labels that may be an apex, by their numbers of
 * labels: bit i for the suffix from label i on, i being at most 63. */
static inline uint64_t
vly_table_candidates(const struct vly_table *table, unsigned label_cnt)
{
	if (__builtin_expect(label_cnt < 64, 1))
		return table->label_cnts[0] >> (63 - label_cnt);
	/* In two steps, since a shift by 64 bits is undefined. */
	uint64_t below_64 = table->label_cnts[0] << (label_cnt - 64) << 1;
	return table->label_cnts[1] >> (127 - label_cnt) | below_64;
}

/* The first slot of the search for an apex. */
static inline uint32_t
vly_table_slot_idx(const struct vly_table *table, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & table->slot_mask;
}

/* Whether a name found in this zone of the part may have to be answered from another zone. */
static inline bool
vly_table_is_contested(const struct vly_table_part *part, uint32_t zone_idx)
{
	return part->contested != NULL && (part->contested[zone_idx / 64] >> zone_idx % 64 & 1);
}

/* The apex of the slot's zone. The slot is taken. */
static inline const struct vly_image_node *
vly_table_apex(const struct vly_table_slot *slot)
{
	const struct vly_image *image = slot->part->image;

	return vly_image_at(image->heap, image->zone[slot->zone_idx].apex);
}

/* The zone whose apex is the suffix from label_idx on, or NULL. Without `compare`, only tags are
 * compared: no node is read, and the result may be wrong. The name is hashed with the table's key.
 * Ends at a free slot: half of them are free. */
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
 * Builds the table of `images` (newest first; a zone is taken from the first that has it). Main
 * thread; takes time in proportion to all zones, but waits for nobody. Returns the table, the
 * caller's until published, or NULL with the reason: no memory, or images with different hash keys.
 */
__attribute__((nonnull(3), warn_unused_result)) struct vly_table *
vly_table_build(struct vly_image *const *images, size_t image_cnt, struct vly_image_error *error);

/* Makes `table` (NULL: none) live and frees the previous one after a grace period: blocks until
 * every reader has passed a quiescent state. Main thread only, and not as an online RCU reader,
 * which would wait for itself. */
void vly_table_publish(struct vly_table *table);

/* The live table, or NULL before the first commit. Inside an RCU read side only. */
const struct vly_table *vly_table_live(void);

#endif
