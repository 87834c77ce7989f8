/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A zone image mapped for reading.
 *
 * Use: vly_image_open() a memfd that control sent; hand the image to vly_table_build(); when no
 * table refers to it and a grace period has passed, vly_image_close().
 *
 * vly_image_open() trusts nothing but the seals (vly_image_verify()). Main thread only; the mapping
 * itself is read by any thread.
 */
#ifndef VLY_DATAPLANE_IMAGE_OPEN_H
#define VLY_DATAPLANE_IMAGE_OPEN_H

#include "common/image.h"

/*
 * Maps and verifies the image in `fd`, which stays the caller's. `helpers` NULL: alone.
 * Returns the image, the caller's to close, or NULL with the reason in *error.
 */
__attribute__((nonnull(4), warn_unused_result)) struct vly_image *
vly_image_open(int fd, uint64_t id, const struct vly_image_helpers *helpers,
	       struct vly_image_error *error);

void vly_image_close(struct vly_image *image);

#endif
