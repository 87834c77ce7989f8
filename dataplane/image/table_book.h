/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The main thread's side of the table (table.h): which images have which zones, and what follows
 * for the readers. For the parts of the table alone, by file; each calls those behind it:
 *
 *     table.c          builds, publishes, frees
 *     table_change.c   changes the live table in place
 *     table_plan.c     the zones that a commit touches: their layers before and after
 *     table_stack.c    which of a zone's entries are its layers
 *     table_marks.c    contested bits, and what answers from a complete form at once
 *     table_filter.c   the filters
 *     table_route.c    the route
 *     table_zones.c    images and zones: which image has which zone, which slot it has
 *
 * The words: an *entry* is a zone in an image. All entries of one zone are in a list that begins at
 * the zone's slot; the newest complete form and the overlays upon it are the zone's layers, the
 * others are stale. A slot with entries but without a complete form is not served, and readers see
 * it as one whose name matches nothing (vly_book_gone).
 *
 * Main thread only. Functions that can fail change nothing that a reader sees.
 */
#ifndef VLY_DATAPLANE_TABLE_BOOK_H
#define VLY_DATAPLANE_TABLE_BOOK_H

#include "table.h"

struct vly_book_entry {
	uint32_t part; /* 1 + index into table->part[]; 0: none */
	uint32_t zone_idx;
};

struct vly_book_part {
	const struct vly_image *image; /* NULL: free */
	struct vly_book_entry *next;   /* [zone_cnt]: the next entry of the same zone */
	uint64_t filter_room;          /* names for which the filter has room */
	uint64_t filter_cnt;           /* names that are in it, some of them gone since */
	uint64_t coming_cnt;           /* names that come into it with the change at hand */
	struct vly_table_filter *coming_filter; /* that replaces it; NULL: it has room */
	bool is_leaving;                        /* with the change at hand */
};

/* The live zones below a name that is the ancestor of some. */
struct vly_book_below {
	uint64_t hash; /* of the name; 0: free */
	uint64_t zone_cnt;
};

struct vly_table_book {
	struct vly_book_part *part; /* [part_room], as table->part */
	uint32_t part_room;
	uint32_t part_end; /* none from here on was ever used */
	uint64_t image_cnt;
	struct vly_book_entry *head; /* [slots]: the first entry of the slot's zone */
	uint64_t *touched;           /* a bit for each slot: it is in the plan */
	uint32_t slot_used_cnt;
	struct vly_book_below *below; /* open addressing */
	uint64_t below_mask;
	uint64_t below_cnt;
	uint64_t name_cnt;    /* in the complete forms of live zones */
	uint64_t spare_bytes; /* behind filters on large pages */
	uint64_t moved_cnt;   /* of these, where the route may not lead to */
};

/* The part of slots whose zone is not served: it has a zone whose apex equals no name, and an empty
 * bucket. */
extern const struct vly_table_part vly_book_gone;

/* ---- table_zones.c ---- */

static inline const struct vly_image_zone *
vly_book_zone(const struct vly_table_book *book, struct vly_book_entry entry)
{
	return &book->part[entry.part - 1].image->zone[entry.zone_idx];
}

static inline bool
vly_book_is_overlay(const struct vly_table_book *book, struct vly_book_entry entry)
{
	return vly_book_zone(book, entry)->flags & VLY_IMAGE_OVERLAY;
}

static inline struct vly_book_entry *
vly_book_next(const struct vly_table_book *book, struct vly_book_entry entry)
{
	return &book->part[entry.part - 1].next[entry.zone_idx];
}

/* Scans and hashes the apex of an entry. */
__attribute__((nonnull)) void vly_book_scan(const struct vly_table *table,
					    struct vly_book_entry entry, struct vly_name *name);

/* Adds an image. Returns its index into part[], or UINT32_MAX: no memory, or no room. */
__attribute__((nonnull, warn_unused_result)) uint32_t
vly_book_add_part(struct vly_table *table, const struct vly_image *image);

/* Frees a part that no slot and no route leads to. */
__attribute__((nonnull)) void vly_book_free_part(struct vly_table *table, uint32_t part_idx);

/* The index of the part of an image, or UINT32_MAX. */
__attribute__((nonnull)) uint32_t vly_book_find_part(const struct vly_table *table,
						     const struct vly_image *image);

/* The slot that has entries of the zone whose apex is the suffix from label_idx on; or UINT32_MAX.
 * *free_at (may be NULL): where it would go. */
__attribute__((nonnull(1, 2))) uint32_t vly_book_find(const struct vly_table *table,
						      const struct vly_name *name,
						      unsigned label_idx, uint32_t *free_at);

/* Puts an entry into the list of its zone, whose slot it returns; a new slot is not served. There
 * are free slots. */
__attribute__((nonnull)) uint32_t
vly_book_link(struct vly_table *table, struct vly_book_entry entry, const struct vly_name *name);

/* Takes it out again. Returns the slot. */
__attribute__((nonnull)) uint32_t
vly_book_unlink(struct vly_table *table, struct vly_book_entry entry, const struct vly_name *name);

/* Makes room to count the zones below so many more names. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int vly_book_reserve_below(struct vly_table_book *book,
									uint64_t cnt);

/* Counts a zone that is served now, or no longer, for all names above it. There is room. Returns
 * whether one of them has its first zone below it, or has lost its last one. */
__attribute__((nonnull)) bool vly_book_count_below(struct vly_table_book *book,
						   const struct vly_name *apex, bool is_served);

/* Whether a live zone lies below the name with this hash. */
__attribute__((nonnull)) bool vly_book_has_below(const struct vly_table_book *book, uint64_t hash);

/* Stores a slot as one whole. */
__attribute__((nonnull)) void vly_book_store_slot(struct vly_table_slot *to,
						  struct vly_table_slot slot);

/* ---- table_route.c ---- */

struct vly_book_votes;

/* Returns NULL without memory: then the route leads to one image, which is slower, but correct. */
struct vly_book_votes *vly_book_votes_new(void);

/* Counts the names of a zone for its part. Parts come one after the other. */
__attribute__((nonnull)) void vly_book_vote(struct vly_book_votes *votes, uint32_t part_idx,
					    const struct vly_name *apex, uint64_t node_cnt);

/* Takes the number of labels with which most names are in the part that the route selects. */
__attribute__((nonnull)) void vly_book_choose_route(struct vly_table *table,
						    const struct vly_book_votes *votes);

/* Leads the slices of parts that are leaving to other parts: each to that of the largest zone in it
 * that is touched, or else to the largest part of all. */
struct vly_book_plan;
__attribute__((nonnull)) void vly_book_reroute(struct vly_table *table,
					       const struct vly_book_plan *plan);

/* Whether the route leads to this part for names below the apex. */
__attribute__((nonnull)) bool vly_book_is_routed(const struct vly_table *table,
						 const struct vly_name *apex, uint32_t part_idx);

/* ---- table_filter.c ---- */

/* An overlay whose names come into the filter of its complete form's part. */
struct vly_book_fill {
	struct vly_book_entry overlay;
	uint32_t base_part; /* index */
	bool is_again;      /* its names were there: it may have a fill for another part, too */
};

struct vly_book_fills {
	struct vly_book_fill *fill;
	size_t cnt;
	size_t room;
	struct vly_table_filter **target; /* [zones of the image with most] */
};

/* Notes an overlay. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int vly_book_fill_add(struct vly_table_book *book,
								   struct vly_book_fills *fills,
								   struct vly_book_entry overlay,
								   uint32_t base_part);

/* Makes larger filters where those of the parts have no room for what comes. Returns 0, or -1
 * without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_book_fill_prepare(struct vly_table *table, struct vly_book_fills *fills);

/* Sets the bits of all names. If a part gets another filter, blocks until every reader has seen it.
 * The old filters of larger ones are in coming_filter afterwards. */
__attribute__((nonnull)) void vly_book_fill(struct vly_table *table, struct vly_book_fills *fills);

/* Frees a filter; NULL is allowed. */
void vly_book_free_filter(struct vly_table_book *book, const struct vly_table_filter *filter);

/* Frees the filters that are in coming_filter: those that did not come, or are replaced. */
__attribute__((nonnull)) void vly_book_fill_end(struct vly_table_book *book,
						struct vly_book_fills *fills);

/* ---- table_stack.c ---- */

/* Layers of a zone as entries, newest first; none: it is not served. */
struct vly_book_stack {
	unsigned cnt;
	struct vly_book_entry entry[VLY_IMAGE_LAYERS_MAX];
};

/* Finds the layers of the zone in a slot. Returns 0, or -1 with the reason: there are too many. */
__attribute__((nonnull, warn_unused_result)) int
vly_book_find_stack(const struct vly_table_book *book, uint32_t at, struct vly_book_stack *stack,
		    struct vly_image_error *error);

/* ---- table_plan.c ---- */

/* What becomes of the zone in a slot. */
struct vly_book_step {
	uint32_t at;
	bool keeps_base; /* it has overlays before and after, upon the same complete form */
	bool is_counted; /* among the zones below other names */
	struct vly_book_entry base; /* the complete form after it; none: it is not served */
	struct vly_table_slot before;
	struct vly_table_slot after;
	struct vly_table_layers *layers; /* after; NULL: one layer or none */
	const struct vly_table_layers *layers_before;
};

struct vly_book_plan {
	struct vly_book_step *step;
	size_t cnt;
	size_t room;
	struct vly_book_fills fills;
	uint32_t *flip; /* slots of zones that a zone lies below now, or no longer */
	size_t flip_cnt;
	size_t flip_room;
};

/* Notes that the zone in a slot may change. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_book_touch(struct vly_table *table, struct vly_book_plan *plan, uint32_t at);

/* Decides what becomes of all zones that were touched. Returns 0, or -1 with the reason. */
__attribute__((nonnull, warn_unused_result)) int
vly_book_decide(struct vly_table *table, struct vly_book_plan *plan, struct vly_image_error *error);

/* Does it, while readers read. Cannot fail. */
__attribute__((nonnull)) void vly_book_carry_out(struct vly_table *table,
						 struct vly_book_plan *plan);

/* After a grace period, or if it was not carried out: frees the plan, and what the table needs no
 * more. */
__attribute__((nonnull)) void vly_book_end(struct vly_table *table, struct vly_book_plan *plan,
					   bool is_carried_out);

/* ---- table_marks.c ---- */

/* Makes room for the marks of an entry. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_book_reserve_marks(struct vly_table *table, struct vly_book_entry entry, bool is_layered);

/* Marks an entry as contested; there is room. */
__attribute__((nonnull)) void vly_book_contest(struct vly_table *table,
					       struct vly_book_entry entry);

/* Closes all ways past the slot `at`: its zone is contested. There is room. */
__attribute__((nonnull)) void vly_book_close(struct vly_table *table, uint32_t at);

/* Opens them again, as far as that is right. The filter has all names. */
__attribute__((nonnull)) void vly_book_open(struct vly_table *table, uint32_t at);

#endif
