/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "base/large.h"
#include "table_book.h"

/* Of a filter that has as many names as it has room for. Fewer: more of those names that no overlay
 * has are looked for in the overlays, which costs as much as a query. More: the filter takes more of
 * the second-level cache, which each query needs for other things. */
#define BITS_PER_NAME 20

/* A new filter has room for half as many names again. */
#define ROOM_FOR(name_cnt) ((name_cnt) + (name_cnt) / 2)

/* From so many octets on, a filter is on a large page of its own: each query reads another place of it,
 * and pages of 4 KiB would miss the TLB. */
#define LARGE_BYTES 65536

#define LARGE_PAGE (UINT64_C(2) << 20)

/* What all filters together may leave empty on large pages: that of some 32 filters of middle size. The filters of
 * more zones are on ordinary pages, but for those that fill at least half of their large ones. More: memory is wasted
 * when many zones have middle-sized overlays. Less: lookups in fewer of them are as fast as they could be. */
#define SPARE_BYTES_MAX (UINT64_C(64) << 20)

#define WORDS_MIN 16
#define WORDS_MAX (UINT64_C(1) << 22)

int
vly_book_fill_add(struct vly_table_book *book, struct vly_book_fills *fills,
		  struct vly_book_entry overlay, uint32_t base_part)
{
	if (fills->cnt == fills->room) {
		size_t room = fills->room == 0 ? 16 : 2 * fills->room;
		void *grown = realloc(fills->fill, room * sizeof(*fills->fill));
		if (grown == NULL)
			return -1;
		fills->fill = grown;
		fills->room = room;
	}
	fills->fill[fills->cnt++] = (struct vly_book_fill){overlay, base_part, false};
	/* node_cnt is not verified, but there is an apex */
	book->part[base_part].coming_cnt += 1 + (uint64_t)vly_book_zone(book, overlay)->node_cnt;
	return 0;
}

/* Adds all overlays whose names are in the filter of the part now. */
static int
refill(struct vly_table *table, struct vly_book_fills *fills, uint32_t base_part)
{
	const struct vly_table_part *part = &table->part[base_part];
	const uint32_t zone_cnt = part->image->header->zone_cnt;

	for (uint32_t zone = 0; part->layered != NULL && zone < zone_cnt; zone++) {
		if (part->layered[zone] == NULL)
			continue;
		const struct vly_table_layers *layers = part->layered[zone]->layers;
		for (unsigned i = 0; i + 1 < layers->cnt; i++) {
			struct vly_book_entry overlay = {
				1 + vly_book_find_part(table, layers->layer[i].image),
				layers->layer[i].zone_idx};
			if (vly_book_fill_add(table->book, fills, overlay, base_part) != 0)
				return -1;
			fills->fill[fills->cnt - 1].is_again = true;
		}
	}
	return 0;
}

/* Whether a filter is worth large pages, of which it leaves *spare octets empty. */
static bool
is_large(const struct vly_table_book *book, size_t bytes, uint32_t *spare)
{
	*spare = (uint32_t)((LARGE_PAGE - bytes % LARGE_PAGE) % LARGE_PAGE);
	return bytes >= LARGE_BYTES &&
	       (bytes >= *spare || book->spare_bytes + *spare <= SPARE_BYTES_MAX);
}

static struct vly_table_filter *
new_filter(struct vly_table_book *book, uint64_t name_cnt)
{
	uint64_t word_cnt = name_cnt < 64 * WORDS_MAX ? name_cnt * BITS_PER_NAME / 64 : WORDS_MAX;

	if (word_cnt < WORDS_MIN)
		word_cnt = WORDS_MIN;
	if (word_cnt > WORDS_MAX)
		word_cnt = WORDS_MAX;
	const size_t bytes = sizeof(struct vly_table_filter) + word_cnt * sizeof(uint64_t);
	uint32_t spare;
	const bool large = is_large(book, bytes, &spare);
	struct vly_table_filter *filter = large ? vly_large_alloc(bytes) : calloc(1, bytes);
	if (filter == NULL)
		return NULL;
	filter->word_cnt = (uint32_t)word_cnt;
	filter->spare_bytes = large ? spare : 0;
	book->spare_bytes += filter->spare_bytes;
	return filter;
}

void
vly_book_free_filter(struct vly_table_book *book, const struct vly_table_filter *filter)
{
	if (filter == NULL)
		return;
	book->spare_bytes -= filter->spare_bytes;
	free((void *)(uintptr_t)filter);
}

/* Makes a larger filter for a part if its own has no room for the names that come. */
static int
grow(struct vly_table *table, struct vly_book_fills *fills, uint32_t base_part)
{
	struct vly_book_part *part = &table->book->part[base_part];

	if (part->coming_filter != NULL)
		return 0;
	/* filter_room may be that of a first filter that did not come */
	if (table->part[base_part].filter != NULL &&
	    part->filter_cnt + part->coming_cnt <= part->filter_room)
		return 0;
	if (refill(table, fills, base_part) != 0)
		return -1;
	/* if this is not carried out, the old filter has less room than it says: it only fills more */
	part->filter_room = ROOM_FOR(part->coming_cnt);
	part->filter_cnt = 0;
	part->coming_filter = new_filter(table->book, part->filter_room);
	return part->coming_filter != NULL ? 0 : -1;
}

static int
compare_fills(const void *a, const void *b)
{
	const struct vly_book_fill *left = a;
	const struct vly_book_fill *right = b;

	if (left->overlay.part != right->overlay.part)
		return left->overlay.part < right->overlay.part ? -1 : 1;
	return left->is_again - right->is_again;
}

/* Whether one walk over an image does for both. A zone has one target in a walk, but the fill of an
 * overlay whose zone moves to another part, and that for the part it leaves, have two. */
static bool
is_same_walk(const struct vly_book_fill *a, const struct vly_book_fill *b)
{
	return a->overlay.part == b->overlay.part && a->is_again == b->is_again;
}

int
vly_book_fill_prepare(struct vly_table *table, struct vly_book_fills *fills)
{
	const size_t cnt = fills->cnt; /* growing adds to them */
	uint32_t zone_max = 0;

	for (size_t i = 0; i < cnt; i++)
		if (grow(table, fills, fills->fill[i].base_part) != 0)
			return -1;
	for (size_t i = 0; i < fills->cnt; i++) {
		uint32_t zone_cnt =
			table->book->part[fills->fill[i].overlay.part - 1].image->header->zone_cnt;
		if (zone_max < zone_cnt)
			zone_max = zone_cnt;
	}
	if (fills->cnt == 0)
		return 0;
	fills->target = calloc(zone_max, sizeof(struct vly_table_part *));
	if (fills->target == NULL)
		return -1;
	qsort(fills->fill, fills->cnt, sizeof(fills->fill[0]), compare_fills);
	return 0;
}

static void
set_bits(struct vly_table_filter *filter, uint32_t tag)
{
	const uint64_t mix = vly_table_filter_mix(tag);
	uint64_t *word = (uint64_t *)(uintptr_t)vly_table_filter_word(filter, mix);

	__atomic_store_n(word, *word | vly_table_filter_bits(mix), __ATOMIC_RELAXED);
}

/* Sets the bits of all names of an image whose zones have a filter. */
static void
walk_names(const struct vly_image *image, struct vly_table_filter *const *target)
{
	const bool has_one = image->header->zone_cnt == 1;

	for (uint32_t i = 0; i < image->bucket_cnt; i++) {
		const struct vly_image_bucket *bucket = &image->bucket[i];
		for (unsigned slot = 0; slot < 8 && bucket->node[slot] != 0; slot++) {
			const struct vly_image_node *node =
				vly_image_at(image->heap, bucket->node[slot]);
			struct vly_table_filter *filter = target[has_one ? 0 : node->zone];
			if (filter != NULL)
				set_bits(filter, bucket->tag[slot]);
		}
	}
}

/* The filter of a part after this change. */
static struct vly_table_filter *
filter_of(const struct vly_table *table, uint32_t base_part)
{
	struct vly_table_filter *coming = table->book->part[base_part].coming_filter;

	return coming != NULL ? coming
			      : (struct vly_table_filter *)(uintptr_t)table->part[base_part].filter;
}

/* A larger filter has all names, those of the old one too, before readers see it. Returns whether
 * there is one. */
static bool
publish_filter(struct vly_table *table, uint32_t base_part)
{
	struct vly_book_part *part = &table->book->part[base_part];
	struct vly_table_filter *before =
		(struct vly_table_filter *)(uintptr_t)table->part[base_part].filter;

	if (part->coming_cnt == 0)
		return false; /* done */
	part->filter_cnt += part->coming_cnt;
	part->coming_cnt = 0;
	if (part->coming_filter == NULL)
		return false;
	__atomic_store_n(&table->part[base_part].filter, part->coming_filter, __ATOMIC_RELEASE);
	part->coming_filter = before;
	return true;
}

void
vly_book_fill(struct vly_table *table, struct vly_book_fills *fills)
{
	bool is_new = false;
	size_t end;

	for (size_t i = 0; i < fills->cnt; i = end) {
		const struct vly_image *image =
			table->book->part[fills->fill[i].overlay.part - 1].image;
		for (end = i; end < fills->cnt && is_same_walk(&fills->fill[end], &fills->fill[i]);
		     end++)
			fills->target[fills->fill[end].overlay.zone_idx] =
				filter_of(table, fills->fill[end].base_part);
		walk_names(image, fills->target);
		for (size_t j = i; j < end; j++)
			fills->target[fills->fill[j].overlay.zone_idx] = NULL;
	}
	for (size_t i = 0; i < fills->cnt; i++)
		is_new |= publish_filter(table, fills->fill[i].base_part);
	if (!is_new)
		return;
	__atomic_store_n(&table->has_filters, true, __ATOMIC_RELEASE);
	/* a burst looks for its filters before it looks at layers: none may have found the old ones */
	synchronize_rcu();
}

void
vly_book_fill_end(struct vly_table_book *book, struct vly_book_fills *fills)
{
	for (size_t i = 0; i < fills->cnt; i++) {
		struct vly_book_part *part = &book->part[fills->fill[i].base_part];
		vly_book_free_filter(book, part->coming_filter);
		part->coming_filter = NULL;
		part->coming_cnt = 0;
	}
	free(fills->fill);
	free(fills->target);
	*fills = (struct vly_book_fills){0};
}
