/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The layers of a living zone (image.h, "A zone that changes"), as a value: a stack does not change once
 * it is made. Which layers are to be merged is decided here, by their sizes alone.
 *
 * Ownership: a stack has a reference to each of its images. Any thread; no function blocks.
 */
#ifndef VLY_CONTROL_LAYER_STACK_H
#define VLY_CONTROL_LAYER_STACK_H

#include "publish/live_image.h"

/* Overlays that a zone has beside its complete form when merging has caught up. More: lookups take
 * longer. Fewer: nodes are copied more often before they are in the complete form. */
#define VLY_LAYER_OVERLAYS_MAX 3

/* A layer is merged with those above it when it is not this much larger than they are together. Larger:
 * nodes are copied more often. Smaller: there are more layers. */
#define VLY_LAYER_RATIO 8

/* Nodes that the writer merges itself, which takes about a millisecond. More are merged by another
 * thread, which takes a publication of its own. */
#define VLY_LAYER_INLINE_NODES 4096

struct vly_living_layer {
	struct vly_live_image *image; /* a reference */
	uint32_t zone_idx;            /* in the image */
	uint32_t node_cnt;
	uint64_t version;
	uint64_t below;  /* 0: a complete form */
	uint64_t digest; /* of the zone in the store, at this version */
	uint32_t serial; /* the same */
	bool is_signed;
	bool proves_covers; /* a complete form with VLY_IMAGE_PROVES_COVERS */
};

struct vly_living_stack {
	unsigned cnt;
	struct vly_living_layer layer[]; /* the complete form first */
};

/* A part of a stack. */
struct vly_layer_range {
	unsigned from;
	unsigned cnt;
	uint64_t node_cnt;
};

/* A stack with layers [from, from + cnt) of `old` replaced by `layer`, which has what they have; cnt 0
 * and from old->cnt: one more layer. `old` NULL: `layer` alone. Takes references of its own. NULL
 * without memory. */
__attribute__((nonnull(3), warn_unused_result)) struct vly_living_stack *
vly_layer_stack_replace(const struct vly_living_stack *old, struct vly_layer_range range,
			const struct vly_living_layer *layer);

/* NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_living_stack *
vly_layer_stack_copy(const struct vly_living_stack *stack);

void vly_layer_stack_free(struct vly_living_stack *stack);

/* Where a layer belongs that stands in place of all that are above version `below`, or, if `below` is 0, at or
 * below its own version `upto`. */
__attribute__((nonnull)) struct vly_layer_range
vly_layer_stack_place(const struct vly_living_stack *stack, uint64_t below, uint64_t upto);

/* The layers that are to be merged, at least two, none of which is at or below version `frozen`. False:
 * there are none, or the zone is signed (batch_compile.c). */
__attribute__((nonnull, warn_unused_result)) bool
vly_layer_stack_choose(const struct vly_living_stack *stack, uint64_t frozen,
		       struct vly_layer_range *range);

#endif
