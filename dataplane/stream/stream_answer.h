/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers the messages of a stream: bursts in, one run of octets out, with each response behind its
 * length.
 *
 * Use: vly_stream_answer() the messages in order; send `out`; go on with the messages that found no
 * room. One per stream thread, which must be a registered RCU reader and offline:
 * vly_stream_answer() goes online for the burst. Messages are untrusted. Nothing blocks.
 */
#ifndef VLY_DATAPLANE_STREAM_ANSWER_H
#define VLY_DATAPLANE_STREAM_ANSWER_H

#include <stdatomic.h>

#include "answer/guard.h"
#include "stream_input.h"

/*
 * Room for 64 responses of 512 octets and then one of the longest: usually one send per burst. It
 * is also the most that is kept for a client that reads slowly.
 */
#define VLY_STREAM_OUT_BYTES (32768 + VLY_STREAM_PREFIX_BYTES + VLY_MESSAGE_BYTES_MAX)

struct vly_stream_answerer {
	struct vly_stream_counters *counters;
	uint16_t limit_max;     /* UDP payload size in the OPT */
	struct vly_guard guard; /* without limits */
	struct vly_steering steering;
	atomic_uint held_cnt; /* queries in query[] being answered, for the watchdog */
	size_t out_bytes;     /* of out[] */
	uint8_t out[VLY_STREAM_OUT_BYTES];
	struct vly_query query[VLY_BURST_MAX];
};

struct vly_stream_asker {
	bool ipv4;
	const uint8_t *address; /* 4 or 16 octets */
	uint16_t keepalive;     /* in units of 100 ms (RFC 7828 §3.1) */
};

/*
 * Appends the responses to `cnt` (1..VLY_BURST_MAX) messages to out[]. Returns how many messages
 * are done: fewer than `cnt` if out[] is full; at least one if out[] was empty.
 */
__attribute__((nonnull, warn_unused_result)) unsigned
vly_stream_answer(struct vly_stream_answerer *answerer, const struct vly_stream_asker *asker,
		  const struct vly_stream_message *message, unsigned cnt);

#endif
