/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "table_book.h"

static int
refuse_memory(struct vly_image_error *error)
{
	snprintf(error->text, sizeof(error->text), "no memory to change the table");
	return -1;
}

static bool
is_touched(const struct vly_table_book *book, uint32_t at)
{
	return book->touched[at / 64] >> at % 64 & 1;
}

static void
set_touched(struct vly_table_book *book, uint32_t at, bool touched)
{
	const uint64_t bit = UINT64_C(1) << at % 64;

	book->touched[at / 64] =
		touched ? book->touched[at / 64] | bit : book->touched[at / 64] & ~bit;
}

int
vly_book_touch(struct vly_table *table, struct vly_book_plan *plan, uint32_t at)
{
	if (is_touched(table->book, at))
		return 0;
	if (plan->cnt == plan->room) {
		size_t room = plan->room == 0 ? 16 : 2 * plan->room;
		void *grown = realloc(plan->step, room * sizeof(*plan->step));
		if (grown == NULL)
			return -1;
		plan->step = grown;
		plan->room = room;
	}
	plan->step[plan->cnt++] = (struct vly_book_step){.at = at};
	set_touched(table->book, at, true);
	return 0;
}

static struct vly_table_layers *
new_layers(const struct vly_table_book *book, const struct vly_book_stack *stack)
{
	struct vly_table_layers *layers = calloc(1, sizeof(*layers));

	if (layers == NULL)
		return NULL;
	layers->cnt = stack->cnt;
	for (unsigned i = 0; i < stack->cnt; i++) {
		const struct vly_image_zone *zone = vly_book_zone(book, stack->entry[i]);
		const struct vly_image *image = book->part[stack->entry[i].part - 1].image;
		layers->layer[i] = (struct vly_table_layer){image, image->bucket, image->bucket_cnt,
							    stack->entry[i].zone_idx};
		if (layers->label_max < zone->label_max)
			layers->label_max = zone->label_max;
		layers->base_nodata = zone->nodata; /* of the last one, in the end */
	}
	const struct vly_image *newest = layers->layer[0].image;
	const struct vly_image_zone *zone = &newest->zone[layers->layer[0].zone_idx];
	layers->nodata = vly_image_at(newest->heap, zone->nodata);
	layers->nxdomain = vly_image_at(newest->heap, zone->nxdomain);
	if (zone->signed_nodata != 0) {
		layers->signed_nodata = vly_image_at(newest->heap, zone->signed_nodata);
		layers->signed_nxdomain = vly_image_at(newest->heap, zone->signed_nxdomain);
	}
	return layers;
}

/* A part for a zone that gets overlays, without the layers. */
static struct vly_table_part *
new_layered_part(const struct vly_table_part *base)
{
	struct vly_table_part *part = aligned_alloc(sizeof(*part), sizeof(*part));

	if (part != NULL)
		*part = (struct vly_table_part){
			.image = base->image,
			.bucket = base->bucket,
			.bucket_cnt = base->bucket_cnt,
			.label_max = base->label_max,
			.base = base,
		};
	return part;
}

/* The slot with several layers. */
static int
decide_layers(struct vly_table *table, struct vly_book_step *step,
	      const struct vly_book_stack *stack)
{
	const struct vly_table_part *base = &table->part[step->base.part - 1];
	const struct vly_table_part *before = step->before.part;

	step->layers = new_layers(table->book, stack);
	if (step->layers == NULL)
		return -1;
	step->keeps_base = before->layers != NULL && before->base == base &&
			   step->before.zone_idx == step->base.zone_idx;
	if (step->keeps_base) {
		step->after = step->before;
		return 0;
	}
	struct vly_table_part *part = new_layered_part(base);
	if (part == NULL)
		return -1;
	part->layers = step->layers;
	step->after.part = part;
	return 0;
}

/* Scans the apex of a zone before or after its step; false: it has never been served. */
static bool
scan_step(const struct vly_table *table, const struct vly_book_step *step, struct vly_name *apex)
{
	if (step->base.part != 0) {
		vly_book_scan(table, step->base, apex);
		return true;
	}
	if (step->before.part == &vly_book_gone)
		return false;
	const struct vly_image_node *node = vly_table_apex(step->before);
	(void)vly_name_scan(apex, vly_image_node_name(node), node->name_len);
	vly_name_hash(apex, &table->key);
	return true;
}

/* Notes the slots of the served zones above a name: what lies below them has changed. */
static int
note_flips(const struct vly_table *table, struct vly_book_plan *plan, const struct vly_name *apex)
{
	for (unsigned i = 1; i <= apex->label_cnt; i++) {
		uint32_t at = vly_book_find(table, apex, i, NULL);
		if (at == UINT32_MAX || is_touched(table->book, at))
			continue;
		if (plan->flip_cnt == plan->flip_room) {
			size_t room = plan->flip_room == 0 ? 16 : 2 * plan->flip_room;
			void *grown = realloc(plan->flip, room * sizeof(*plan->flip));
			if (grown == NULL)
				return -1;
			plan->flip = grown;
			plan->flip_room = room;
		}
		plan->flip[plan->flip_cnt++] = at;
		set_touched(table->book, at, true);
	}
	return 0;
}

/* Counts a zone that begins or ceases to be served. */
static int
count_step(struct vly_table *table, struct vly_book_plan *plan, struct vly_book_step *step)
{
	const bool was_served = step->before.part != &vly_book_gone;
	const bool is_served = step->base.part != 0;
	struct vly_name apex;

	if (was_served == is_served || !scan_step(table, step, &apex))
		return 0;
	if (vly_book_reserve_below(table->book, apex.label_cnt) != 0)
		return -1;
	step->is_counted = true;
	return vly_book_count_below(table->book, &apex, is_served) ? note_flips(table, plan, &apex)
								   : 0;
}

/* Makes room to close the ways past a slot. */
static int
reserve_before(struct vly_table *table, struct vly_table_slot slot)
{
	const struct vly_table_part *base = slot.part->layers != NULL ? slot.part->base : slot.part;

	if (base == &vly_book_gone)
		return 0;
	const struct vly_book_entry entry = {(uint32_t)(base - table->part) + 1, slot.zone_idx};
	return vly_book_reserve_marks(table, entry, false);
}

static int
decide_step(struct vly_table *table, struct vly_book_plan *plan, struct vly_book_step *step,
	    struct vly_image_error *error)
{
	struct vly_book_stack stack;
	struct vly_name apex;

	step->before = table->slot[step->at];
	if (vly_book_find_stack(table->book, step->at, &stack, error) != 0)
		return -1;
	if (reserve_before(table, step->before) != 0)
		return refuse_memory(error);
	step->layers_before = step->before.part->layers;
	step->after = (struct vly_table_slot){.part = &vly_book_gone};
	if (stack.cnt == 0)
		return count_step(table, plan, step) != 0 ? refuse_memory(error) : 0;
	step->base = stack.entry[stack.cnt - 1];
	vly_book_scan(table, step->base, &apex);
	step->after = (struct vly_table_slot){
		.tag = vly_image_tag(apex.hash[0]),
		.zone_idx = step->base.zone_idx,
		.part = &table->part[step->base.part - 1],
	};
	if (vly_book_reserve_marks(table, step->base, stack.cnt > 1) != 0 ||
	    (stack.cnt > 1 && decide_layers(table, step, &stack) != 0) ||
	    count_step(table, plan, step) != 0)
		return refuse_memory(error);
	return 0;
}

static bool
has_layer(const struct vly_table_layers *layers, const struct vly_table_layer *layer)
{
	for (unsigned i = 0; layers != NULL && i < layers->cnt; i++)
		if (layers->layer[i].image == layer->image &&
		    layers->layer[i].zone_idx == layer->zone_idx)
			return true;
	return false;
}

/* Notes the overlays whose names must be in the filter before the way past the slot `at` is opened:
 * those of its layers, but not those of `had`. */
static int
fill_slot(struct vly_table *table, struct vly_book_plan *plan, uint32_t at,
	  const struct vly_table_layers *had)
{
	struct vly_image_error error;
	struct vly_book_stack stack;
	struct vly_name apex;

	/* that there are too many was found out before */
	if (vly_book_find_stack(table->book, at, &stack, &error) != 0 || stack.cnt < 2)
		return 0;
	const struct vly_book_entry base = stack.entry[stack.cnt - 1];
	vly_book_scan(table, base, &apex);
	if (vly_book_has_below(table->book, apex.hash[0]))
		return 0; /* it stays closed */
	for (unsigned i = 0; i + 1 < stack.cnt; i++) {
		const struct vly_table_layer layer = {
			.image = table->book->part[stack.entry[i].part - 1].image,
			.zone_idx = stack.entry[i].zone_idx};
		if (!has_layer(had, &layer) &&
		    vly_book_fill_add(table->book, &plan->fills, stack.entry[i], base.part - 1) !=
			    0)
			return -1;
	}
	return 0;
}

/* The layers of a step whose names are in the filter already. */
static const struct vly_table_layers *
filtered_layers(const struct vly_book_step *step)
{
	const struct vly_table_part *base = step->before.part->base;

	return step->keeps_base && base->layered != NULL &&
			       base->layered[step->before.zone_idx] != NULL
		       ? step->layers_before
		       : NULL;
}

static int
decide_fills(struct vly_table *table, struct vly_book_plan *plan)
{
	for (size_t i = 0; i < plan->cnt; i++)
		if (fill_slot(table, plan, plan->step[i].at, filtered_layers(&plan->step[i])) != 0)
			return -1;
	for (size_t i = 0; i < plan->flip_cnt; i++) {
		const struct vly_table_slot slot = table->slot[plan->flip[i]];
		if (slot.part == &vly_book_gone)
			continue;
		if (reserve_before(table, slot) != 0 ||
		    fill_slot(table, plan, plan->flip[i], NULL) != 0)
			return -1;
	}
	return vly_book_fill_prepare(table, &plan->fills);
}

int
vly_book_decide(struct vly_table *table, struct vly_book_plan *plan, struct vly_image_error *error)
{
	for (size_t i = 0; i < plan->cnt; i++)
		if (decide_step(table, plan, &plan->step[i], error) != 0)
			return -1;
	return decide_fills(table, plan) != 0 ? refuse_memory(error) : 0;
}

/* The names of the complete form that a slot leads to. */
static uint64_t
name_cnt_of(struct vly_table_slot slot)
{
	return slot.part != &vly_book_gone ? slot.part->image->zone[slot.zone_idx].node_cnt : 0;
}

static void
count(struct vly_table *table, const struct vly_book_step *step)
{
	struct vly_table_book *book = table->book;
	struct vly_name apex;

	book->name_cnt += name_cnt_of(step->after) - name_cnt_of(step->before);
	table->zone_cnt +=
		(uint32_t)(step->base.part != 0) - (uint32_t)(step->before.part != &vly_book_gone);
	if (step->base.part == 0 || step->after.part == step->before.part)
		return;
	vly_book_scan(table, step->base, &apex);
	uint64_t *label_cnts = &table->label_cnts[apex.label_cnt / 64];
	__atomic_store_n(label_cnts, *label_cnts | UINT64_C(1) << (63 - apex.label_cnt % 64),
			 __ATOMIC_RELEASE);
	if (!vly_book_is_routed(table, &apex, step->base.part - 1))
		book->moved_cnt += name_cnt_of(step->after);
}

void
vly_book_carry_out(struct vly_table *table, struct vly_book_plan *plan)
{
	vly_book_fill(table, &plan->fills);
	for (size_t i = 0; i < plan->cnt; i++)
		vly_book_close(table, plan->step[i].at);
	for (size_t i = 0; i < plan->flip_cnt; i++)
		vly_book_close(table, plan->flip[i]);
	for (size_t i = 0; i < plan->cnt; i++) {
		const struct vly_book_step *step = &plan->step[i];
		struct vly_table_part *part = (struct vly_table_part *)(uintptr_t)step->after.part;
		count(table, step);
		if (step->keeps_base)
			__atomic_store_n(&part->layers, step->layers, __ATOMIC_RELEASE);
		else
			vly_book_store_slot(&table->slot[step->at], step->after);
	}
	for (size_t i = 0; i < plan->cnt; i++)
		vly_book_open(table, plan->step[i].at);
	for (size_t i = 0; i < plan->flip_cnt; i++)
		vly_book_open(table, plan->flip[i]);
	vly_book_reroute(table, plan);
}

/* What the step has put in the place of something else, or would have. */
static void
end_step(struct vly_table *table, const struct vly_book_step *step, bool is_carried_out)
{
	const struct vly_table_slot gone = is_carried_out ? step->before : step->after;
	struct vly_name apex;

	if (!step->keeps_base && gone.part != NULL && gone.part->layers != NULL)
		free((void *)(uintptr_t)gone.part);
	if (is_carried_out) {
		free((void *)(uintptr_t)step->layers_before);
		return;
	}
	free(step->layers);
	if (step->is_counted && scan_step(table, step, &apex))
		(void)vly_book_count_below(table->book, &apex, step->before.part != &vly_book_gone);
}

void
vly_book_end(struct vly_table *table, struct vly_book_plan *plan, bool is_carried_out)
{
	for (size_t i = 0; i < plan->cnt; i++) {
		end_step(table, &plan->step[i], is_carried_out);
		set_touched(table->book, plan->step[i].at, false);
	}
	for (size_t i = 0; i < plan->flip_cnt; i++)
		set_touched(table->book, plan->flip[i], false);
	vly_book_fill_end(table->book, &plan->fills);
	free(plan->step);
	free(plan->flip);
	*plan = (struct vly_book_plan){0};
}
