/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "rdata.h"
#include "rrset.h"

/* By type; then, as the arena grows while the file is read, in the order of the file. */
static int
by_type(const void *a, const void *b)
{
	const struct vly_zone_record *left = *(const struct vly_zone_record *const *)a;
	const struct vly_zone_record *right = *(const struct vly_zone_record *const *)b;

	if (left->type != right->type)
		return left->type < right->type ? -1 : 1;
	return left < right ? -1 : left > right;
}

static int
compare(const struct vly_zone_record *left, const struct vly_zone_record *right)
{
	return vly_rdata_compare(left->type, left->data, left->data_len, right->data,
				 right->data_len);
}

/* By RDATA, then in the order of the file. */
static int
by_data(const void *a, const void *b)
{
	const struct vly_zone_record *left = *(const struct vly_zone_record *const *)a;
	const struct vly_zone_record *right = *(const struct vly_zone_record *const *)b;
	int order = compare(left, right);

	return order != 0 ? order : left < right ? -1 : left > right;
}

/* Drops all but the first of equal records of one type; returns how many are left. */
static unsigned
drop_duplicates(const struct vly_zone_record **record, unsigned cnt)
{
	unsigned kept = 1;

	if (cnt < 2)
		return cnt;
	qsort(record, cnt, sizeof(*record), by_data);
	for (unsigned i = 1; i < cnt; i++)
		if (compare(record[i], record[kept - 1]) != 0)
			record[kept++] = record[i];
	qsort(record, kept, sizeof(*record), by_type);
	return kept;
}

static int
reserve(struct vly_rrsets *rrsets, unsigned record_cnt)
{
	if (record_cnt <= rrsets->record_size)
		return 0;
	unsigned size = record_cnt * 2;
	void *record = realloc(rrsets->record, size * sizeof(*rrsets->record));
	if (record == NULL)
		return -1;
	rrsets->record = record;
	void *rrset = realloc(rrsets->rrset, size * sizeof(*rrsets->rrset));
	if (rrset == NULL)
		return -1;
	rrsets->rrset = rrset;
	rrsets->record_size = size;
	return 0;
}

int
vly_rrsets_load(struct vly_rrsets *rrsets, const struct vly_zone *zone, uint32_t node_idx)
{
	unsigned cnt = 0;
	const struct vly_zone_record *record;

	rrsets->cnt = 0;
	for (vly_arena_ref ref = zone->node[node_idx].records; ref != 0; ref = record->next) {
		record = vly_arena_at(&zone->arena, ref);
		if (reserve(rrsets, cnt + 1) != 0)
			return -1;
		rrsets->record[cnt++] = record;
	}
	if (cnt > 1)
		qsort(rrsets->record, cnt, sizeof(*rrsets->record), by_type);
	for (unsigned first = 0, end; first < cnt; first = end) {
		const struct vly_zone_record **of_type = rrsets->record + first;
		for (end = first + 1; end < cnt && rrsets->record[end]->type == of_type[0]->type;)
			end++;
		unsigned kept = drop_duplicates(of_type, end - first);
		rrsets->rrset[rrsets->cnt++] = (struct vly_rrset){
			of_type[0]->type, of_type[0]->ttl, kept, end - first - kept, of_type};
	}
	return 0;
}

void
vly_rrsets_drop_nsec3(struct vly_rrsets *rrsets)
{
	unsigned rrset_cnt = 0;

	for (unsigned i = 0; i < rrsets->cnt; i++) {
		struct vly_rrset rrset = rrsets->rrset[i];
		const struct vly_zone_record **record =
			rrsets->record + (rrset.record - rrsets->record);
		unsigned cnt = 0;
		for (unsigned j = 0; j < rrset.record_cnt; j++)
			if (!vly_zone_record_is_nsec3(record[j]))
				record[cnt++] = record[j];
		rrset.record_cnt = cnt;
		if (cnt > 0)
			rrsets->rrset[rrset_cnt++] = rrset;
	}
	rrsets->cnt = rrset_cnt;
}

/* There is at most one set of a type. */
void
vly_rrsets_drop_alias(struct vly_rrsets *rrsets)
{
	const struct vly_rrset *found = vly_rrsets_find(rrsets, VLY_TYPE_ALIAS);

	if (found == NULL)
		return;
	const unsigned at = (unsigned)(found - rrsets->rrset);
	memmove(rrsets->rrset + at, found + 1, (rrsets->cnt - at - 1) * sizeof(*found));
	rrsets->cnt--;
}

const struct vly_rrset *
vly_rrsets_find(const struct vly_rrsets *rrsets, uint16_t type)
{
	for (unsigned i = 0; i < rrsets->cnt; i++)
		if (rrsets->rrset[i].type == type)
			return &rrsets->rrset[i];
	return NULL;
}

void
vly_rrsets_free(struct vly_rrsets *rrsets)
{
	free(rrsets->record);
	free(rrsets->rrset);
	*rrsets = (struct vly_rrsets){0};
}

int
vly_rrset_by_data(const void *left_ref, const void *right_ref)
{
	const struct vly_zone_record *left = *(const struct vly_zone_record *const *)left_ref;
	const struct vly_zone_record *right = *(const struct vly_zone_record *const *)right_ref;

	return vly_rdata_compare(left->type, left->data, left->data_len, right->data,
				 right->data_len);
}
