/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The checksum of an image and all checks of its content, by several threads if it is large.
 */
#ifndef VLY_IMAGE_IMAGE_VERIFY_H
#define VLY_IMAGE_IMAGE_VERIFY_H

#include "image.h"

/* Verifies an image whose header and sections are sound. `helpers` NULL: alone. Returns 0, or -1
 * with the reason, a wrong checksum before all else, and errno as vly_image_verify() has it. */
__attribute__((nonnull(1, 3), warn_unused_result)) int
vly_image_verify_content(const struct vly_image *image, const struct vly_image_helpers *helpers,
			 struct vly_image_error *error);

#endif
