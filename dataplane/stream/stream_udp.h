/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Queries over UDP that the fast path leaves to the kernel: fragments, IP options, IPv6 extension
 * headers, queues without an lcore, and interfaces without a port of ours. The policy judges them,
 * and an ordinary socket answers in batches, from the address to which the query was sent.
 *
 * Use, one per stream thread, which must be a registered RCU reader and offline (it goes online for
 * the batch): vly_stream_udp_create(); vly_stream_udp_serve() when a socket of stream_socket.h is
 * readable; vly_stream_udp_free(). Nothing blocks. Datagrams are untrusted.
 */
#ifndef VLY_DATAPLANE_STREAM_UDP_H
#define VLY_DATAPLANE_STREAM_UDP_H

#include <stdint.h>

#include "answer/query.h"
#include "request/requests.h"
#include "stream_policy.h"

struct vly_stream_udp;

/* `policy` and `counters` stay the caller's. `limit_max`: octets of the largest response. Returns
 * NULL if there is no memory. */
__attribute__((warn_unused_result)) struct vly_stream_udp *
vly_stream_udp_create(struct vly_stream_policy *policy, struct vly_stream_counters *counters,
		      uint16_t limit_max);

/* From then on, messages that volley-control answers are handed to `requests`, the caller's. */
__attribute__((nonnull)) void vly_stream_udp_set_requests(struct vly_stream_udp *udp,
							  struct vly_requests_client *requests,
							  const uv_loop_t *loop);

/* Sends the response of a request, if it has one. The request stays the caller's. */
__attribute__((nonnull)) void vly_stream_udp_on_response(struct vly_stream_udp *udp,
							 struct vly_request *request);

/* Answers the datagrams at `fd`, up to one batch; with more, the socket stays readable. */
__attribute__((nonnull)) void vly_stream_udp_serve(struct vly_stream_udp *udp, int fd);

/* Returns the number of queries being answered, and their place. For another thread, if this one
 * hangs. */
__attribute__((nonnull)) unsigned vly_stream_udp_held(const struct vly_stream_udp *udp,
						      const struct vly_query **query);

void vly_stream_udp_free(struct vly_stream_udp *udp);

#endif
