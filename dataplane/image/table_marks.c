/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "table_book.h"

int
vly_book_reserve_marks(struct vly_table *table, struct vly_book_entry entry, bool is_layered)
{
	struct vly_table_part *part = &table->part[entry.part - 1];
	const size_t zone_cnt = part->image->header->zone_cnt;

	if (part->contested == NULL) {
		uint64_t *contested = calloc(zone_cnt / 64 + 1, sizeof(*contested));
		if (contested == NULL)
			return -1;
		__atomic_store_n(&part->contested, contested, __ATOMIC_RELEASE);
	}
	if (is_layered && part->layered == NULL) {
		const struct vly_table_part **layered =
			calloc(zone_cnt + 1, sizeof(struct vly_table_part *));
		if (layered == NULL)
			return -1;
		__atomic_store_n(&part->layered, layered, __ATOMIC_RELEASE);
	}
	return 0;
}

static void
set_contested(struct vly_table_part *part, uint32_t zone_idx, bool is_contested)
{
	uint64_t *word = &part->contested[zone_idx / 64];
	const uint64_t bit = UINT64_C(1) << zone_idx % 64;

	__atomic_store_n(word, is_contested ? *word | bit : *word & ~bit, __ATOMIC_RELEASE);
}

static void
set_layered(struct vly_table_part *part, uint32_t zone_idx, const struct vly_table_part *layered)
{
	if (part->layered != NULL)
		__atomic_store_n(&part->layered[zone_idx], layered, __ATOMIC_RELEASE);
}

void
vly_book_contest(struct vly_table *table, struct vly_book_entry entry)
{
	set_contested(&table->part[entry.part - 1], entry.zone_idx, true);
}

/* The part of the complete form that a slot leads to. */
static struct vly_table_part *
base_part(struct vly_table_slot slot)
{
	const struct vly_table_part *part = slot.part->layers != NULL ? slot.part->base : slot.part;

	return (struct vly_table_part *)(uintptr_t)part;
}

void
vly_book_close(struct vly_table *table, uint32_t at)
{
	const struct vly_table_slot slot = table->slot[at];

	if (slot.part == &vly_book_gone)
		return;
	set_contested(base_part(slot), slot.zone_idx, true);
	set_layered(base_part(slot), slot.zone_idx, NULL);
}

void
vly_book_open(struct vly_table *table, uint32_t at)
{
	const struct vly_table_slot slot = table->slot[at];
	struct vly_name apex;

	if (slot.part == &vly_book_gone)
		return;
	vly_book_scan(table, table->book->head[at], &apex);
	bool has_below = vly_book_has_below(table->book, apex.hash[0]);
	if (slot.part->layers != NULL)
		set_layered(base_part(slot), slot.zone_idx, has_below ? NULL : slot.part);
	else if (base_part(slot)->contested != NULL)
		set_contested(base_part(slot), slot.zone_idx, has_below);
}
