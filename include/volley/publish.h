/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Publishing: how volley-control tells volley-dataplane which images are live.
 *
 * The dataplane listens on a UNIX SOCK_SEQPACKET socket; control connects. One packet is one
 * message: a struct vly_publish_header and the body of its type, in host order (both ends are on
 * one machine).
 *
 * The conversation:
 *   1. dataplane: HELLO, with the counters' memfd (see counters.h) as SCM_RIGHTS.
 *   2. control: IMAGE for each image that the dataplane does not hold, with the image's sealed
 * memfd. dataplane: RESULT. An image that fails verification is refused with the reason; nothing
 * else changes.
 *   3. control: DEFENCE, a header alone, with the sealed memfd of a struct vly_defence; before the
 * first COMMIT, and whenever it changes. dataplane: RESULT, when every port and every lcore follows
 * it. A refused one leaves the one before.
 *   4. control: COMMIT with the ids of all live images, newest first. A zone is answered from the
 * first image in the list that has it; a zone in none is no longer answered. dataplane: RESULT,
 * after a grace period: every lcore then answers from the new table, and images that were not in
 * the list are unmapped and forgotten.
 *
 * Requests are answered in order, each by one RESULT with its seq. A refused request changes
 * nothing. The connection may end at any time, at either side: images that were sent but not
 * committed are forgotten, the committed table goes on answering, and control begins again at 1.
 * One control at a time: a second connection gets RESULT VLY_PUBLISH_BUSY and is closed. The
 * socket's mode is 0600 and the peer must be root, the user of --socket-user, or the
 * dataplane's own user (SO_PEERCRED).
 */
#ifndef VLY_PUBLISH_H
#define VLY_PUBLISH_H

#include <assert.h>
#include <stdint.h>

#define VLY_PUBLISH_VERSION 2

/* Ids in one COMMIT: keeps the packet well below the default socket buffer (212,992 octets). */
#define VLY_PUBLISH_IMAGES_MAX 4096

#define VLY_PUBLISH_TEXT_BYTES 240

enum vly_publish_type {
	VLY_PUBLISH_HELLO = 1,
	VLY_PUBLISH_IMAGE = 2,
	VLY_PUBLISH_COMMIT = 3,
	VLY_PUBLISH_RESULT = 4,
	VLY_PUBLISH_DEFENCE = 5,
};

enum vly_publish_code {
	VLY_PUBLISH_OK = 0,
	VLY_PUBLISH_BUSY = 1,      /* another control is connected */
	VLY_PUBLISH_MALFORMED = 2, /* a message that this header does not describe */
	VLY_PUBLISH_REFUSED = 3,   /* an image failed verification, or does not fit the others */
	VLY_PUBLISH_UNKNOWN = 4,   /* COMMIT names an image that the dataplane does not hold */
	VLY_PUBLISH_NO_MEMORY = 5,
};

struct vly_publish_header {
	uint32_t type;  /* enum vly_publish_type */
	uint32_t bytes; /* of the whole message, header included */
	uint64_t seq;   /* chosen by the requester; HELLO has 0 */
};

struct vly_publish_hello {
	struct vly_publish_header header;
	uint32_t publish_version; /* VLY_PUBLISH_VERSION */
	uint32_t image_version;   /* VLY_IMAGE_VERSION */
	uint32_t pid;
	uint32_t lcore_cnt;
	uint64_t start_unix_ns; /* CLOCK_REALTIME at start: tells one life of the dataplane from the
				   next */
	uint64_t generation;    /* of the live table; 0: nothing committed yet */
};

struct vly_publish_image {
	struct vly_publish_header header;
	uint64_t image_id; /* chosen by control, never reused, not 0 */
};

struct vly_publish_commit {
	struct vly_publish_header header;
	uint64_t generation; /* larger than the one before */
	uint32_t image_cnt;  /* 0..VLY_PUBLISH_IMAGES_MAX */
	uint32_t pad;
	uint64_t image_id[];
};

struct vly_publish_result {
	struct vly_publish_header header;  /* seq of the request */
	uint32_t code;                     /* enum vly_publish_code */
	uint32_t zone_cnt;                 /* COMMIT: zones in the new table */
	char text[VLY_PUBLISH_TEXT_BYTES]; /* the reason, for people; ends in a NUL */
};

#endif
