/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answering the messages of a stream: bursts in, one run of octets out, each response behind its
 * length.
 *
 * Use: vly_stream_answer() the messages in order, send `out`, and go on with those that found no
 * room. One per stream thread, which must be an RCU reader; it is online only inside of
 * vly_stream_answer().
 */
#ifndef VLY_DATAPLANE_STREAM_ANSWER_H
#define VLY_DATAPLANE_STREAM_ANSWER_H

#include <stdatomic.h>

#include "answer/guard.h"
#include "stream_input.h"

/*
 * The longest response still finds room behind half of this, or 64 responses of 512 octets: one
 * send per burst. It is also what a client that reads slowly can make us keep for it, at most.
 */
#define VLY_STREAM_OUT_BYTES (32768 + VLY_STREAM_PREFIX_BYTES + VLY_MESSAGE_BYTES_MAX)

struct vly_stream_answerer {
	struct vly_stream_counters *counters;
	uint16_t limit_max;     /* offered in the OPT, for the client's queries over UDP */
	struct vly_guard guard; /* without limits */
	atomic_uint held_cnt;   /* of query[]: being answered, for the watchdog */
	size_t out_bytes;       /* of out[] */
	uint8_t out[VLY_STREAM_OUT_BYTES];
	struct vly_query query[VLY_BURST_MAX];
};

struct vly_stream_asker {
	bool ipv4;
	const uint8_t *address; /* 4 or 16 octets */
	uint16_t keepalive;     /* in units of 100 ms (RFC 7828 §3.1) */
};

/*
 * Appends the responses to the first messages to out[]. Returns how many were dealt with: fewer
 * than `cnt` (1 to VLY_BURST_MAX) when out[] is full, none only when it was not empty.
 */
__attribute__((nonnull, warn_unused_result)) unsigned
vly_stream_answer(struct vly_stream_answerer *answerer, const struct vly_stream_asker *asker,
		  const struct vly_stream_message *message, unsigned cnt);

#endif
