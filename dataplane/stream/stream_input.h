/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The framing of messages on a stream: each message is behind its length in two octets (RFC 1035
 * §4.2.2).
 *
 * Octets are read into a scratch buffer that all connections of a thread share. Only the octets
 * that are left when the connection has to wait are kept for it. So a connection that is silent
 * between messages needs no memory, and one that announces a long message about twice the octets
 * that it has sent of it.
 *
 * Use, when the socket is readable, or to go on with kept octets:
 *   1. vly_stream_input_space() for the place to read into, then vly_stream_input_add() with the
 *      octets read; skip both to go on with kept octets;
 *   2. vly_stream_input_next() until it finds no whole message; vly_stream_input_return() gives a
 *      message and all behind it back, to be found again later;
 *   3. vly_stream_input_keep(); after that the scratch buffer is free for other connections.
 * A zeroed struct is an empty input. vly_stream_input_drop() frees kept octets.
 *
 * One thread. All octets are untrusted. Nothing blocks.
 */
#ifndef VLY_DATAPLANE_STREAM_INPUT_H
#define VLY_DATAPLANE_STREAM_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include <volley/dns.h>
#include <volley/name.h>

/*
 * The octets of one read: about 300 small queries, far more than a burst. With more, a busy client
 * delays the others of its thread for longer; with less, there are more system calls.
 */
#define VLY_STREAM_SCRATCH_BYTES 16384

#define VLY_STREAM_PREFIX_BYTES 2

/* The most octets that an input keeps: a message of the largest size, or the octets of one read. */
#define VLY_STREAM_KEPT_MAX (VLY_STREAM_PREFIX_BYTES + VLY_MESSAGE_BYTES_MAX + VLY_NAME_SLACK_BYTES)

struct vly_stream_scratch {
	uint8_t octets[VLY_STREAM_SCRATCH_BYTES + VLY_NAME_SLACK_BYTES];
};

struct vly_stream_input {
	uint8_t *kept;       /* allocated, or NULL */
	uint32_t kept_bytes; /* allocated octets */
	uint8_t *at;         /* the next octet: in `kept` or in the scratch buffer */
	uint8_t *end;
};

struct vly_stream_message {
	uint8_t *octets; /* VLY_NAME_SLACK_BYTES behind them are readable */
	uint16_t bytes;
};

enum vly_stream_found {
	VLY_STREAM_NONE, /* no whole message */
	VLY_STREAM_MESSAGE,
	VLY_STREAM_BROKEN, /* the length is too short for a DNS header: close the connection */
};

/*
 * Returns the place for up to *bytes (at least 1) octets, or NULL: no memory. If the beginning of a
 * message is kept, *bytes is at most what completes its length field, or the message.
 */
__attribute__((nonnull, warn_unused_result)) uint8_t *
vly_stream_input_space(struct vly_stream_input *input, struct vly_stream_scratch *scratch,
		       size_t *bytes);

/* Adds `bytes` octets that were read to `at`, the last result of vly_stream_input_space(), whose
 * *bytes is the maximum. */
__attribute__((nonnull)) void vly_stream_input_add(struct vly_stream_input *input, uint8_t *at,
						   size_t bytes);

/* Finds the next message. It stays in place until vly_stream_input_keep(). */
__attribute__((nonnull, warn_unused_result)) enum vly_stream_found
vly_stream_input_next(struct vly_stream_input *input, struct vly_stream_message *message);

__attribute__((nonnull)) void vly_stream_input_return(struct vly_stream_input *input,
						      const struct vly_stream_message *message);

/* Keeps the octets that are left. Returns 0, or -1: no memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_stream_input_keep(struct vly_stream_input *input);

__attribute__((nonnull)) void vly_stream_input_drop(struct vly_stream_input *input);

#endif
