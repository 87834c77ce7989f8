/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages of volley/publish.h as bytes: writing requests, checking what the dataplane sent. Pure
 * functions.
 */
#ifndef VLY_CONTROL_PUBLISH_MESSAGE_H
#define VLY_CONTROL_PUBLISH_MESSAGE_H

#include <stddef.h>

#include <volley/publish.h>

#include "live_image.h"

#define VLY_PUBLISH_COMMIT_BYTES_MAX                                                               \
	(sizeof(struct vly_publish_commit) + VLY_PUBLISH_IMAGES_MAX * sizeof(uint64_t))

/* Writes a COMMIT of the list (cnt <= VLY_PUBLISH_IMAGES_MAX) to `to`, of
 * VLY_PUBLISH_COMMIT_BYTES_MAX octets and aligned as the message is. Returns its octets. */
__attribute__((nonnull)) size_t vly_publish_write_commit(struct vly_publish_commit *to,
							 uint64_t seq, uint64_t generation,
							 const struct vly_image_list *list);

__attribute__((nonnull)) size_t vly_publish_write_image(struct vly_publish_image *to, uint64_t seq,
							uint64_t image_id);

__attribute__((nonnull)) size_t vly_publish_write_defence(struct vly_publish_header *to,
							  uint64_t seq);

/* Checks a HELLO of `bytes` octets (aligned). Returns NULL, or why control can't work with the
 * dataplane. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_publish_check_hello(const void *message, size_t bytes);

/* The same for a RESULT. Its text ends in a NUL. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_publish_check_result(const void *message, size_t bytes);

#endif
