/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which images are in use, and by how many zones each: so that the list of live images follows a
 * change at the cost of that change, however many zones there are.
 *
 * Use: all zeros are no images. vly_image_uses_add() when a zone begins to need an image,
 * vly_image_uses_drop() when it needs it no longer; vly_image_uses_list() for the publisher;
 * vly_image_uses_free().
 *
 * Garbage: an image stays as a whole as long as one zone needs it. The share of its zones that are
 * answered from newer images, or not at all, is garbage.
 *
 * Ownership: a reference to each image in use. Threads: the loop's; no function blocks. The cost is
 * that of a binary search; for an image that comes or goes, which is mostly one of the newest, also
 * that of moving the newer ones.
 */
#ifndef VLY_CONTROL_IMAGE_USES_H
#define VLY_CONTROL_IMAGE_USES_H

#include "publish/live_image.h"

struct vly_image_use {
	struct vly_live_image *image; /* a reference */
	uint32_t zone_cnt;            /* zones that need it, at least 1 */
};

struct vly_image_uses {
	struct vly_image_use *use; /* [cnt], the oldest first */
	uint32_t cnt;
	uint32_t room;
	uint64_t bytes; /* of all images */
};

/* One more zone needs `image`. Returns 0; or -1 without memory, and nothing has changed. */
__attribute__((nonnull, warn_unused_result)) int vly_image_uses_add(struct vly_image_uses *uses,
								    struct vly_live_image *image);

/* One zone needs `image` no longer; the reference goes with the last one. */
__attribute__((nonnull)) void vly_image_uses_drop(struct vly_image_uses *uses,
						  const struct vly_live_image *image);

/* The entry of an image; NULL: no zone needs it. Valid until the next call of a function above. */
__attribute__((nonnull)) const struct vly_image_use *
vly_image_uses_find(const struct vly_image_uses *uses, const struct vly_live_image *image);

/* Lists the images, newest first. Returns the list, the caller's reference; or NULL without
 * memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_image_list *
vly_image_uses_list(const struct vly_image_uses *uses);

/* Octets of the image that none of its zones needs, by their number. */
__attribute__((nonnull)) uint64_t vly_image_use_garbage(const struct vly_image_use *use);

__attribute__((nonnull)) void vly_image_uses_free(struct vly_image_uses *uses);

#endif
