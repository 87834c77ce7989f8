/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Publishing: how volley-control gives zones and the defence to volley-dataplane.
 *
 * The dataplane listens on a UNIX SOCK_SEQPACKET socket; control connects. One packet is one
 * message: a struct vly_publish_header and the body of its type, in host order (both ends are on
 * one machine).
 *
 * The conversation:
 *   1. The dataplane sends HELLO with the counters' memfd (counters.h) as SCM_RIGHTS.
 *   2. Control sends IMAGE, with the sealed memfd, for each image that the dataplane does not hold.
 *      The dataplane verifies the image and replies with RESULT. An image that fails is refused
 *      with the reason.
 *   3. Control sends DEFENCE, a bare header with the sealed memfd of a struct vly_defence, before
 *      the first COMMIT and whenever the defence changes. RESULT follows when every port and every
 *      thread that answers uses it. If it is refused, the previous defence stays in force.
 *   4. Control sends COMMIT with the ids of all live images, newest first. A zone is served from
 *      the first image in the list that has it, and no longer served if none has it. RESULT follows
 *      after a grace period: every thread then answers from the new table, and the dataplane has
 *      unmapped the images that are not in the list.
 *
 * Requests are handled in order, and each gets one RESULT with its seq. A refused request changes
 * nothing.
 *
 * Either side may close the connection at any time. The dataplane then drops the images that were
 * sent but not committed, and goes on serving the committed table; control starts again at 1.
 *
 * Only one control may be connected: a second connection gets RESULT VLY_PUBLISH_BUSY and is
 * closed. The socket's mode is 0600, and the peer must be root or the dataplane's own user
 * (SO_PEERCRED).
 *
 * Trust: neither side trusts the other's messages. dataplane/publish/publish_decode.c and
 * control/publish/publish_message.c check them, and memfds are checked after they are mapped.
 */
#ifndef VLY_PUBLISH_H
#define VLY_PUBLISH_H

#include <assert.h>
#include <stdint.h>

#define VLY_PUBLISH_VERSION 2

/* Ids in one COMMIT: keeps the packet well below the default socket buffer (212,992 octets). */
#define VLY_PUBLISH_IMAGES_MAX 4096

/* Holds every reason that the dataplane gives (struct vly_image_error has 200). */
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
	VLY_PUBLISH_MALFORMED = 2, /* the message does not follow this header */
	VLY_PUBLISH_REFUSED = 3,   /* an image or a defence failed its checks */
	VLY_PUBLISH_UNKNOWN = 4,   /* COMMIT lists an image that the dataplane does not hold */
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
	uint64_t start_unix_ns; /* CLOCK_REALTIME at start; differs after a restart */
	uint64_t generation;    /* of the live table; 0: nothing is committed yet */
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
	char text[VLY_PUBLISH_TEXT_BYTES]; /* the reason, for the operator; ends in a NUL */
};

#endif
