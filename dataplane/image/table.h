/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table over all live images: for a name, the image that probably has it; for an apex, its
 * zone. Published with one pointer, changed in place in proportion to a commit, read inside RCU
 * read sides (liburcu QSBR).
 *
 * How a name is found (answer/resolve.c). Most names need two cache misses, the bucket and the
 * node:
 *   1. The route gives the part (an image) for the slice of the name's last labels.
 *   2. The part's buckets give the node. A node with this name says which zone it is in, and that
 *      is the right zone unless the zone is *contested*:
 *        - the zone is answered from another image, or
 *        - another live zone lies below its apex, so the name may belong to that one, or
 *        - the zone has overlays: the name may be in one of these.
 *   3. Names in a contested zone, and names that the part does not have, are looked up by their
 *      zone: vly_table_find() for each suffix that can be an apex, longest first; then in the
 *      zone's own image, or in its layers, the newest first.
 * So the route may be wrong without harm: it only costs the time of step 3.
 *
 * Most names of a zone with overlays are in its complete form alone. The part of the complete form
 * has a filter of all names in overlays upon its zones (struct vly_table_filter), and for each such
 * zone its layers: a name that is not in the filter is answered at once, in step 2, and gets only
 * its SOA from the newest layer (answer/resolve_layers.c).
 *
 * Use, in the main thread:
 *   1. vly_table_build() from the committed images;
 *   2. vly_table_publish(): swaps the pointer, waits for a grace period, frees the previous table;
 *   3. vly_table_change() for each later commit, or steps 1 and 2 again if it asks for that;
 *   4. after 2 or 3, close the images that are not in the table any more.
 * Use, in a reader registered with rcu_register_thread(): vly_table_live() once per burst. The
 * result, and everything in it, is valid until the reader's next rcu_quiescent_state() or
 * rcu_thread_offline().
 *
 * What a reader may see while the table is changed: every zone either wholly as before or wholly as
 * after, and never as before again once it has seen it as after. Each zone has one place whose
 * change is what counts: its slot (16 octets that are stored at once), or the pointer to its
 * layers. Whatever could lead past that place is closed before the change and opened after it, in
 * this order: contested bits and filters are set, then the place changes, then bits are cleared.
 * table_book.h is the main thread's side.
 *
 * Trust: images were verified.
 */
#ifndef VLY_DATAPLANE_TABLE_H
#define VLY_DATAPLANE_TABLE_H

#include <urcu-qsbr.h>

#include "bucket.h"
#include "image_open.h"

/* A zone in an image. */
struct vly_table_layer {
	const struct vly_image *image;
	const struct vly_image_bucket *bucket; /* copies of the image's: save a load */
	uint32_t bucket_cnt;
	uint32_t zone_idx;
};

/* The layers of a zone with overlays, newest first. Never written once a reader can see it. */
struct vly_table_layers {
	uint32_t cnt;              /* 2..VLY_IMAGE_LAYERS_MAX; the last one is the complete form */
	uint32_t label_max;        /* of the deepest node in any of them */
	vly_image_ref base_nodata; /* the complete form's, in its image */
	const struct vly_image_answer *nodata; /* the newest layer's */
	const struct vly_image_answer *nxdomain;
	const struct vly_image_answer *signed_nodata; /* the same; NULL: the zone is not signed */
	const struct vly_image_answer *signed_nxdomain;
	struct vly_table_layer layer[VLY_IMAGE_LAYERS_MAX];
};

/* The names in the overlays of a part's zones, by their tags: four bits of one word for each
 * (Bloom's filter). With 20 bits per name, of 360 other names one seems to be in. A bit that is set
 * although no overlay has the name costs time and nothing else, so bits are set while readers
 * read. */
struct vly_table_filter {
	uint32_t word_cnt;
	uint32_t spare_bytes; /* of large pages, behind word[] */
	uint64_t word[];
};

/* An image in the table; or a zone with overlays, whose slot points to it. Pointers and bits may
 * change while readers read. */
struct vly_table_part {
	const struct vly_image *image;         /* of the zone: that of its complete form */
	const struct vly_image_bucket *bucket; /* a copy of the image's: saves a load */
	uint32_t bucket_cnt;
	uint32_t label_max;  /* of the deepest node in a live zone */
	uint64_t *contested; /* bit z % 64 of [z / 64]: zone z is contested; NULL: none is */
	/* [z]: zone z has overlays, all of whose names are in the filter, and is contested for no
	 * other reason; NULL: this does not hold. The whole NULL: it holds for no zone */
	const struct vly_table_part **layered;
	const struct vly_table_filter *filter;
	const struct vly_table_layers *layers; /* of a zone with overlays; NULL: an image */
	const struct vly_table_part *base;     /* of a zone with overlays: its complete form's */
};
static_assert(sizeof(struct vly_table_part) == 64, "one cache line");

/* Loaded and stored as a whole: vly_table_slot(). */
struct vly_table_slot {
	uint32_t tag;                      /* of the apex: vly_image_tag() */
	uint32_t zone_idx;                 /* into part->image->zone */
	const struct vly_table_part *part; /* NULL: free slot */
} __attribute__((aligned(16)));
static_assert(sizeof(struct vly_table_slot) == 16, "one load");

struct vly_table_book;

struct vly_table {
	struct vly_hash_key key; /* of all images */
	/* Some apex has n labels: bit 63 - n of the first, for n < 64, or bit 127 - n of the
	 * second. In this order, one shift aligns them with the suffixes of a name. */
	uint64_t label_cnts[2];
	uint32_t slot_mask; /* slots - 1; slots are a power of two, and not too full */
	uint32_t zone_cnt;
	struct vly_table_part *part; /* one per image; NULL: there are no zones */
	uint32_t route_labels;       /* the last labels that make a slice; 0: one slice for all */
	bool has_filters;            /* some part has a filter */
	uint16_t route[VLY_IMAGE_SLICES]; /* into part[] */
	struct vly_table_book *book;      /* the main thread's; NULL: there are no zones */
	struct vly_table_slot slot[];
};

/* The part that probably has the name, which is hashed with the table's key. The table has
 * zones. */
static inline const struct vly_table_part *
vly_table_route(const struct vly_table *table, const struct vly_name *name)
{
	unsigned slice = 0;

	if (table->route_labels != 0)
		slice = vly_image_slice(
			name->hash[vly_name_last_labels(name, table->route_labels)]);
	return &table->part[__atomic_load_n(&table->route[slice], __ATOMIC_RELAXED)];
}

/* The suffixes of a name with label_cnt (0..127) labels that may be an apex, by their numbers of
 * labels: bit i for the suffix from label i on, i being at most 63. */
static inline uint64_t
vly_table_candidates(const struct vly_table *table, unsigned label_cnt)
{
	if (__builtin_expect(label_cnt < 64, 1))
		return __atomic_load_n(&table->label_cnts[0], __ATOMIC_RELAXED) >> (63 - label_cnt);
	/* In two steps, since a shift by 64 bits is undefined. */
	uint64_t below_64 = __atomic_load_n(&table->label_cnts[0], __ATOMIC_RELAXED)
			    << (label_cnt - 64) << 1;
	return __atomic_load_n(&table->label_cnts[1], __ATOMIC_RELAXED) >> (127 - label_cnt) |
	       below_64;
}

/* The first slot of the search for an apex. */
static inline uint32_t
vly_table_slot_idx(const struct vly_table *table, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & table->slot_mask;
}

/* Whether a name found in this zone of the part may have to be answered from another zone or
 * layer. */
static inline bool
vly_table_is_contested(const struct vly_table_part *part, uint32_t zone_idx)
{
	const uint64_t *contested = __atomic_load_n(&part->contested, __ATOMIC_RELAXED);

	return contested != NULL &&
	       (__atomic_load_n(&contested[zone_idx / 64], __ATOMIC_RELAXED) >> zone_idx % 64 & 1);
}

/* The layers of a contested zone of the part, if names that are not in the filter are answered from
 * here; or NULL. To be called before vly_table_may_have_changed(): these layers have no name whose
 * bits have not been set before. */
static inline const struct vly_table_part *
vly_table_layered(const struct vly_table_part *part, uint32_t zone_idx)
{
	const struct vly_table_part **layered = __atomic_load_n(&part->layered, __ATOMIC_ACQUIRE);

	return layered != NULL ? __atomic_load_n(&layered[zone_idx], __ATOMIC_ACQUIRE) : NULL;
}

/* The layers of a zone with overlays. */
static inline const struct vly_table_layers *
vly_table_layers(const struct vly_table_part *part)
{
	return __atomic_load_n(&part->layers, __ATOMIC_ACQUIRE);
}

/* A tag's bits again, so that those that select the word are not those that select its bits. */
static inline uint64_t
vly_table_filter_mix(uint32_t tag)
{
	return tag * UINT64_C(0x9e3779b97f4a7c15);
}

/* The word of the filter for a name, and its four bits. */
static inline const uint64_t *
vly_table_filter_word(const struct vly_table_filter *filter, uint64_t mix)
{
	return &filter->word[(mix >> 32) * filter->word_cnt >> 32];
}

static inline uint64_t
vly_table_filter_bits(uint64_t mix)
{
	return UINT64_C(1) << (mix & 63) | UINT64_C(1) << (mix >> 6 & 63) |
	       UINT64_C(1) << (mix >> 12 & 63) | UINT64_C(1) << (mix >> 18 & 63);
}

/* Whether an overlay may have the name with this hash. The part has a filter. */
static inline bool
vly_table_may_have_changed(const struct vly_table_part *part, uint64_t hash)
{
	const struct vly_table_filter *filter = __atomic_load_n(&part->filter, __ATOMIC_ACQUIRE);
	const uint64_t mix = vly_table_filter_mix(vly_image_tag(hash));
	const uint64_t bits = vly_table_filter_bits(mix);

	return (__atomic_load_n(vly_table_filter_word(filter, mix), __ATOMIC_RELAXED) & bits) ==
	       bits;
}

/* A slot as one whole. Where a table is changed in place, the CPU has AVX, and then an aligned load
 * of 16 octets is atomic (Intel SDM 3A §9.1.1; AMD says the same). */
static inline struct vly_table_slot
vly_table_slot(const struct vly_table_slot *slot)
{
	union {
		__m128i whole;
		struct vly_table_slot slot;
	} loaded;

	__asm__ volatile("movdqa %1, %0" : "=x"(loaded.whole) : "m"(*slot));
	return loaded.slot;
}

/* The apex of the slot's zone. The slot is taken. */
static inline const struct vly_image_node *
vly_table_apex(struct vly_table_slot slot)
{
	const struct vly_image *image = slot.part->image;

	return vly_image_at(image->heap, image->zone[slot.zone_idx].apex);
}

/* Scans a zone's apex, and hashes it with the table's key, for vly_table_find(). */
void vly_table_scan_apex(const struct vly_table *table, const struct vly_image *image,
			 uint32_t zone_idx, struct vly_name *name);

/* The slot of the zone whose apex is the suffix from label_idx on, or one without a part. Without
 * `compare`, only tags are compared: no node is read, and the result may be wrong. The name is
 * hashed with the table's key. Ends at a free slot: many of them are free. */
static inline struct vly_table_slot
vly_table_find(const struct vly_table *table, const struct vly_name *name, unsigned label_idx,
	       bool compare)
{
	uint64_t hash = name->hash[label_idx];
	uint32_t at = vly_table_slot_idx(table, hash);
	struct vly_table_slot slot = vly_table_slot(&table->slot[at]);

	while (slot.part != NULL) {
		if (slot.tag == vly_image_tag(hash) &&
		    (!compare || vly_bucket_node_is(vly_table_apex(slot), name, label_idx)))
			return slot;
		at = (at + 1) & table->slot_mask;
		slot = vly_table_slot(&table->slot[at]);
	}
	return slot;
}

/*
 * Builds the table of `images`, in any order (volley/publish.h says which form of a zone is served).
 * Main thread; takes time in proportion to all zones and all names in overlays, but waits for
 * nobody. Returns the table, the caller's until published, or NULL with the reason: no memory,
 * images with different hash keys, or a zone with too many layers.
 */
__attribute__((nonnull(3), warn_unused_result)) struct vly_table *
vly_table_build(struct vly_image *const *images, size_t image_cnt, struct vly_image_error *error);

enum vly_table_outcome {
	VLY_TABLE_CHANGED,
	VLY_TABLE_REFUSED, /* nothing has changed; the reason is in *error */
	/* Nothing has changed: it is to be built anew, as so much changes, or there is no room. */
	VLY_TABLE_BUILD,
};

/*
 * Takes `removed` out of the live table and puts `added` into it, while readers read. Takes time in
 * proportion to the zones of these images and to the names in their overlays. Blocks for a grace
 * period if it changes the table: no reader has anything of the removed images then. Main thread
 * only, and not as an online RCU reader.
 */
__attribute__((nonnull(1, 6), warn_unused_result)) enum vly_table_outcome
vly_table_change(struct vly_table *table, struct vly_image *const *removed, size_t removed_cnt,
		 struct vly_image *const *added, size_t added_cnt, struct vly_image_error *error);

/* Frees a table that no reader has; NULL is allowed. */
void vly_table_free(struct vly_table *table);

/* Makes `table` (NULL: none) live and frees the previous one after a grace period: blocks until
 * every reader has passed a quiescent state. Main thread only, and not as an online RCU reader,
 * which would wait for itself. */
void vly_table_publish(struct vly_table *table);

/* The live table, or NULL before the first commit. Inside an RCU read side only. */
const struct vly_table *vly_table_live(void);

#endif
