/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Framing of messages on a stream: each comes behind its length in two octets (RFC 1035 §4.2.2).
 *
 * Octets are read into a scratch buffer that all connections of a thread share; only what is left
 * when the connection has to wait is kept for it. So a connection that is silent between messages
 * holds no memory, and one that announces a long message holds about twice what it has sent of it.
 *
 * Use, whenever there is something to read or to go on with:
 *   1. vly_stream_input_space() gives the place to read into, vly_stream_input_add() tells how much
 *      came; neither is needed to go on with what was kept;
 *   2. vly_stream_input_next() until it finds no whole message; vly_stream_input_return() gives one
 *      and all behind it back, to be found again later;
 *   3. vly_stream_input_keep(), after which the scratch buffer is free for others.
 *
 * A zeroed struct is an empty input. vly_stream_input_drop() frees what was kept.
 */
#ifndef VLY_DATAPLANE_STREAM_INPUT_H
#define VLY_DATAPLANE_STREAM_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include <volley/dns.h>
#include <volley/name.h>

/*
 * What one read takes: some 300 small queries, far more than a burst. Larger would let one busy
 * client hold up the others of its thread for longer; smaller costs more system calls.
 */
#define VLY_STREAM_SCRATCH_BYTES 16384

#define VLY_STREAM_PREFIX_BYTES 2

/* Most octets that an input keeps: one message of the longest kind, or what one read brought. */
#define VLY_STREAM_KEPT_MAX (VLY_STREAM_PREFIX_BYTES + VLY_MESSAGE_BYTES_MAX + VLY_NAME_SLACK_BYTES)

struct vly_stream_scratch {
	uint8_t octets[VLY_STREAM_SCRATCH_BYTES + VLY_NAME_SLACK_BYTES];
};

struct vly_stream_input {
	uint8_t *kept;       /* own memory, or NULL */
	uint32_t kept_bytes; /* of it */
	uint8_t *at;         /* the next octet to look at: in `kept` or in the scratch buffer */
	uint8_t *end;
};

struct vly_stream_message {
	uint8_t *octets; /* VLY_NAME_SLACK_BYTES behind them are readable */
	uint16_t bytes;
};

enum vly_stream_found {
	VLY_STREAM_NONE, /* no whole message */
	VLY_STREAM_MESSAGE,
	VLY_STREAM_BROKEN, /* a length too short for a DNS header: there is no going on */
};

/*
 * Where to read up to *bytes octets, at least one; NULL: no memory. When the begin of a message is
 * kept, it is no more than what completes its length, or the message.
 */
__attribute__((nonnull, warn_unused_result)) uint8_t *
vly_stream_input_space(struct vly_stream_input *input, struct vly_stream_scratch *scratch,
		       size_t *bytes);

/* `bytes` octets, at most as many as there was space for, were read to `at`, the last result of
 * vly_stream_input_space(). */
__attribute__((nonnull)) void vly_stream_input_add(struct vly_stream_input *input, uint8_t *at,
						   size_t bytes);

/* Finds the next message; it stays where it is until vly_stream_input_keep(). */
__attribute__((nonnull, warn_unused_result)) enum vly_stream_found
vly_stream_input_next(struct vly_stream_input *input, struct vly_stream_message *message);

__attribute__((nonnull)) void vly_stream_input_return(struct vly_stream_input *input,
						      const struct vly_stream_message *message);

/* Returns 0, or -1: no memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_stream_input_keep(struct vly_stream_input *input);

__attribute__((nonnull)) void vly_stream_input_drop(struct vly_stream_input *input);

#endif
