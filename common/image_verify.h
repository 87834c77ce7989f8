/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks the checksum of an image and all of its content, with several threads if it is large. */
#ifndef VLY_IMAGE_IMAGE_VERIFY_H
#define VLY_IMAGE_IMAGE_VERIFY_H

#include "image.h"

/* Verifies an image whose header and section table were checked. `helpers` NULL: no helper threads.
 * Blocks until all threads are done. Returns 0; or -1 with the reason (a wrong checksum comes
 * before all others) and errno as vly_image_verify(). */
__attribute__((nonnull(1, 3), warn_unused_result)) int
vly_image_verify_content(const struct vly_image *image, const struct vly_image_helpers *helpers,
			 struct vly_image_error *error);

#endif
