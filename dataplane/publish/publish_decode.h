/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decodes requests of the publish protocol (volley/publish.h). Pure, any thread. */
#ifndef VLY_DATAPLANE_PUBLISH_DECODE_H
#define VLY_DATAPLANE_PUBLISH_DECODE_H

#include <stddef.h>

#include <volley/publish.h>

/* The largest message that control may send. */
#define VLY_PUBLISH_BYTES_MAX                                                                      \
	(sizeof(struct vly_publish_commit) + VLY_PUBLISH_IMAGES_MAX * sizeof(uint64_t))

struct vly_publish_request {
	enum vly_publish_type type; /* IMAGE, COMMIT or DEFENCE */
	uint64_t seq;               /* set if the message has a header, even if it is malformed */
	uint64_t image_id;          /* IMAGE */
	uint64_t generation;        /* COMMIT */
	uint32_t image_cnt;         /* COMMIT */
	const uint64_t *image_ids;  /* COMMIT: image_cnt ids inside the message */
};

/*
 * Decodes the packet of `bytes` octets at `message` (8-octet aligned, untrusted) that came with
 * `fd_cnt` file descriptors. Returns NULL and fills *request, or a static text with the error.
 */
__attribute__((nonnull, warn_unused_result)) const char *
vly_publish_decode(const void *message, size_t bytes, unsigned fd_cnt,
		   struct vly_publish_request *request);

#endif
