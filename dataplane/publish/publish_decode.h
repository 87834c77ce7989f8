/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decodes requests of the publish protocol (volley/publish.h). Pure, any thread. */
#ifndef VLY_DATAPLANE_PUBLISH_DECODE_H
#define VLY_DATAPLANE_PUBLISH_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include <volley/dns.h>
#include <volley/publish.h>

/* The largest message that control may send. */
#define VLY_PUBLISH_BYTES_MAX                                                                      \
	(VLY_PUBLISH_COMMIT_BYTES > VLY_PUBLISH_RESPONSE_BYTES ? VLY_PUBLISH_COMMIT_BYTES          \
							       : VLY_PUBLISH_RESPONSE_BYTES)
#define VLY_PUBLISH_RESPONSE_BYTES                                                                 \
	(sizeof(struct vly_publish_response_after) + VLY_MESSAGE_BYTES_MAX)
#define VLY_PUBLISH_COMMIT_BYTES                                                                   \
	(sizeof(struct vly_publish_commit) + VLY_PUBLISH_IDS_MAX * sizeof(uint64_t))

/* What a COMMIT says. */
struct vly_publish_difference {
	uint64_t generation;
	uint64_t since;
	bool more;
	uint32_t removed_cnt;
	uint32_t added_cnt;
	const uint64_t *removed;
	const uint64_t *added;
};

struct vly_publish_request {
	enum vly_publish_type type; /* IMAGE, COMMIT, DEFENCE, RESPONSE or RESPONSE_AFTER */
	uint64_t seq;               /* set if the message has a header, even if it is malformed */
	uint64_t image_id;          /* IMAGE */
	struct vly_publish_difference difference; /* COMMIT; the ids are inside the message */
	const uint8_t *response;                  /* RESPONSE, RESPONSE_AFTER: inside the message */
	size_t response_bytes;
	uint64_t commit_seq; /* RESPONSE_AFTER */
};

/*
 * Decodes the packet of `bytes` octets at `message` (8-octet aligned, untrusted) that came with
 * `fd_cnt` file descriptors. Returns NULL and fills *request, or a static text with the error.
 */
__attribute__((nonnull, warn_unused_result)) const char *
vly_publish_decode(const void *message, size_t bytes, unsigned fd_cnt,
		   struct vly_publish_request *request);

/* Whether a response goes to its client now: at once, or if the last commit, `committed_seq`, is the one that it
 * waits for. 0: no commit is live. */
static inline bool
vly_publish_response_is_due(const struct vly_publish_request *request, uint64_t committed_seq)
{
	return request->type == VLY_PUBLISH_RESPONSE ||
	       (committed_seq != 0 && request->commit_seq == committed_seq);
}

#endif
