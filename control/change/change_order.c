/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The canonical order of a change, and what cancels out in it. */
#include <stdlib.h>

#include "change.h"
#include "zone/name_order.h"
#include "zone/rdata.h"

int
vly_change_record_order(const struct vly_change_record *left, const struct vly_change_record *right)
{
	if (left->owner != right->owner) {
		int order = vly_name_order(left->owner, right->owner);
		if (order != 0)
			return order;
	}
	if (left->type != right->type)
		return left->type < right->type ? -1 : 1;
	return vly_rdata_compare(left->type, left->data, left->data_len, right->data,
				 right->data_len);
}

/* Also by TTL and the case of names in the data: 0 when all octets are the same. */
static int
full_order(const void *left_ref, const void *right_ref)
{
	const struct vly_change_record *left = left_ref;
	const struct vly_change_record *right = right_ref;
	int order = vly_change_record_order(left, right);

	if (order != 0)
		return order;
	if (left->ttl != right->ttl)
		return left->ttl < right->ttl ? -1 : 1;
	return memcmp(left->data, right->data, left->data_len);
}

static void
sort(struct vly_change_list *list)
{
	size_t kept = 0;

	for (size_t i = 1; i < list->cnt; i++) {
		if (full_order(&list->record[i - 1], &list->record[i]) > 0) {
			qsort(list->record, list->cnt, sizeof(*list->record), full_order);
			break;
		}
	}
	for (size_t i = 0; i < list->cnt; i++) {
		const struct vly_change_record *record = &list->record[i];
		if (kept == 0 || list->record[kept - 1].ttl != record->ttl ||
		    vly_change_record_order(&list->record[kept - 1], record) != 0)
			list->record[kept++] = *record;
	}
	list->cnt = kept;
}

static void
cancel(struct vly_change *change)
{
	struct vly_change_list *removed = &change->removed;
	struct vly_change_list *added = &change->added;
	size_t removed_cnt = 0, added_cnt = 0;
	size_t r = 0, a = 0;

	while (r < removed->cnt && a < added->cnt) {
		int order = full_order(&removed->record[r], &added->record[a]);
		if (order < 0)
			removed->record[removed_cnt++] = removed->record[r++];
		else if (order > 0)
			added->record[added_cnt++] = added->record[a++];
		else
			r++, a++;
	}
	while (r < removed->cnt)
		removed->record[removed_cnt++] = removed->record[r++];
	while (a < added->cnt)
		added->record[added_cnt++] = added->record[a++];
	removed->cnt = removed_cnt;
	added->cnt = added_cnt;
}

void
vly_change_normalise(struct vly_change *change)
{
	if (change->is_normal)
		return;
	sort(&change->removed);
	sort(&change->added);
	cancel(change);
	change->is_normal = true;
}
