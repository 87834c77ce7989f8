/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packet memory: one mempool per queue, used by one lcore only.
 *
 * Use: vly_pool_plan_port() and vly_pool_bytes() before the EAL starts; vly_pool_create() after
 * that. Pools live until the EAL ends. Main thread.
 */
#ifndef VLY_DATAPLANE_POOL_H
#define VLY_DATAPLANE_POOL_H

#include <rte_mempool.h>

#include "setup/options.h"

struct vly_pool_plan {
	unsigned mbuf_cnt;
	uint16_t room_bytes; /* of an mbuf, headroom included */
	bool packed;         /* mbufs without gaps, even across pages: no device needs them */
	uint16_t rx_desc_cnt;
	uint16_t tx_desc_cnt;
};

/* The memory for each queue of a port of `spec` with this MTU. */
__attribute__((nonnull)) struct vly_pool_plan vly_pool_plan_port(const struct vly_port_spec *spec,
								 unsigned mtu);

/* The octets of a pool. */
__attribute__((nonnull)) uint64_t vly_pool_bytes(const struct vly_pool_plan *plan);

/* Creates the pool on the NUMA node socket_id. Returns it, or NULL with rte_errno set. */
__attribute__((nonnull, warn_unused_result)) struct rte_mempool *
vly_pool_create(const struct vly_pool_plan *plan, const char *name, int socket_id);

#endif
