/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "number_table.h"

#include <stdlib.h>
#include <string.h>

/* Doubled when three quarters are in use. */
#define SLOTS_MIN 64

static struct vly_number_slot *
find(const struct vly_number_table *table, uint64_t key)
{
	size_t mask = table->slot_cnt - 1;
	size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;

	while (table->slot[at].value != 0 && table->slot[at].key != key)
		at = (at + 1) & mask;
	return &table->slot[at];
}

static int
grow(struct vly_number_table *table)
{
	struct vly_number_table larger = {
		.slot_cnt = table->slot_cnt ? 2 * table->slot_cnt : SLOTS_MIN,
		.cnt = table->cnt,
	};

	larger.slot = calloc(larger.slot_cnt, sizeof(*larger.slot));
	if (larger.slot == NULL)
		return -1;
	for (size_t i = 0; i < table->slot_cnt; i++)
		if (table->slot[i].value != 0)
			*find(&larger, table->slot[i].key) = table->slot[i];
	free(table->slot);
	*table = larger;
	return 0;
}

uint32_t *
vly_number_table_place(struct vly_number_table *table, uint64_t key)
{
	if (table->cnt >= table->slot_cnt / 4 * 3 && grow(table) != 0)
		return NULL;
	struct vly_number_slot *slot = find(table, key);
	if (slot->value == 0) {
		slot->key = key;
		table->cnt++;
	}
	return &slot->value;
}

void
vly_number_table_free(struct vly_number_table *table)
{
	free(table->slot);
	memset(table, 0, sizeof(*table));
}
