/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A table from 64-bit numbers to 32-bit ones. All zeros is an empty table;
 * vly_number_table_free() frees what it points to. One thread at a time; no function blocks.
 */
#ifndef VLY_CONTROL_NUMBER_TABLE_H
#define VLY_CONTROL_NUMBER_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct vly_number_slot {
	uint64_t key;
	uint32_t value; /* 0: the slot is free */
};

struct vly_number_table {
	struct vly_number_slot *slot;
	size_t slot_cnt; /* a power of two, or 0 */
	size_t cnt;
};

/* Returns the place of the value of `key`: 0 in it if the key is new, and the caller writes another
 * number there before the next call, which moves places. NULL without memory. */
__attribute__((nonnull, warn_unused_result)) uint32_t *
vly_number_table_place(struct vly_number_table *table, uint64_t key);

__attribute__((nonnull)) void vly_number_table_free(struct vly_number_table *table);

#endif
