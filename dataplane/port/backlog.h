/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Receives the packets of one queue in bursts, with room for more than its ring holds.
 *
 * When many clients start at once, queries may arrive faster than an lcore answers. Receiving is
 * much cheaper than answering: while bursts are full, more packets are taken out of the device's
 * ring to wait here. Packets keep their order.
 *
 * A lasting overload must not add latency: once the backlog has been full, it is emptied, and no
 * packets are taken ahead until a poll returns less than it asked for.
 *
 * Use, on one lcore: vly_backlog_init(); vly_backlog_receive() for each burst; vly_backlog_free().
 * Nothing blocks.
 */
#ifndef VLY_DATAPLANE_BACKLOG_H
#define VLY_DATAPLANE_BACKLOG_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "answer/query.h"

/* Packets that may wait: 27 ms at 300,000 a second, which an lcore answers over a veth pair. Fewer
 * lose more of a burst, more add latency and memory (pool.c). */
#define VLY_BACKLOG_MAX 8192

struct vly_backlog {
	struct rte_ring *waiting;
	uint64_t kept_cnt; /* packets that have waited, in all */
	uint16_t port_id;
	uint16_t queue_idx;
	bool open; /* packets may be taken ahead */
};

/* Returns 0, or -1: no memory, rte_errno may say more. Needs the EAL. */
__attribute__((nonnull, warn_unused_result)) int
vly_backlog_init(struct vly_backlog *backlog, uint16_t port_id, uint16_t queue_idx);

/* Returns how many packets it wrote to packet[], up to VLY_BURST_MAX. They are the caller's. */
__attribute__((nonnull)) unsigned vly_backlog_receive(struct vly_backlog *backlog,
						      struct rte_mbuf **packet);

/* Packets that wait stay with their mempool. */
__attribute__((nonnull)) void vly_backlog_free(struct vly_backlog *backlog);

#endif
