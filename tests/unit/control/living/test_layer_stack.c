/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layers as values, and which of them are merged, however the overlays grow. */
#include <criterion/criterion.h>
#include <sys/mman.h>

#include "living/layer_stack.h"
#include "random.h"

static struct vly_living_layer
make_layer(uint32_t node_cnt, uint64_t version, uint64_t below)
{
	int fd = memfd_create("layer", MFD_CLOEXEC);
	struct vly_live_image *image = vly_live_image_new(vly_live_image_next_id(), fd, 1, 1);

	cr_assert_not_null(image);
	return (struct vly_living_layer){
		.image = image, .node_cnt = node_cnt, .version = version, .below = below};
}

static void
push(struct vly_living_stack **stack, uint32_t node_cnt, uint64_t version, uint64_t below)
{
	struct vly_living_layer layer = make_layer(node_cnt, version, below);
	struct vly_layer_range top = {.from = *stack ? (*stack)->cnt : 0};
	struct vly_living_stack *new = vly_layer_stack_replace(*stack, top, &layer);

	cr_assert_not_null(new);
	vly_live_image_put(layer.image);
	vly_layer_stack_free(*stack);
	*stack = new;
}

/* Merges as the writer and the merger do. */
static void
merge(struct vly_living_stack **stack, struct vly_layer_range range)
{
	const struct vly_living_layer *first = &(*stack)->layer[range.from];
	struct vly_living_layer layer =
		make_layer((uint32_t)range.node_cnt, first[range.cnt - 1].version, first[0].below);
	struct vly_living_stack *new = vly_layer_stack_replace(*stack, range, &layer);

	cr_assert_not_null(new);
	vly_live_image_put(layer.image);
	vly_layer_stack_free(*stack);
	*stack = new;
}

static void
check(const struct vly_living_stack *stack)
{
	cr_assert_eq(stack->layer[0].below, 0);
	for (unsigned i = 1; i < stack->cnt; i++)
		cr_assert_eq(stack->layer[i].below, stack->layer[i - 1].version);
}

Test(layer_stack, stays_shallow_and_copies_little)
{
	struct vly_test_random random = {UINT64_C(7)};
	struct vly_living_stack *stack = NULL;
	const uint64_t base_nodes = 1000000;
	uint64_t pushed = 0;
	uint64_t copied = 0;

	push(&stack, (uint32_t)base_nodes, 1, 0);
	for (uint64_t version = 2; version < 20000; version++) {
		struct vly_layer_range range;
		uint32_t nodes = 2 + vly_test_random_below(&random, 60);
		push(&stack, nodes, version, version - 1);
		pushed += nodes;
		while (vly_layer_stack_choose(stack, 0, &range)) {
			cr_assert_geq(range.cnt, 2);
			cr_assert_eq(range.from + range.cnt, stack->cnt);
			copied += range.node_cnt;
			merge(&stack, range);
		}
		check(stack);
		cr_assert_leq(stack->cnt, 1 + VLY_LAYER_OVERLAYS_MAX);
	}
	cr_expect_leq(copied / pushed, 60, "%lu nodes were copied for each that changed",
		      (unsigned long)(copied / pushed));
	vly_layer_stack_free(stack);
}

Test(layer_stack, what_is_being_merged_is_left_alone)
{
	struct vly_living_stack *stack = NULL;
	struct vly_layer_range range;

	push(&stack, 100000, 1, 0);
	push(&stack, 5000, 2, 1);
	push(&stack, 4000, 3, 2);
	cr_assert(vly_layer_stack_choose(stack, 0, &range));
	push(&stack, 10, 4, 3);
	push(&stack, 10, 5, 4);
	cr_assert(vly_layer_stack_choose(stack, 3, &range));
	cr_expect_eq(range.from, 3);
	cr_expect_eq(range.cnt, 2);
	merge(&stack, range);
	cr_expect_not(vly_layer_stack_choose(stack, 3, &range));
	check(stack);
	vly_layer_stack_free(stack);
}

Test(layer_stack, overlays_that_are_a_share_of_the_zone_end_in_its_complete_form)
{
	struct vly_living_stack *stack = NULL;
	struct vly_layer_range range;

	push(&stack, 1000, 1, 0);
	push(&stack, 200, 2, 1);
	cr_assert(vly_layer_stack_choose(stack, 0, &range));
	cr_expect_eq(range.from, 0);
	merge(&stack, range);
	cr_expect_eq(stack->cnt, 1);
	cr_expect_eq(stack->layer[0].version, 2);
	cr_expect_eq(stack->layer[0].below, 0);
	vly_layer_stack_free(stack);
}
