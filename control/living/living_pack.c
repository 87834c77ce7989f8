/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "living_parts.h"

static bool
is_chosen(const struct vly_living *living, const struct vly_living_layer *layer)
{
	return living->image[layer->image->layer_place].is_chosen;
}

/* The first layers in a row that are in chosen images. */
static struct vly_layer_range
find_range(const struct vly_living *living, const struct vly_living_stack *stack)
{
	struct vly_layer_range range = {0};

	while (range.from < stack->cnt && !is_chosen(living, &stack->layer[range.from]))
		range.from++;
	while (range.from + range.cnt < stack->cnt &&
	       is_chosen(living, &stack->layer[range.from + range.cnt]))
		range.cnt++;
	if (range.cnt > 1 && stack->layer[range.from].is_signed)
		range.cnt = 1; /* these can't be merged */
	return range;
}

/* Adds the zones of a chosen image; zones whose layers are being merged stay where they are. */
static int
add_zones(struct vly_living *living, struct vly_living_job *job,
	  const struct vly_living_image *entry)
{
	uint32_t left = vly_pack_zones_max(entry);

	for (uint32_t i = 0; i < entry->zone_cnt && left > 0; i++) {
		struct vly_living_zone *zone = entry->zone[i];
		if (!zone->stack || zone->pack_mark == living->pack_mark ||
		    atomic_load(&zone->frozen) != 0)
			continue;
		zone->pack_mark = living->pack_mark;
		struct vly_layer_range range = find_range(living, zone->stack);
		if (range.cnt > 0 && vly_living_job_add(job, zone, zone->stack, range) != 0)
			return -1;
		left -= range.cnt > 0;
	}
	return 0;
}

void
vly_living_pack(struct vly_living *living)
{
	struct vly_living_job *job;
	int result = 0;

	if (living->is_packing || vly_pack_choose(living->image, living->image_cnt) == 0)
		return;
	job = vly_living_job_new(living);
	living->pack_mark++;
	for (uint32_t i = 0; job && result == 0 && i < living->image_cnt; i++)
		if (living->image[i].is_chosen)
			result = add_zones(living, job, &living->image[i]);
	if (job && result == 0 && job->part_cnt > 0) {
		job->is_pack = true;
		living->is_packing = true;
		vly_living_begin_job(living, job);
	} else if (job) {
		vly_living_job_free(job);
	}
}
