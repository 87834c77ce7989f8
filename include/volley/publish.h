/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Publishing: how volley-control gives zones, the defence and steering to volley-dataplane.
 *
 * The dataplane listens on a UNIX SOCK_SEQPACKET socket; control connects. One packet is one
 * message: a struct vly_publish_header and the body of its type, in host order (both ends are on
 * one machine).
 *
 * The conversation:
 *   1. The dataplane sends HELLO with the counters' memfd (counters.h) as SCM_RIGHTS.
 *   2. Control sends IMAGE, with the sealed memfd, for each image that the dataplane does not hold.
 *      The dataplane verifies the image and replies with RESULT. An image that fails is refused
 *      with the reason. Control need not wait for that: a COMMIT of a refused image is refused.
 *      An image with an id that the dataplane holds is the same one: it is accepted and not read.
 *   3. Control sends DEFENCE, a bare header with the sealed memfd of a struct vly_defence, before
 *      the first COMMIT and whenever the defence changes. RESULT follows when every port and every
 *      thread that answers uses it. If it is refused, the previous defence stays in force.
 *   4. Control sends STEER, a bare header with two memfds, whenever policies or maps change (steer.h):
 *      that of a struct vly_steer_header, sealed, and that of its slots. RESULT follows when every
 *      thread that answers uses them, and the previous ones are unmapped. If they are refused, the
 *      previous ones stay in force. Slots that change need no message: control writes them. Images
 *      name their policies by a key, so STEER and COMMIT may come in any order; but a dataplane that
 *      has just started answers from its first COMMIT on, so that STEER should be before it.
 *   5. Control sends COMMIT with the ids of the images that come into the table and of those that
 *      leave it. They are the difference to the live generation `since`; with `since` 0, those that
 *      come in replace everything. Control need not know what the dataplane makes of them:
 *        - Of two images, the one with the larger id is newer. A zone is served in the complete
 *          form of the newest image that has one, with the overlays that lie upon it (image.h); but
 *          if that form has a version, in the complete form with the largest version. It is no
 *          longer served if no image has a complete form.
 *        - A difference costs the dataplane what changes, not what the table holds.
 *      RESULT follows after a grace period: every thread then answers from the new table, and the
 *      dataplane has unmapped the images that left it. VLY_PUBLISH_STALE: another generation than
 *      `since` is live, so the whole list is needed.
 *      Ids that do not fit into one message go in several, all but the last with VLY_COMMIT_MORE.
 *      Each has the same generation and `since`, and gets a RESULT.
 *
 * Messages of clients that control answers: those with an opcode in the defence's request_opcodes
 * (policy.h). The dataplane sends each in a REQUEST, with an id as its seq; control sends RESPONSE
 * with the same seq, at any time and in any order, or never. Neither gets a RESULT. A RESPONSE with an
 * unknown seq, because the client has gone or has waited for too long, is ignored. RESPONSE_AFTER is a
 * RESPONSE that holds once the COMMIT sent before it, of which it has the seq, is live: the dataplane
 * ignores it unless that was the last COMMIT, and was carried out. So the client need not wait until
 * control has heard of that.
 *
 * Connections of clients that control serves: those on which a client asks for a zone transfer, and
 * those to the port of TLS, if the defence block wants them (enum vly_connection_wish in defence.h).
 * The dataplane sends each in a CONNECTION, with the socket as SCM_RIGHTS, and is done with it:
 * control owns the socket from then on, and closes it. It gets no RESULT. Responses to messages that
 * came before are sent; those that the dataplane has read and not answered are in `octets`.
 *
 * Other requests are handled in order, and each gets one RESULT with its seq. A refused request changes
 * nothing.
 *
 * Either side may close the connection at any time. The dataplane then drops the images that were
 * sent but not committed, and goes on serving the committed table; control starts again at 1.
 *
 * Only one control may be connected: a second connection gets RESULT VLY_PUBLISH_BUSY and is
 * closed. The socket's mode is 0600, and the peer must be root, the user of --socket-user, or
 * the dataplane's own user (SO_PEERCRED).
 *
 * Trust: neither side trusts the other's messages. dataplane/publish/publish_decode.c and
 * control/publish/publish_message.c check them, and memfds are checked after they are mapped.
 */
#ifndef VLY_PUBLISH_H
#define VLY_PUBLISH_H

#include <assert.h>
#include <stdint.h>

#define VLY_PUBLISH_VERSION 6

/* Ids in one message: keeps the packet well below the default socket buffer (212,992 octets). */
#define VLY_PUBLISH_IDS_MAX 4096

/* Images in a table. Each is a mapping in the dataplane, of which the kernel allows 65,530
 * (vm.max_map_count), and a descriptor in control; both hold the old and the new ones at times. */
#define VLY_PUBLISH_IMAGES_MAX 16384

/* Holds every reason that the dataplane gives (struct vly_image_error has 200). */
#define VLY_PUBLISH_TEXT_BYTES 240

enum vly_publish_type {
	VLY_PUBLISH_HELLO = 1,
	VLY_PUBLISH_IMAGE = 2,
	VLY_PUBLISH_COMMIT = 3,
	VLY_PUBLISH_RESULT = 4,
	VLY_PUBLISH_DEFENCE = 5,
	VLY_PUBLISH_REQUEST = 6,    /* from the dataplane */
	VLY_PUBLISH_RESPONSE = 7,   /* a bare header, and behind it a DNS message */
	VLY_PUBLISH_CONNECTION = 8, /* from the dataplane, with the connected socket */
	VLY_PUBLISH_RESPONSE_AFTER = 9,
	VLY_PUBLISH_STEER = 10,
};

enum vly_publish_code {
	VLY_PUBLISH_OK = 0,
	VLY_PUBLISH_BUSY = 1,      /* another control is connected */
	VLY_PUBLISH_MALFORMED = 2, /* the message does not follow this header */
	VLY_PUBLISH_REFUSED = 3,   /* an image, a defence or steering failed its checks */
	VLY_PUBLISH_UNKNOWN = 4,   /* COMMIT lists an image that the dataplane does not hold */
	VLY_PUBLISH_NO_MEMORY = 5,
	VLY_PUBLISH_STALE = 6, /* COMMIT since a generation that is not live */
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

enum vly_publish_commit_flag {
	VLY_COMMIT_MORE = 1, /* more ids follow in the next COMMIT */
};

struct vly_publish_commit {
	struct vly_publish_header header;
	uint64_t generation;  /* larger than the one before */
	uint64_t since;       /* the live generation; 0: the added images replace everything */
	uint32_t removed_cnt; /* with added_cnt, 0..VLY_PUBLISH_IDS_MAX */
	uint32_t added_cnt;
	uint32_t flags; /* enum vly_publish_commit_flag */
	uint32_t pad;
	uint64_t image_id[]; /* the removed ones, then the added ones */
};

enum vly_publish_request_flag {
	VLY_REQUEST_STREAM = 1, /* over TCP, so that the client's address is proven */
};

struct vly_publish_client_request {
	struct vly_publish_header header; /* seq: the id */
	uint32_t flags;                   /* enum vly_publish_request_flag */
	uint16_t client_port;
	uint16_t message_bytes;
	uint8_t client[16]; /* IPv4 as ::ffff:a.b.c.d */
	/* 0; or octets behind the message: the response to a signed query, without a signature and without
	 * regard to whether that of the query is good. Control verifies, and signs the response or sends an
	 * error in its place. */
	uint32_t response_bytes;
	uint32_t pad;
	uint8_t message[];
};

struct vly_publish_response_after {
	struct vly_publish_header header; /* seq: the id of the request */
	uint64_t commit_seq;
	uint8_t message[]; /* DNS */
};

enum vly_publish_connection_flag {
	VLY_CONNECTION_TLS = 1, /* to the port of TLS: nothing has been read, no handshake begun */
};

/* What a connection has at most in octets[]: a message of the largest size and the octets of one
 * read. */
#define VLY_PUBLISH_OCTETS_MAX (2 + 65535 + 16384)

struct vly_publish_connection {
	struct vly_publish_header header; /* seq: counts connections */
	uint32_t flags;                   /* enum vly_publish_connection_flag */
	uint16_t client_port;
	uint16_t local_port;
	uint32_t octet_bytes; /* 0..VLY_PUBLISH_OCTETS_MAX */
	uint32_t pad;
	uint8_t client[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint8_t local[16];  /* the address that the client has connected to */
	/* Octets that were read from the stream and not answered. They begin with a whole message
	 * behind its length; more messages, or parts of them, may follow. TLS: none. */
	uint8_t octets[];
};

struct vly_publish_result {
	struct vly_publish_header header;  /* seq of the request */
	uint32_t code;                     /* enum vly_publish_code */
	uint32_t zone_cnt;                 /* the last COMMIT: zones in the table */
	char text[VLY_PUBLISH_TEXT_BYTES]; /* the reason, for the operator; ends in a NUL */
};

#endif
