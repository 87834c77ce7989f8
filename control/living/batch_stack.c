/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include <volley/image.h>

#include "living_parts.h"

static int
replace(struct vly_living_stack **stack, struct vly_layer_range range,
	const struct vly_living_layer *layer)
{
	struct vly_living_stack *new = vly_layer_stack_replace(*stack, range, layer);

	if (!new) {
		errno = ENOMEM;
		return -1;
	}
	vly_layer_stack_free(*stack);
	*stack = new;
	return 0;
}

/* Where the layers are that were merged; false: some of them are gone. */
static bool
find_merged(const struct vly_living_stack *stack, const struct vly_living_part *part,
	    struct vly_layer_range *range)
{
	const struct vly_living_layer *first = &part->stack->layer[part->range.from];

	*range = part->range;
	for (range->from = 0; range->from + range->cnt <= stack->cnt; range->from++) {
		unsigned same = 0;
		while (same < range->cnt &&
		       stack->layer[range->from + same].image == first[same].image &&
		       stack->layer[range->from + same].zone_idx == first[same].zone_idx)
			same++;
		if (same == range->cnt)
			return true;
	}
	return false;
}

static int
take_merged(struct vly_batch_zone *entry)
{
	const struct vly_living_part *part = entry->merged;
	struct vly_layer_range range;

	if (!part || !part->layer.image || !find_merged(entry->stack, part, &range))
		return 0;
	return replace(&entry->stack, range, &part->layer);
}

/* The stack with what the batch has merged and compiled. */
static int
make_stack(const struct vly_living_batch *batch, struct vly_batch_zone *entry)
{
	static const struct vly_layer_range none;

	if (entry->layer.version != 0 && entry->layer.below == 0) {
		if (!entry->has_form)
			entry->layer.image = batch->image;
		if (entry->has_form && entry->zone->mirror)
			entry->stack = vly_layer_stack_replace(
				entry->zone->mirror,
				vly_layer_stack_place(entry->zone->mirror, 0, entry->layer.version),
				&entry->layer);
		else
			entry->stack = vly_layer_stack_replace(NULL, none, &entry->layer);
		return entry->stack ? 0 : -1;
	}
	if (!entry->zone->mirror)
		return 0;
	entry->stack = vly_layer_stack_copy(entry->zone->mirror);
	if (!entry->stack || take_merged(entry) < 0)
		return -1;
	if (entry->layer.version == 0)
		return 0;
	entry->layer.image = batch->image;
	return replace(&entry->stack, vly_layer_stack_place(entry->stack, entry->layer.below, 0),
		       &entry->layer);
}

/* Whether `frozen` is of the merge that has ended. */
static uint64_t
frozen_after(const struct vly_batch_zone *entry)
{
	const struct vly_living_part *part = entry->merged;
	uint64_t frozen = atomic_load(&entry->zone->frozen);

	if (entry->layer.version != 0 && entry->layer.below == 0)
		return 0;
	if (!part)
		return frozen;
	return part->stack->layer[part->range.from + part->range.cnt - 1].version == frozen
		       ? 0
		       : frozen;
}

/* Chooses what is to be merged: at once, or by another thread. Returns whether at once. */
static bool
choose(struct vly_batch_zone *entry)
{
	uint64_t frozen = frozen_after(entry);
	struct vly_layer_range *range = &entry->range;

	if (!vly_layer_stack_choose(entry->stack, frozen, range)) {
		range->cnt = 0;
		return false;
	}
	if (entry->stack->cnt >= VLY_IMAGE_LAYERS_MAX)
		return true;
	if (range->node_cnt <= VLY_LAYER_INLINE_NODES &&
	    vly_layer_merge_is_cheap(&entry->stack->layer[range->from], range->cnt))
		return true;
	if (frozen != 0)
		range->cnt = 0; /* one merge at a time; the next batch looks again */
	return false;
}

/* Merges the ranges of entries with is_inline in one image. */
static int
merge_inline(struct vly_living *living, struct vly_living_batch *batch)
{
	struct vly_layer_merge merge;
	int result = vly_layer_merge_begin(&merge, &living->key);

	if (result != 0)
		return -1;
	for (uint32_t i = 0; i < batch->zone_cnt && result == 0; i++) {
		struct vly_batch_zone *entry = &batch->zone[i];
		if (entry->is_inline)
			result =
				vly_layer_merge_add(&merge, &entry->stack->layer[entry->range.from],
						    entry->range.cnt, &entry->layer);
	}
	struct vly_live_image *image =
		vly_layer_merge_end(&merge, vly_live_image_next_id(), result != 0);
	for (uint32_t i = 0; image && i < batch->zone_cnt && result == 0; i++) {
		struct vly_batch_zone *entry = &batch->zone[i];
		if (!entry->is_inline)
			continue;
		entry->layer.image = image;
		result = replace(&entry->stack, entry->range, &entry->layer);
		entry->range.cnt = 0;
	}
	vly_live_image_put(image);
	return image ? result : -1;
}

int
vly_batch_stack(struct vly_living *living, struct vly_living_batch *batch)
{
	bool merges = false;

	for (uint32_t i = 0; i < batch->zone_cnt; i++) {
		struct vly_batch_zone *entry = &batch->zone[i];
		if (!entry->wants_form || (entry->is_aside && !entry->form && !entry->merged))
			continue;
		if (make_stack(batch, entry) < 0)
			return -1;
		if (!entry->stack)
			continue;
		entry->is_inline = choose(entry);
		merges |= entry->is_inline;
	}
	return merges ? merge_inline(living, batch) : 0;
}

void
vly_batch_keep_mirror(struct vly_batch_zone *entry)
{
	struct vly_living_zone *zone = entry->zone;
	struct vly_living_stack *mirror = vly_layer_stack_copy(entry->stack);
	uint64_t frozen = frozen_after(entry);

	vly_layer_stack_free(zone->mirror);
	zone->mirror = mirror;
	if (!mirror)
		entry->range.cnt = 0;
	if (entry->range.cnt > 0)
		frozen = mirror->layer[entry->range.from + entry->range.cnt - 1].version;
	atomic_store(&zone->frozen, frozen);
}
