/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every reference in an image, followed: what makes lookups safe without bounds checks of their
 * own.
 *
 * The zones and buckets are divided into parts, each of which is checked on its own, in any order
 * and by any thread. No state.
 */
#ifndef VLY_DATAPLANE_IMAGE_CHECK_H
#define VLY_DATAPLANE_IMAGE_CHECK_H

#include "image.h"

/* Writes the reason; returns -1. */
__attribute__((nonnull, format(printf, 2, 3), cold)) int
vly_image_refuse(struct vly_image_error *error, const char *format, ...);

/* Checks a part (0..part_cnt-1) of an image whose header and sections are sound; the content is not
 * trusted. Returns 0, or -1 with the reason. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_check_part(const struct vly_image *image, unsigned part, unsigned part_cnt,
		     struct vly_image_error *error);

#endif
