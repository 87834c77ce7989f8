/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Merges layers of living zones into one image, by copying what is compiled (compile/merge.h).
 *
 * Use: vly_layer_merge_begin(); vly_layer_merge_add() for each zone; vly_layer_merge_end() gives the
 * image, and gives back everything in any case. One thread at a time; blocks in proportion to the nodes of the zones.
 * The first merge out of an image of several zones looks at all of its names, and leaves an index with the image.
 */
#ifndef VLY_CONTROL_LAYER_MERGE_H
#define VLY_CONTROL_LAYER_MERGE_H

#include "compile/image_builder.h"
#include "layer_stack.h"

struct vly_layer_merge {
	struct vly_image_builder *builder;
	struct vly_layer_map *maps; /* images that are mapped */
	uint32_t zone_cnt;
};

/* Returns 0, or -1 with errno. */
__attribute__((nonnull, warn_unused_result)) int
vly_layer_merge_begin(struct vly_layer_merge *merge, const struct vly_hash_key *key);

/* Whether merging these layers takes no longer than their nodes do: no large image would have to be looked at. */
__attribute__((nonnull, warn_unused_result)) bool
vly_layer_merge_is_cheap(const struct vly_living_layer *layer, unsigned cnt);

/* Merges `cnt` layers of one zone into *merged, which gets its image in _end(), without a reference.
 * Returns 0; or -1 with errno, and the zone is not in the image. */
__attribute__((nonnull, warn_unused_result)) int
vly_layer_merge_add(struct vly_layer_merge *merge, const struct vly_living_layer *layer,
		    unsigned cnt, struct vly_living_layer *merged);

/* Returns the image with the id, the caller's reference; NULL: nothing was added, or with errno. With
 * `give_up`, always NULL. */
__attribute__((nonnull, warn_unused_result)) struct vly_live_image *
vly_layer_merge_end(struct vly_layer_merge *merge, uint64_t id, bool give_up);

#endif
