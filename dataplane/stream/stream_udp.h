/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Queries over UDP that the fast path leaves to the kernel: fragments, IP options, IPv6 extension
 * headers, queues without an lcore, and interfaces without a port of ours. Judged by the policy,
 * and answered in batches by an ordinary socket, from the address that was asked.
 *
 * Use: vly_stream_udp_create() one per stream thread, which must be an RCU reader and offline;
 * vly_stream_udp_serve() whenever a socket of stream_socket.h is readable; vly_stream_udp_free().
 */
#ifndef VLY_DATAPLANE_STREAM_UDP_H
#define VLY_DATAPLANE_STREAM_UDP_H

#include <stdint.h>

#include "answer/query.h"
#include "stream_policy.h"

struct vly_stream_udp;

/* `policy` and `counters` stay the caller's. `limit_max`: octets of the largest response. NULL: no
 * memory. */
__attribute__((warn_unused_result)) struct vly_stream_udp *
vly_stream_udp_create(struct vly_stream_policy *policy, struct vly_stream_counters *counters,
		      uint16_t limit_max);

/* Answers what has arrived at `fd`, up to one batch; the rest keeps the socket readable. */
__attribute__((nonnull)) void vly_stream_udp_serve(struct vly_stream_udp *udp, int fd);

/* How many queries are being answered, and where they are; for another thread, when this one hangs.
 */
__attribute__((nonnull)) unsigned vly_stream_udp_held(const struct vly_stream_udp *udp,
						      const struct vly_query **query);

void vly_stream_udp_free(struct vly_stream_udp *udp);

#endif
