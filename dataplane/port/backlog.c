/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backlog.h"

#include <stdio.h>

#include <rte_ethdev.h>
#include <rte_lcore.h>

int
vly_backlog_init(struct vly_backlog *backlog, uint16_t port_id, uint16_t queue_idx)
{
	char name[RTE_RING_NAMESIZE];

	*backlog = (struct vly_backlog){.port_id = port_id, .queue_idx = queue_idx};
	snprintf(name, sizeof(name), "backlog%u.%u", port_id, queue_idx);
	backlog->waiting = rte_ring_create(name, VLY_BACKLOG_MAX, (int)rte_socket_id(),
					   RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
	return backlog->waiting != NULL ? 0 : -1;
}

static void
take_ahead(struct vly_backlog *backlog)
{
	struct rte_mbuf *packet[VLY_BURST_MAX];
	unsigned cnt = VLY_BURST_MAX;

	while (backlog->open && cnt == VLY_BURST_MAX) {
		cnt = rte_eth_rx_burst(backlog->port_id, backlog->queue_idx, packet, VLY_BURST_MAX);
		rte_ring_sp_enqueue_bulk(backlog->waiting, (void **)packet, cnt, NULL);
		backlog->kept_cnt += cnt;
		backlog->open = rte_ring_free_count(backlog->waiting) >= VLY_BURST_MAX;
	}
}

unsigned
vly_backlog_receive(struct vly_backlog *backlog, struct rte_mbuf **packet)
{
	if (unlikely(!rte_ring_empty(backlog->waiting))) {
		take_ahead(backlog);
		return rte_ring_sc_dequeue_burst(backlog->waiting, (void **)packet, VLY_BURST_MAX,
						 NULL);
	}
	unsigned cnt =
		rte_eth_rx_burst(backlog->port_id, backlog->queue_idx, packet, VLY_BURST_MAX);
	if (cnt == VLY_BURST_MAX)
		take_ahead(backlog);
	else
		backlog->open = true;
	return cnt;
}

void
vly_backlog_free(struct vly_backlog *backlog)
{
	rte_ring_free(backlog->waiting);
}
