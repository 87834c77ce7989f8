/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packets of one queue, received in bursts, with room for more than its ring holds.
 *
 * A client that catches up, or many that begin at once, may send faster than an lcore answers.
 * Receiving is much cheaper than answering: while bursts come full, more is taken out of the
 * device's ring, to wait here for its turn. Packets keep their order.
 * An overload that lasts is no burst: once the backlog has been full, it is emptied, and nothing is
 * taken ahead until a poll finds less than it asks for. So it costs no more latency than the
 * ring's.
 *
 * Use, on one lcore: vly_backlog_init(), vly_backlog_receive() again and again, vly_backlog_free().
 */
#ifndef VLY_DATAPLANE_BACKLOG_H
#define VLY_DATAPLANE_BACKLOG_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "answer/query.h"

/* Packets that may wait. At 300,000 a second, which an lcore answers over a veth pair, 27 ms. */
#define VLY_BACKLOG_MAX 8192

struct vly_backlog {
	struct rte_ring *waiting;
	uint64_t kept_cnt; /* packets that have waited, in all */
	uint16_t port_id;
	uint16_t queue_idx;
	bool open; /* packets may be taken ahead */
};

/* Returns 0, or -1: no memory. Needs the EAL. */
__attribute__((nonnull, warn_unused_result)) int
vly_backlog_init(struct vly_backlog *backlog, uint16_t port_id, uint16_t queue_idx);

/* Returns how many packets it wrote to packet[], up to VLY_BURST_MAX. They are the caller's. */
__attribute__((nonnull)) unsigned vly_backlog_receive(struct vly_backlog *backlog,
						      struct rte_mbuf **packet);

/* What waits stays with its mempool. */
__attribute__((nonnull)) void vly_backlog_free(struct vly_backlog *backlog);

#endif
