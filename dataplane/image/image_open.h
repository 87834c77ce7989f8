/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Maps zone images for reading.
 *
 * Use: vly_image_open() a memfd from control; pass the image to vly_table_build();
 * vly_image_close() it when no table refers to it any more and a grace period has passed.
 *
 * Main thread only; the mapping itself is read by any thread inside a read side.
 */
#ifndef VLY_DATAPLANE_IMAGE_OPEN_H
#define VLY_DATAPLANE_IMAGE_OPEN_H

#include "common/image.h"

/*
 * Checks the seals of `fd` (untrusted, stays the caller's), maps and verifies the image in it.
 * `helpers` NULL: without helper threads. Blocks: seconds for the largest images. Returns the
 * image, the caller's to close, or NULL with the reason in *error.
 */
__attribute__((nonnull(4), warn_unused_result)) struct vly_image *
vly_image_open(int fd, uint64_t id, const struct vly_image_helpers *helpers,
	       struct vly_image_error *error);

/* Unmaps and frees an image. No reader may have it any more. */
void vly_image_close(struct vly_image *image);

#endif
