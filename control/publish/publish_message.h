/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The messages of volley/publish.h: writes requests, and checks the messages of the dataplane,
 * which are untrusted. No state; any thread; no function blocks.
 */
#ifndef VLY_CONTROL_PUBLISH_MESSAGE_H
#define VLY_CONTROL_PUBLISH_MESSAGE_H

#include <stddef.h>

#include <volley/publish.h>

#include "publish_change.h"

#define VLY_PUBLISH_COMMIT_BYTES_MAX                                                               \
	(sizeof(struct vly_publish_commit) + VLY_PUBLISH_IDS_MAX * sizeof(uint64_t))

/* Each writes one request and returns its length in octets. COMMIT: the next part of the change,
 * which then counts as sent; `to` has room for VLY_PUBLISH_COMMIT_BYTES_MAX octets, aligned as the
 * message is. */
__attribute__((nonnull)) size_t vly_publish_write_commit(struct vly_publish_commit *to,
							 uint64_t seq,
							 struct vly_publish_change *change);

__attribute__((nonnull)) size_t vly_publish_write_image(struct vly_publish_image *to, uint64_t seq,
							uint64_t image_id);

/* DEFENCE or STEER, whose blocks are in descriptors. */
__attribute__((nonnull)) size_t vly_publish_write_block(struct vly_publish_header *to,
							enum vly_publish_type type, uint64_t seq);

/* Checks a HELLO of `bytes` octets (aligned). Returns NULL, or a sentence: why control can't work
 * with this dataplane. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_publish_check_hello(const void *message, size_t bytes);

/* Checks a RESULT in the same way. The text of a good one ends in a NUL. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_publish_check_result(const void *message, size_t bytes);

/* Checks a REQUEST in the same way: its message has a header at least. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_publish_check_request(const void *message, size_t bytes);

/* Checks a CONNECTION in the same way. Its socket is lost when no more files may be open. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_publish_check_connection(const void *message, size_t bytes);

#endif
