/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entries of the journal, with the changes in them. What is accepted is brought into normal form,
 * written and read again: it must be the same. */
#include <string.h>

#include "store/store_journal.h"
#include "target.h"

static void
expect_same(const struct vly_change_list *left, const struct vly_change_list *right)
{
	require(left->cnt == right->cnt);
	for (size_t i = 0; i < left->cnt; i++) {
		require(vly_change_record_order(&left->record[i], &right->record[i]) == 0);
		require(left->record[i].ttl == right->record[i].ttl);
		require(memcmp(left->record[i].data, right->record[i].data,
			       left->record[i].data_len) == 0);
	}
}

static void
expect_sorted(const struct vly_change_list *list)
{
	for (size_t i = 1; i < list->cnt; i++)
		require(vly_change_record_order(&list->record[i - 1], &list->record[i]) <= 0);
}

static void
write_and_read(struct vly_change *change)
{
	struct vly_change again = {0};
	size_t bytes = vly_change_encoded_bytes(change);
	uint8_t *octets = malloc(bytes);

	vly_change_encode(change, octets);
	require(vly_change_decode(&again, octets, bytes) == 0);
	require(again.from == change->from && again.to == change->to);
	expect_same(&change->removed, &again.removed);
	expect_same(&change->added, &again.added);
	vly_change_free(&again);
	free(octets);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vly_store_entry entry;
	struct vly_change change = {0};

	if (!vly_store_entry_read(&entry, data, size))
		return 0;
	require(strlen(entry.who) < sizeof(entry.who));
	if (vly_change_decode(&change, entry.octets, entry.bytes) == 0) {
		require(change.removed.cnt == entry.head.removed_cnt);
		require(change.added.cnt == entry.head.added_cnt);
		vly_change_normalise(&change);
		expect_sorted(&change.removed);
		expect_sorted(&change.added);
		write_and_read(&change);
	}
	vly_change_free(&change);
	return 0;
}
