/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "name_order.h"

#include <stdlib.h>
#include <string.h>

#include <volley/octets.h>
#include <volley/order_key.h>

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

/* A node, with the first octets of its order key: most comparisons need no more, and none of the node's
 * memory then. */
struct place {
	uint64_t head;
	uint32_t idx;
};

static uint64_t
head_of(const struct vly_zone *zone, uint32_t idx, unsigned apex_len)
{
	uint8_t key[VLY_ORDER_KEY_BYTES];
	unsigned len;
	const uint8_t *name = vly_zone_node_name(zone, idx, &len);

	(void)vly_order_key(key, name, len - apex_len);
	return vly_be64(key);
}

static int
by_name(const void *left, const void *right, void *context)
{
	const struct place *a = left;
	const struct place *b = right;
	unsigned len;

	if (a->head != b->head)
		return a->head < b->head ? -1 : 1;
	return vly_name_order(vly_zone_node_name(context, a->idx, &len),
			      vly_zone_node_name(context, b->idx, &len));
}

uint32_t *
vly_zone_order(const struct vly_zone *zone,
	       bool (*wanted)(const struct vly_zone *zone, uint32_t idx), uint32_t *cnt)
{
	struct place *place = reallocarray(NULL, zone->node_cnt, sizeof(*place));
	void *context = (void *)(uintptr_t)zone;
	bool sorted = true;
	unsigned apex_len;

	*cnt = 0;
	(void)vly_zone_node_name(zone, 0, &apex_len);
	for (uint32_t i = 0; place != NULL && i < zone->node_cnt; i++) {
		vly_zone_pass(zone, i);
		if (wanted != NULL && !wanted(zone, i))
			continue;
		place[*cnt] = (struct place){head_of(zone, i, apex_len), i};
		sorted = sorted &&
			 (*cnt == 0 || by_name(&place[*cnt - 1], &place[*cnt], context) < 0);
		++*cnt;
	}
	if (!sorted)
		qsort_r(place, *cnt, sizeof(*place), by_name, context);
	/* the list takes the place of what it was made with */
	uint32_t *order = (uint32_t *)(void *)place;
	for (uint32_t i = 0; i < *cnt; i++)
		order[i] = place[i].idx;
	uint32_t *smaller = order != NULL ? realloc(order, (*cnt + 1) * sizeof(*order)) : NULL;
	return smaller != NULL ? smaller : order;
}
