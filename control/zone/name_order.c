/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "name_order.h"

#include <stdlib.h>
#include <string.h>

/* Where the labels of a name begin, the last one first. */
static unsigned
labels_of(const uint8_t *name, uint8_t label[VLY_NAME_LABELS_MAX])
{
	uint8_t forward[VLY_NAME_LABELS_MAX];
	unsigned cnt = 0;

	for (unsigned at = 0; name[at] != 0; at += name[at] + 1u)
		forward[cnt++] = (uint8_t)at;
	for (unsigned i = 0; i < cnt; i++)
		label[i] = forward[cnt - 1 - i];
	return cnt;
}

int
vly_name_order(const uint8_t *left, const uint8_t *right)
{
	uint8_t left_label[VLY_NAME_LABELS_MAX];
	uint8_t right_label[VLY_NAME_LABELS_MAX];
	unsigned left_cnt = labels_of(left, left_label);
	unsigned right_cnt = labels_of(right, right_label);

	for (unsigned i = 0; i < left_cnt && i < right_cnt; i++) {
		const uint8_t *a = left + left_label[i];
		const uint8_t *b = right + right_label[i];
		int order = memcmp(a + 1, b + 1, a[0] < b[0] ? a[0] : b[0]);
		if (order != 0 || a[0] != b[0])
			return order != 0 ? order : (int)a[0] - b[0];
	}
	return (int)left_cnt - (int)right_cnt;
}

static int
by_name(const void *left_idx, const void *right_idx, void *context)
{
	const struct vly_zone *zone = context;
	unsigned len;

	return vly_name_order(vly_zone_node_name(zone, *(const uint32_t *)left_idx, &len),
			      vly_zone_node_name(zone, *(const uint32_t *)right_idx, &len));
}

uint32_t *
vly_zone_order(const struct vly_zone *zone,
	       bool (*wanted)(const struct vly_zone *zone, uint32_t idx), uint32_t *cnt)
{
	uint32_t *order = reallocarray(NULL, zone->node_cnt, sizeof(*order));
	void *context = (void *)(uintptr_t)zone;
	bool sorted = true;

	*cnt = 0;
	for (uint32_t i = 0; order != NULL && i < zone->node_cnt; i++) {
		if (wanted != NULL && !wanted(zone, i))
			continue;
		order[*cnt] = i;
		sorted = sorted &&
			 (*cnt == 0 || by_name(&order[*cnt - 1], &order[*cnt], context) < 0);
		++*cnt;
	}
	if (!sorted)
		qsort_r(order, *cnt, sizeof(*order), by_name, context);
	return order;
}
