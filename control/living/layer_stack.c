/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layer_stack.h"

#include <stdlib.h>

struct vly_living_stack *
vly_layer_stack_replace(const struct vly_living_stack *old, struct vly_layer_range range,
			const struct vly_living_layer *layer)
{
	unsigned old_cnt = old ? old->cnt : 0;
	unsigned cnt = old_cnt - range.cnt + 1;
	struct vly_living_stack *stack = malloc(sizeof(*stack) + cnt * sizeof(stack->layer[0]));
	unsigned to = 0;

	if (!stack)
		return NULL;
	stack->cnt = cnt;
	for (unsigned i = 0; i < range.from; i++)
		stack->layer[to++] = old->layer[i];
	stack->layer[to++] = *layer;
	for (unsigned i = range.from + range.cnt; i < old_cnt; i++)
		stack->layer[to++] = old->layer[i];
	for (unsigned i = 0; i < cnt; i++)
		vly_live_image_get(stack->layer[i].image);
	return stack;
}

struct vly_living_stack *
vly_layer_stack_copy(const struct vly_living_stack *stack)
{
	return vly_layer_stack_replace(stack, (struct vly_layer_range){.cnt = 1}, &stack->layer[0]);
}

void
vly_layer_stack_free(struct vly_living_stack *stack)
{
	for (unsigned i = 0; stack && i < stack->cnt; i++)
		vly_live_image_put(stack->layer[i].image);
	free(stack);
}

struct vly_layer_range
vly_layer_stack_place(const struct vly_living_stack *stack, uint64_t below, uint64_t upto)
{
	struct vly_layer_range range = {0};

	if (below != 0) {
		while (range.from < stack->cnt && stack->layer[range.from].version <= below)
			range.from++;
		range.cnt = stack->cnt - range.from;
		return range;
	}
	while (range.cnt < stack->cnt && stack->layer[range.cnt].version <= upto)
		range.cnt++;
	return range;
}

bool
vly_layer_stack_choose(const struct vly_living_stack *stack, uint64_t frozen,
		       struct vly_layer_range *range)
{
	unsigned low = 1; /* the lowest overlay that may be merged */
	unsigned from = stack->cnt - 1;
	uint64_t node_cnt;

	while (low < stack->cnt && stack->layer[low].version <= frozen)
		low++;
	if (from < low || stack->layer[from].is_signed)
		return false;
	node_cnt = stack->layer[from].node_cnt;
	while (from > low && stack->layer[from - 1].node_cnt <= VLY_LAYER_RATIO * node_cnt)
		node_cnt += stack->layer[--from].node_cnt;
	/* too many, whatever their sizes */
	while (from > low && from + 1 > 1 + VLY_LAYER_OVERLAYS_MAX)
		node_cnt += stack->layer[--from].node_cnt;
	if (from == 1 && frozen == 0 && stack->layer[0].node_cnt <= VLY_LAYER_RATIO * node_cnt)
		node_cnt += stack->layer[--from].node_cnt;
	*range = (struct vly_layer_range){from, stack->cnt - from, node_cnt};
	return range->cnt > 1;
}
