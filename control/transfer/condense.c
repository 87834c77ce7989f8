/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "condense.h"

#include <stdlib.h>

#include <volley/dns.h>

struct step {
	const struct vly_change_record *record;
	int sign; /* 1: added, -1: removed */
};

static int
order(const struct step *left, const struct step *right)
{
	int order = vly_change_record_order(left->record, right->record);

	if (order != 0 || left->record->ttl == right->record->ttl)
		return order;
	return left->record->ttl < right->record->ttl ? -1 : 1;
}

static int
sort_order(const void *left, const void *right)
{
	return order(left, right);
}

static size_t
take(struct step *step, const struct vly_change_list *list, int sign)
{
	size_t cnt = 0;

	for (size_t i = 0; i < list->cnt; i++)
		if (list->record[i].type != VLY_TYPE_SOA)
			step[cnt++] = (struct step){&list->record[i], sign};
	return cnt;
}

/* A record comes and goes by turns, so that the sum of its steps is -1, 0 or 1. Keeps one step of each
 * record whose sum is not 0. Returns their number. */
static size_t
fold(struct step *step, size_t cnt)
{
	size_t kept = 0;
	size_t next;

	for (size_t i = 0; i < cnt; i = next) {
		int sum = 0;
		for (next = i; next < cnt && order(&step[i], &step[next]) == 0; next++)
			sum += step[next].sign;
		if (sum != 0)
			step[kept++] = (struct step){step[i].record, sum > 0 ? 1 : -1};
	}
	return kept;
}

int
vly_condense(const struct vly_change *change, size_t cnt, struct vly_condensed *condensed)
{
	size_t step_cnt = 0;

	*condensed = (struct vly_condensed){0};
	for (size_t i = 0; i < cnt; i++)
		step_cnt += change[i].removed.cnt + change[i].added.cnt;
	struct step *step = calloc(step_cnt + 1, sizeof(*step));
	condensed->record = calloc(step_cnt + 1, sizeof(struct vly_change_record *));
	if (step == NULL || condensed->record == NULL) {
		free(step);
		free(condensed->record);
		return -1;
	}
	step_cnt = 0;
	for (size_t i = 0; i < cnt; i++) {
		step_cnt += take(step + step_cnt, &change[i].removed, -1);
		step_cnt += take(step + step_cnt, &change[i].added, 1);
	}
	qsort(step, step_cnt, sizeof(*step), sort_order);
	step_cnt = fold(step, step_cnt);
	for (size_t i = 0; i < step_cnt; i++)
		if (step[i].sign < 0)
			condensed->record[condensed->removed_cnt++] = step[i].record;
	for (size_t i = 0; i < step_cnt; i++)
		if (step[i].sign > 0)
			condensed->record[condensed->removed_cnt + condensed->added_cnt++] =
				step[i].record;
	free(step);
	return 0;
}
