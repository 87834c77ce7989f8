/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The policy (volley/policy.h) for messages from sockets: the same reasons to drop as on the fast
 * path, counted by the same names, with samples.
 *
 * Over UDP, all of it applies: form, lists, source rates, the rate of messages that are never
 * served. Over TCP, where addresses are not spoofed, only denied prefixes do; connections have
 * limits of their own (stream_limits.h).
 *
 * Use, one per stream thread, which must be a registered RCU reader: vly_stream_policy_start();
 * vly_stream_policy_admits() for each datagram; vly_stream_policy_denies() for each client when it
 * connects and with each burst of queries; vly_stream_policy_end(). Nothing blocks.
 */
#ifndef VLY_DATAPLANE_STREAM_POLICY_H
#define VLY_DATAPLANE_STREAM_POLICY_H

#include <stddef.h>

#include <volley/counters.h>

#include "base/clock.h"
#include "guard/sample.h"

struct vly_stream_policy {
	struct vly_clock clock;
	struct vly_policy_state *state;
	struct vly_lcore_counters *counters; /* verdict[] and source_dry_run */
	struct vly_sampler sampler;
};

struct vly_stream_source {
	bool ipv4;
	uint16_t port;
	const uint8_t *address; /* 4 or 16 octets */
};

/* `counters` and `ring` stay the caller's. `ring` is this thread's own, zeroed, or NULL. Returns 0
 * or -ENOMEM. */
__attribute__((nonnull(1, 2), warn_unused_result)) int
vly_stream_policy_start(struct vly_stream_policy *policy, struct vly_lcore_counters *counters,
			struct vly_sample_ring *ring, uint64_t tsc_hz);

/* Whether a message over UDP (untrusted, of any length) is to be answered. Counts it in either
 * case. Inside an RCU read side. */
__attribute__((nonnull, warn_unused_result)) bool
vly_stream_policy_admits(struct vly_stream_policy *policy, const struct vly_stream_source *source,
			 const uint8_t *message, size_t bytes);

/* Whether a client over TCP is in a denied prefix. Counts it if so. Call it offline: it goes online
 * itself. */
__attribute__((nonnull, warn_unused_result)) bool
vly_stream_policy_denies(struct vly_stream_policy *policy, const struct vly_stream_source *source);

/* Also for one of zeros. */
__attribute__((nonnull)) void vly_stream_policy_end(struct vly_stream_policy *policy);

#endif
