/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "common/log.h"
#include "living_load.h"
#include "living_parts.h"

static struct vly_living_image *
add_image(struct vly_living *living, struct vly_live_image *image)
{
	if (living->image_cnt == living->image_size) {
		uint32_t size = living->image_size ? 2 * living->image_size : 16;
		void *grown = realloc(living->image, size * sizeof(*living->image));
		if (!grown)
			return NULL;
		living->image = grown;
		living->image_size = size;
	}
	image->layer_place = living->image_cnt;
	living->image[living->image_cnt] = (struct vly_living_image){.image = image};
	return &living->image[living->image_cnt++];
}

/* Notes a zone that gets a layer in the image. */
static int
add_zone(struct vly_living_image *entry, struct vly_living_zone *zone)
{
	if (entry->zone_cnt == entry->zone_size) {
		uint32_t size = entry->zone_size ? 2 * entry->zone_size : 1;
		void *grown = realloc(entry->zone, size * sizeof(struct vly_living_zone *));
		if (!grown)
			return -1;
		entry->zone = grown;
		entry->zone_size = size;
	}
	entry->zone[entry->zone_cnt++] = zone;
	zone->request_cnt++;
	return 0;
}

static void
drop_image(struct vly_living *living, struct vly_live_image *image)
{
	struct vly_living_image entry = living->image[image->layer_place];

	living->image[image->layer_place] = living->image[--living->image_cnt];
	living->image[image->layer_place].image->layer_place = image->layer_place;
	for (uint32_t i = 0; i < entry.zone_cnt; i++)
		vly_living_leave(entry.zone[i]);
	free(entry.zone);
}

static void
unuse_image(struct vly_living *living, struct vly_live_image *image)
{
	if (--image->layer_cnt == 0)
		drop_image(living, image);
}

static bool
has_image(const struct vly_living_stack *stack, const struct vly_live_image *image)
{
	for (unsigned i = 0; stack && i < stack->cnt; i++)
		if (stack->layer[i].image == image)
			return true;
	return false;
}

/* One more layer of the zone is in the image. Without memory nothing is changed; -1. */
static int
use_image(struct vly_living *living, struct vly_living_zone *zone, struct vly_live_image *image)
{
	if (image->layer_cnt == 0 && !add_image(living, image))
		return -1;
	image->layer_cnt++;
	if (has_image(zone->stack, image) ||
	    add_zone(&living->image[image->layer_place], zone) == 0)
		return 0;
	unuse_image(living, image);
	return -1;
}

static int
use_stack(struct vly_living *living, struct vly_living_zone *zone,
	  const struct vly_living_stack *stack)
{
	for (unsigned i = 0; i < stack->cnt; i++)
		if (use_image(living, zone, stack->layer[i].image) < 0) {
			while (i-- > 0)
				unuse_image(living, stack->layer[i].image);
			return -1;
		}
	return 0;
}

static void
unuse_stack(struct vly_living *living, const struct vly_living_stack *stack)
{
	for (unsigned i = 0; stack && i < stack->cnt; i++)
		unuse_image(living, stack->layer[i].image);
}

int
vly_living_stack_swap(struct vly_living *living, struct vly_living_zone *zone,
		      struct vly_living_stack *stack, struct vly_living_stack **old)
{
	if (stack && use_stack(living, zone, stack) < 0)
		return -1;
	unuse_stack(living, zone->stack);
	*old = zone->stack;
	zone->stack = stack;
	return 0;
}

void
vly_living_stack_drop(struct vly_living *living, struct vly_living_zone *zone)
{
	unuse_stack(living, zone->stack);
	vly_layer_stack_free(zone->stack);
	zone->stack = NULL;
}

/* The dataplane takes a form without data from the newest image that has one. A pack copies it as it was when
 * the pack began, so that what the writer had compiled by then must be newer: images get their numbers when the
 * loop has them. */
void
vly_living_number_images(struct vly_living_batch *batch)
{
	struct vly_live_image *merged = NULL;

	if (batch->image)
		batch->image->id = vly_live_image_next_id();
	for (uint32_t i = 0; i < batch->zone_cnt; i++)
		if (batch->zone[i].has_form) /* compiled in another thread, which may be long ago */
			batch->zone[i].form->layer.image->id = vly_live_image_next_id();
	for (uint32_t i = 0; i < batch->zone_cnt; i++) {
		const struct vly_batch_zone *entry = &batch->zone[i];
		if (!entry->is_inline || !entry->layer.image || entry->layer.image == merged)
			continue;
		merged = entry->layer.image; /* of all of them */
		merged->id = vly_live_image_next_id();
	}
}

static bool
has_removed(const struct vly_living_image *entry)
{
	for (uint32_t i = 0; i < entry->zone_cnt; i++)
		if (entry->zone[i]->is_removed)
			return true;
	return false;
}

void
vly_living_mark_stale(struct vly_living *living)
{
	for (uint32_t i = 0; i < living->image_cnt; i++)
		if (has_removed(&living->image[i]))
			living->image[i].image->is_stale = true;
}

uint32_t
vly_living_remnants(struct vly_living *living, bool (*is_served)(void *arg, const char *name),
		    void *arg)
{
	uint32_t cnt = 0;

	living->pack_mark++;
	for (uint32_t i = 0; i < living->image_cnt; i++) {
		const struct vly_living_image *entry = &living->image[i];
		for (uint32_t k = 0; k < entry->zone_cnt; k++) {
			struct vly_living_zone *zone = entry->zone[k];
			if (!zone->is_removed || zone->pack_mark == living->pack_mark ||
			    is_served(arg, zone->name))
				continue;
			zone->pack_mark = living->pack_mark;
			vly_log_warning("zone %s was removed from the configuration but is still "
					"served, until the zones in the same image have moved",
					zone->name);
			cnt++;
		}
	}
	return cnt;
}

int
vly_living_add_images(void *arg, struct vly_image_list *list)
{
	struct vly_living *living = arg;

	for (uint32_t i = 0; i < living->image_cnt; i++)
		if (vly_image_list_add(list, living->image[i].image) < 0)
			return -1;
	return 0;
}
