/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the manager's own files alone. The stack of layers of each living zone, the list of the images that have them, and which of these become one. On
 * the loop; no function blocks.
 */
#ifndef VLY_CONTROL_LIVING_LAYERS_H
#define VLY_CONTROL_LIVING_LAYERS_H

#include "living_zone.h"

/* An image that has layers. */
struct vly_living_image {
	struct vly_live_image *image;
	/* Zones that have a layer in it, or had one; each is counted in its request_cnt. */
	struct vly_living_zone **zone;
	uint32_t zone_cnt;
	uint32_t zone_size;
	bool is_chosen; /* to be packed */
};

/* living_layers.c */

/* Replaces the stack of a zone by `stack`, which is taken over, unless it is -1: no memory. The old
 * one is in *old then. */
__attribute__((nonnull(1, 2, 4), warn_unused_result)) int
vly_living_stack_swap(struct vly_living *living, struct vly_living_zone *zone,
		      struct vly_living_stack *stack, struct vly_living_stack **old);

/* Takes the images of a zone's stack out of the list, and frees it. */
__attribute__((nonnull)) void vly_living_stack_drop(struct vly_living *living,
						    struct vly_living_zone *zone);

/* Appends the images of all stacks to `list`, for the publisher. */
__attribute__((nonnull, warn_unused_result)) int vly_living_add_images(void *living,
								       struct vly_image_list *list);

/* Marks the images that have removed zones: they are not to stay. */
__attribute__((nonnull)) void vly_living_mark_stale(struct vly_living *living);

#endif
