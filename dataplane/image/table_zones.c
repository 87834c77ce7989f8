/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "table_book.h"

/* A zone that readers may come to when a slot is not served. Its apex, at ref 1, is a node without
 * any name. */
static const struct vly_image_bucket gone_bucket;
static const struct vly_image_zone gone_zone = {.apex = 1};
static const uint64_t gone_heap[16];
static const struct vly_image gone_image = {
	.zone = &gone_zone,
	.bucket = &gone_bucket,
	.heap = (const uint8_t *)gone_heap,
	.bucket_cnt = 1,
	.probe_max = 1,
};
const struct vly_table_part vly_book_gone = {
	.image = &gone_image,
	.bucket = &gone_bucket,
	.bucket_cnt = 1,
};

void
vly_table_scan_apex(const struct vly_table *table, const struct vly_image *image, uint32_t zone_idx,
		    struct vly_name *name)
{
	const struct vly_image_node *apex = vly_image_at(image->heap, image->zone[zone_idx].apex);

	/* the image was verified */
	(void)vly_name_scan(name, vly_image_node_name(apex), apex->name_len);
	vly_name_hash(name, &table->key);
}

void
vly_book_scan(const struct vly_table *table, struct vly_book_entry entry, struct vly_name *name)
{
	vly_table_scan_apex(table, table->book->part[entry.part - 1].image, entry.zone_idx, name);
}

/* The index of a free part, or UINT32_MAX. */
static uint32_t
find_free_part(struct vly_table_book *book)
{
	if (book->part_end < book->part_room)
		return book->part_end++;
	for (uint32_t i = 0; i < book->part_end; i++)
		if (book->part[i].image == NULL)
			return i;
	return UINT32_MAX;
}

uint32_t
vly_book_add_part(struct vly_table *table, const struct vly_image *image)
{
	const uint32_t zone_cnt = image->header->zone_cnt;
	struct vly_book_entry *next = calloc((size_t)zone_cnt + 1, sizeof(*next));
	uint64_t *contested = calloc((size_t)zone_cnt / 64 + 1, sizeof(*contested));
	uint32_t idx = next != NULL && contested != NULL ? find_free_part(table->book) : UINT32_MAX;

	if (idx == UINT32_MAX) {
		free(next);
		free(contested);
		return UINT32_MAX;
	}
	table->book->part[idx] = (struct vly_book_part){.image = image, .next = next};
	struct vly_table_part part = {
		.image = image,
		.bucket = image->bucket,
		.bucket_cnt = image->bucket_cnt,
		.contested = contested,
	};
	for (uint32_t i = 0; i < zone_cnt; i++)
		if (part.label_max < image->zone[i].label_max)
			part.label_max = image->zone[i].label_max;
	table->part[idx] = part;
	return idx;
}

void
vly_book_free_part(struct vly_table *table, uint32_t part_idx)
{
	struct vly_table_part *part = &table->part[part_idx];

	free(part->contested);
	free(part->layered);
	vly_book_free_filter(table->book, part->filter);
	free(table->book->part[part_idx].next);
	*part = (struct vly_table_part){0};
	table->book->part[part_idx] = (struct vly_book_part){0};
}

uint32_t
vly_book_find_part(const struct vly_table *table, const struct vly_image *image)
{
	for (uint32_t i = 0; i < table->book->part_end; i++)
		if (table->book->part[i].image == image)
			return i;
	return UINT32_MAX;
}

static bool
is_apex_of(const struct vly_table *table, struct vly_book_entry entry, const struct vly_name *name,
	   unsigned label_idx)
{
	const struct vly_image *image = table->book->part[entry.part - 1].image;

	return vly_bucket_node_is(vly_image_at(image->heap, image->zone[entry.zone_idx].apex), name,
				  label_idx);
}

/* Ends at a slot that was never used. */
uint32_t
vly_book_find(const struct vly_table *table, const struct vly_name *name, unsigned label_idx,
	      uint32_t *free_at)
{
	const uint32_t tag = vly_image_tag(name->hash[label_idx]);
	uint32_t at = vly_table_slot_idx(table, name->hash[label_idx]);
	uint32_t free_slot = UINT32_MAX;

	for (; table->slot[at].part != NULL; at = (at + 1) & table->slot_mask) {
		const struct vly_book_entry head = table->book->head[at];
		const bool is_served = table->slot[at].part != &vly_book_gone;
		if (head.part == 0 && !is_served && free_slot == UINT32_MAX)
			free_slot = at;
		/* the slot of a zone that is not served has no tag */
		if (head.part != 0 && (!is_served || table->slot[at].tag == tag) &&
		    is_apex_of(table, head, name, label_idx))
			return at;
		/* its last entry was taken out with this commit */
		if (head.part == 0 && is_served && table->slot[at].tag == tag &&
		    vly_bucket_node_is(vly_table_apex(table->slot[at]), name, label_idx))
			return at;
	}
	if (free_at != NULL)
		*free_at = free_slot != UINT32_MAX ? free_slot : at;
	return UINT32_MAX;
}

uint32_t
vly_book_link(struct vly_table *table, struct vly_book_entry entry, const struct vly_name *name)
{
	struct vly_table_book *book = table->book;
	uint32_t free_at = 0;
	uint32_t at = vly_book_find(table, name, 0, &free_at);

	if (at == UINT32_MAX) {
		at = free_at;
		book->slot_used_cnt += table->slot[at].part == NULL;
		/* A search goes on behind it, so it must not be free until it is served. */
		vly_book_store_slot(&table->slot[at],
				    (struct vly_table_slot){.part = &vly_book_gone});
	}
	*vly_book_next(book, entry) = book->head[at];
	book->head[at] = entry;
	return at;
}

uint32_t
vly_book_unlink(struct vly_table *table, struct vly_book_entry entry, const struct vly_name *name)
{
	const uint32_t at = vly_book_find(table, name, 0, NULL);
	struct vly_book_entry *place = &table->book->head[at];

	/* it is in the list */
	while (place->part != entry.part || place->zone_idx != entry.zone_idx)
		place = vly_book_next(table->book, *place);
	*place = *vly_book_next(table->book, entry);
	return at;
}

/* The place of a name among those that have zones below them. */
static struct vly_book_below *
find_below(const struct vly_table_book *book, uint64_t hash)
{
	uint64_t at = hash & book->below_mask;

	hash += hash == 0;
	while (book->below[at].hash != 0 && book->below[at].hash != hash)
		at = (at + 1) & book->below_mask;
	return &book->below[at];
}

int
vly_book_reserve_below(struct vly_table_book *book, uint64_t cnt)
{
	const struct vly_table_book before = *book;
	uint64_t room = before.below != NULL ? before.below_mask + 1 : 64;

	/* at most half full; names that have lost their zones go */
	if (before.below != NULL && 2 * (before.below_cnt + cnt) <= room)
		return 0;
	while (room < 3 * (before.below_cnt + cnt))
		room *= 2;
	struct vly_book_below *grown = calloc(room, sizeof(*grown));
	if (grown == NULL)
		return -1;
	book->below = grown;
	book->below_mask = room - 1;
	book->below_cnt = 0;
	for (uint64_t i = 0; before.below != NULL && i <= before.below_mask; i++) {
		if (before.below[i].zone_cnt == 0)
			continue;
		*find_below(book, before.below[i].hash) = before.below[i];
		book->below_cnt++;
	}
	free(before.below);
	return 0;
}

bool
vly_book_count_below(struct vly_table_book *book, const struct vly_name *apex, bool is_served)
{
	bool has_turned = false;

	for (unsigned i = 1; i <= apex->label_cnt; i++) {
		struct vly_book_below *below = find_below(book, apex->hash[i]);
		if (below->hash == 0) {
			below->hash = apex->hash[i] + (apex->hash[i] == 0);
			book->below_cnt++;
		}
		below->zone_cnt += is_served ? 1 : UINT64_MAX;
		has_turned |= below->zone_cnt == (is_served ? 1 : 0);
	}
	return has_turned;
}

bool
vly_book_has_below(const struct vly_table_book *book, uint64_t hash)
{
	return book->below != NULL && find_below(book, hash)->zone_cnt > 0;
}

void
vly_book_store_slot(struct vly_table_slot *to, struct vly_table_slot slot)
{
	union {
		struct vly_table_slot slot;
		__m128i whole;
	} stored = {.slot = slot};

	/* everything that was stored before is seen before: x86 keeps the order of stores */
	__asm__ volatile("movdqa %1, %0" : "=m"(*to) : "x"(stored.whole) : "memory");
}
