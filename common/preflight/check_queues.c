/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the interfaces of af_xdp ports bring queries to the lcores evenly, and lose none. */
#include <linux/ethtool.h>
#include <string.h>

#include "context.h"

/* Packets that come while an lcore or the kernel is away for 0.1 ms, at ten million a second, as
 * for DPDK's own rings. Fewer lose packets in bursts; many more push packets out of the cache. */
#define RX_RING_MIN 1024

#define HASH_ADDRESSES (RXH_IP_SRC | RXH_IP_DST)
#define HASH_PORTS     (RXH_L4_B_0_1 | RXH_L4_B_2_3)

static void
check_queues(struct vly_preflight *preflight, const struct vly_preflight_port *port,
	     const struct vly_preflight_nic *nic)
{
	const char *name = port->target;
	unsigned queue_cnt = port->queue_cnt;

	if (queue_cnt > nic->queue_cnt && nic->has_combined)
		vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL, name,
				  "queues=%u, but the interface has %u\nethtool -L %s combined %u",
				  queue_cnt, nic->queue_cnt, name, queue_cnt);
	else if (queue_cnt > nic->queue_cnt)
		vly_preflight_say(
			preflight, VLY_PREFLIGHT_FAIL, name,
			"queues=%u, but the driver has no combined queues, and DPDK serves only "
			"one queue of another kind\nset queues=1 for the port",
			queue_cnt);
	else if (queue_cnt < nic->rx_queue_cnt)
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, name,
				  "packets arrive on %u queues, but lcores serve only %u: the "
				  "kernel gets queries on the others, which is slower\nethtool -L "
				  "%s %s %u, or set queues=%u for the port",
				  nic->rx_queue_cnt, queue_cnt, name,
				  nic->has_combined ? "combined" : "rx", queue_cnt,
				  nic->rx_queue_cnt);
	else
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, name,
				  "queues: %u, all served by lcores", queue_cnt);
}

void
vly_preflight_check_queues(struct vly_preflight *preflight)
{
	vly_preflight_each_nic(preflight, check_queues);
}

static void
check_rss(struct vly_preflight *preflight, const struct vly_preflight_port *port,
	  const struct vly_preflight_nic *nic)
{
	static const char *const flow[] = {"udp4", "udp6"};
	bool known = false, good = true;

	if (nic->rx_queue_cnt < 2) {
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, port->target,
				  "there is only one queue");
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		bool ports = (nic->hashed[i] & HASH_PORTS) == HASH_PORTS;
		known |= nic->hashed[i] != 0;
		if (ports || (nic->hashed[i] & HASH_ADDRESSES) == 0)
			continue;
		good = false;
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, port->target,
				  "UDP over IPv%c is hashed by addresses alone: all queries of one "
				  "resolver share a queue\nethtool -N %s rx-flow-hash %s sdfn",
				  flow[i][3], port->target, flow[i]);
	}
	if (!known)
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, port->target,
				  "the driver does not report how it hashes UDP");
	else if (good)
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, port->target,
				  "UDP is hashed by addresses and ports");
}

void
vly_preflight_check_rss(struct vly_preflight *preflight)
{
	vly_preflight_each_nic(preflight, check_rss);
}

static void
check_rings(struct vly_preflight *preflight, const struct vly_preflight_port *port,
	    const struct vly_preflight_nic *nic)
{
	unsigned wanted = nic->rx_ring_max < RX_RING_MIN ? nic->rx_ring_max : RX_RING_MIN;
	const char *name = port->target;

	if (nic->rx_ring_max == 0)
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, name,
				  "the driver does not report the size of its rings");
	else if (nic->rx_ring < wanted)
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, name,
				  "RX rings hold %u packets and could hold %u: bursts may be "
				  "lost\nethtool -G %s rx %u",
				  nic->rx_ring, nic->rx_ring_max, name, wanted);
	else
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, name,
				  "RX rings hold %u packets (maximum %u)", nic->rx_ring,
				  nic->rx_ring_max);
}

void
vly_preflight_check_rings(struct vly_preflight *preflight)
{
	vly_preflight_each_nic(preflight, check_rings);
}

/* virtio_net refuses an XDP program as long as the host may merge packets for it, and can switch
 * that off itself only when the host lets it. */
static void
check_offloads(struct vly_preflight *preflight, const struct vly_preflight_port *port,
	       const struct vly_preflight_nic *nic)
{
	const char *name = port->target;

	if (nic->lro != VLY_PREFLIGHT_OFF)
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, name,
				  "LRO is on: drivers then refuse XDP programs, or run them in "
				  "generic mode\nethtool -K %s lro off",
				  name);
	if (nic->gro_hw == VLY_PREFLIGHT_FIXED && strcmp(nic->driver, "virtio_net") == 0)
		vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL, name,
				  "the host merges packets (rx-gro-hw is on and fixed): virtio_net "
				  "then refuses XDP programs\non the host, for QEMU: -device "
				  "virtio-net-pci,guest_tso4=off,guest_tso6=off,guest_ecn=off,"
				  "guest_ufo=off,guest_csum=off");
	else if (nic->gro_hw != VLY_PREFLIGHT_OFF)
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, name,
				  "the NIC merges packets (rx-gro-hw is on): an XDP program cannot "
				  "split them\nethtool -K %s rx-gro-hw off",
				  name);
	if (nic->lro == VLY_PREFLIGHT_OFF && nic->gro_hw == VLY_PREFLIGHT_OFF)
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, name,
				  "LRO and hardware GRO are off");
}

void
vly_preflight_check_offloads(struct vly_preflight *preflight)
{
	vly_preflight_each_nic(preflight, check_offloads);
}
