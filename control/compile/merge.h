/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copies compiled zones from images into another one, without compiling: a stack of layers (image.h,
 * "A zone that changes") becomes one overlay, or one complete form if its lowest layer is a complete
 * form. A stack of one layer is a zone that moves to another image, as it is.
 *
 * Use: vly_image_builder_add_layers() (image_builder.h). All images have the builder's hash key. One
 * thread at a time; does not block but for memory.
 */
#ifndef VLY_CONTROL_MERGE_H
#define VLY_CONTROL_MERGE_H

#include "common/image.h"

struct vly_image_draft; /* compile.h */

/* Layers of one stack: more than lookups ever go through, so that a writer that is behind may merge
 * them all at once. */
#define VLY_MERGE_LAYERS_MAX 64

/* The nodes of an image by zone: without it, copying one zone of many looks at all names of the
 * image. Made once for each image from which zones are copied; takes four octets for each name. Any thread may
 * read it. */
struct vly_merge_index;

/* NULL: there is no memory. `image` is verified and outlives the index, which is the caller's:
 * vly_merge_index_free(). */
__attribute__((nonnull, warn_unused_result)) struct vly_merge_index *
vly_merge_index_new(const struct vly_image *image);

void vly_merge_index_free(struct vly_merge_index *index);

struct vly_merge_layer {
	const struct vly_image *image; /* verified */
	uint32_t zone_idx;
	const struct vly_merge_index *index; /* of the image; NULL: one is made meanwhile */
};

/*
 * Copies the zone that these layers are as zone number `zone_idx` of the image: layer[0] is the
 * lowest one, and each lies upon the one before it. Signed zones are stacks of one layer. Returns 0
 * and fills *copied; or -1 with errno, and the caller rewinds the draft: EINVAL if these are no
 * layers of one zone.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_merge_layers(struct vly_image_draft *draft, const struct vly_hash_key *key,
		 const struct vly_merge_layer *layer, unsigned layer_cnt, uint32_t zone_idx,
		 struct vly_image_zone *copied);

#endif
