/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the store of zones has on disk. The first octet says what the rest is: the records of a name,
 * which are edited; a key, which becomes a name and a key again; or the pages of a data file.
 */
#include <string.h>

#include "store/store_pages.h"
#include "store/store_records.h"
#include "target.h"

static struct vly_change_record
edit_of(const struct vly_store_record *record)
{
	static const uint8_t root[1];

	return (struct vly_change_record){.owner = root,
					  .data = record->data,
					  .ttl = record->ttl,
					  .type = record->type,
					  .data_len = record->data_len,
					  .owner_len = 1};
}

/* Removes each record, and puts it back. */
static void
try_records(const uint8_t *data, size_t size)
{
	struct vly_store_records records, rest;
	struct vly_store_record record;
	const struct vly_change_record *which;

	if (!vly_store_records_check(&records, data, size))
		return;
	rest = records;
	unsigned cnt = vly_store_records_cnt(&records);
	for (unsigned i = 0; i < 20 && vly_store_next_record(&rest, &record); i++) {
		struct vly_change_record of = edit_of(&record);
		struct vly_store_edit remove = {.removed = &of, .removed_cnt = 1};
		struct vly_store_edit add = {.added = &of, .added_cnt = 1};
		struct vly_store_buffer without = {0}, again = {0};
		struct vly_store_records left;
		require(vly_store_records_edit(&records, &remove, &without, &which) ==
			VLY_STORE_FITS);
		require((without.used > 0) == (cnt > 1));
		require(vly_store_records_edit(&records, &add, &again, &which) == VLY_STORE_THERE);
		again.used = 0;
		if (without.used == 0)
			left = (struct vly_store_records){0};
		else
			require(vly_store_records_check(&left, without.octet, without.used));
		require(vly_store_records_edit(&left, &add, &again, &which) == VLY_STORE_FITS);
		require(again.used == size && memcmp(again.octet, data, size) == 0);
		free(without.octet);
		free(again.octet);
	}
}

static void
try_key(const uint8_t *data, size_t size)
{
	static const uint8_t wire[1 + VLY_NAME_SLACK_BYTES];
	struct vly_name root, name;
	struct vly_store_key key = {0};

	vly_name_scan(&root, wire, 1);
	if (!vly_store_key_name(data, size, &root, &name))
		return;
	vly_store_key_add_name(&key, &name, 1);
	require(key.len == size && memcmp(key.octet, data, size) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return -1;
	uint8_t *rest = malloc(size > 1 ? size - 1 : 1); /* reading behind its end is noticed */
	memcpy(rest, data + 1, size - 1);
	if (data[0] % 3 == 0)
		try_records(rest, size - 1);
	else if (data[0] % 3 == 1)
		try_key(rest, size - 1);
	else
		(void)vly_store_pages_check(rest, size - 1, "reverse");
	free(rest);
	return 0;
}
