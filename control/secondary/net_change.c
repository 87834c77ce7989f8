/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net_change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A record of a step, in the order of the transfer. */
struct op {
	const struct vly_change_record *record;
	uint32_t idx;
	bool adds;
};

static int
put(struct vly_change *change, const struct vly_change_record *record, bool adds)
{
	return adds ? vly_change_add(change, record->owner, record->owner_len, record->type,
				     record->ttl, record->data, record->data_len)
		    : vly_change_remove(change, record->owner, record->owner_len, record->type,
					record->ttl, record->data, record->data_len);
}

/* Two that differ in the case of a name in their data are different ones here. */
static int
compare(const struct vly_change_record *left, const struct vly_change_record *right)
{
	int order = vly_change_record_order(left, right);

	if (order == 0 && left->ttl != right->ttl)
		order = left->ttl < right->ttl ? -1 : 1;
	if (order == 0)
		order = memcmp(left->data, right->data, left->data_len);
	return order;
}

static int
compare_ops(const void *a, const void *b)
{
	const struct op *left = a;
	const struct op *right = b;
	int order = compare(left->record, right->record);

	return order ? order : left->idx < right->idx ? -1 : 1;
}

/* What happened to one record from the first step to the last. */
static int
put_net(struct vly_change *change, const struct op *first, const struct op *last)
{
	if (first->adds != last->adds)
		return 0;
	return put(change, first->record, first->adds);
}

static int
make_net(struct vly_change *change, const struct vly_change *all, const bool *adds)
{
	const size_t cnt = all->added.cnt;
	struct op *ops = calloc(cnt + 1, sizeof(*ops));
	size_t first = 0;
	int result = 0;

	if (!ops)
		return -1;
	for (size_t i = 0; i < cnt; i++)
		ops[i] = (struct op){&all->added.record[i], (uint32_t)i, adds[i]};
	qsort(ops, cnt, sizeof(*ops), compare_ops);
	for (size_t i = 1; i <= cnt && result == 0; i++) {
		if (i < cnt && compare(ops[first].record, ops[i].record) == 0)
			continue;
		result = put_net(change, &ops[first], &ops[i - 1]);
		first = i;
	}
	free(ops);
	return result;
}

/* Reads all records into one list, in their order, and which of them are added. */
static const char *
read_all(struct vly_spool *spool, struct vly_change *all, bool *adds)
{
	struct vly_transfer_record record;
	int more;

	while ((more = vly_spool_next(spool, &record)) > 0) {
		adds[all->added.cnt] = record.op == VLY_TRANSFER_ADDS;
		if (vly_change_add(all, record.owner, record.owner_len, record.type, record.ttl,
				   record.data, record.data_len) != 0)
			return strerror(errno);
	}
	return more < 0 ? spool->reason : NULL;
}

static const char *
read_steps(struct vly_change *change, struct vly_spool *spool)
{
	bool *adds = calloc(spool->record_cnt + 1, sizeof(*adds));
	const char *why = "out of memory";
	struct vly_change all;

	vly_change_init(&all);
	if (adds)
		why = read_all(spool, &all, adds);
	if (!why && make_net(change, &all, adds) != 0)
		why = strerror(errno);
	vly_change_free(&all);
	free(adds);
	return why;
}

static const char *
read_step(struct vly_change *change, struct vly_spool *spool)
{
	struct vly_transfer_record record;
	int more;

	while ((more = vly_spool_next(spool, &record)) > 0) {
		const struct vly_change_record copy = {
			.owner = record.owner,
			.data = record.data,
			.ttl = record.ttl,
			.type = record.type,
			.data_len = record.data_len,
			.owner_len = record.owner_len,
		};
		if (put(change, &copy, record.op == VLY_TRANSFER_ADDS) != 0)
			return strerror(errno);
	}
	return more < 0 ? spool->reason : NULL;
}

const char *
vly_net_change(struct vly_change *change, struct vly_spool *spool, uint32_t step_cnt)
{
	if (!vly_spool_rewind(spool))
		return spool->reason;
	return step_cnt > 1 ? read_steps(change, spool) : read_step(change, spool);
}

int
vly_change_add_all(struct vly_change *to, const struct vly_change *from)
{
	for (size_t i = 0; i < from->removed.cnt; i++)
		if (put(to, &from->removed.record[i], false) != 0)
			return -1;
	for (size_t i = 0; i < from->added.cnt; i++)
		if (put(to, &from->added.record[i], true) != 0)
			return -1;
	return 0;
}
