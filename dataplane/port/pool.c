/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pool.h"

#include <sys/stat.h>

#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include <volley/name.h>
#include <volley/policy.h>

#include "backlog.h"

/* mbufs in an lcore's cache: four bursts, so that the pool's shared ring is rarely used. */
#define CACHE_CNT 256

/* Rings of NICs. 1024 packets arrive in 100 µs at 10 million a second, which is as long as an lcore
 * may sleep; in deeper rings, received packets are pushed out of the cache before they are read. */
#define RING_CNT 1024

/* DPDK's AF_XDP driver fills half of the fill ring (4096) at start and keeps that many packets in
 * fill and RX ring together; TX and completion ring hold as many again each. */
#define AF_XDP_RING_CNT 2048

/* The kernel writes behind this much room (XDP_PACKET_HEADROOM), on top of DPDK's. */
#define AF_XDP_HEADROOM 256

/* The kernel's limits for a UMEM chunk, including mempool header and mbuf: half a page, a page. */
#define AF_XDP_CHUNK_MIN 2048
#define AF_XDP_CHUNK_MAX 4096

#define SMALL_PAGE 4096

/* The smallest record of a capture with a packet for us: the record's header (pcap-savefile(5)),
 * then Ethernet, IPv4 and UDP headers. */
#define PCAP_RECORD_HEAD_BYTES 16
#define PCAP_RECORD_MIN                                                                            \
	(PCAP_RECORD_HEAD_BYTES + RTE_ETHER_HDR_LEN + VLY_IPV4_BYTES + VLY_UDP_BYTES)

static unsigned
element_bytes(uint16_t room_bytes)
{
	return RTE_CACHE_LINE_SIZE /* mempool header */ + (unsigned)sizeof(struct rte_mbuf) +
	       room_bytes;
}

/* A looped capture is kept in mbufs: as many as the file could have packets. */
static unsigned
capture_mbuf_cnt(const struct vly_port_spec *spec)
{
	struct stat status;

	if (!spec->loop || stat(spec->file, &status) != 0)
		return 0;
	return (unsigned)(status.st_size / PCAP_RECORD_MIN);
}

struct vly_pool_plan
vly_pool_plan_port(const struct vly_port_spec *spec, unsigned mtu)
{
	bool af_xdp = spec->kind == VLY_PORT_AF_XDP;
	unsigned frame = RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + mtu + VLY_NAME_SLACK_BYTES;
	unsigned room = RTE_PKTMBUF_HEADROOM + frame;
	struct vly_pool_plan plan = {.packed = spec->kind != VLY_PORT_PCI,
				     .rx_desc_cnt = RING_CNT,
				     .tx_desc_cnt = RING_CNT};

	if (af_xdp) {
		plan.rx_desc_cnt = plan.tx_desc_cnt = AF_XDP_RING_CNT;
		room += AF_XDP_HEADROOM;
		if (element_bytes((uint16_t)room) > AF_XDP_CHUNK_MAX)
			room = AF_XDP_CHUNK_MAX - element_bytes(0);
		if (element_bytes((uint16_t)room) < AF_XDP_CHUNK_MIN)
			room = AF_XDP_CHUNK_MIN - element_bytes(0);
	}
	/* Drivers of NICs may need this size, and af_packet does not start with less. Other drivers
	 * copy into any buffer, and caches and TLB hold more packets if it is no larger than a
	 * frame. */
	bool large = spec->kind == VLY_PORT_PCI || spec->kind == VLY_PORT_AF_PACKET;
	if (large && room < RTE_MBUF_DEFAULT_BUF_SIZE)
		room = RTE_MBUF_DEFAULT_BUF_SIZE;
	if (!af_xdp)
		room = RTE_CACHE_LINE_ROUNDUP(room);
	if (room > UINT16_MAX)
		room = UINT16_MAX;
	plan.room_bytes = (uint16_t)room;
	/* RX, the backlog, TX and completions, the cache (which grows to 1.5 times its size), and
	 * two bursts being worked on. */
	plan.mbuf_cnt = plan.rx_desc_cnt + VLY_BACKLOG_MAX + plan.tx_desc_cnt +
			(af_xdp ? AF_XDP_RING_CNT : 0) + CACHE_CNT * 3 / 2 + 2 * VLY_BURST_MAX +
			capture_mbuf_cnt(spec);
	return plan;
}

uint64_t
vly_pool_bytes(const struct vly_pool_plan *plan)
{
	unsigned bytes = element_bytes(plan->room_bytes);

	if (!plan->packed) /* with small pages, each object starts a page */
		bytes = (bytes + SMALL_PAGE - 1) / SMALL_PAGE * SMALL_PAGE;
	return (uint64_t)plan->mbuf_cnt * bytes;
}

struct rte_mempool *
vly_pool_create(const struct vly_pool_plan *plan, const char *name, int socket_id)
{
	struct rte_pktmbuf_pool_private private = {.mbuf_data_room_size = plan->room_bytes};
	unsigned object_bytes = (unsigned)sizeof(struct rte_mbuf) + plan->room_bytes;
	/* Devices need each object in one page, whose address they know. For all others this wastes
	 * memory. It also breaks AF_XDP: DPDK's driver registers its UMEM as if objects were
	 * adjacent, so with pages of 4 KiB some would be outside. */
	unsigned flags = plan->packed ? RTE_MEMPOOL_F_NO_IOVA_CONTIG | RTE_MEMPOOL_F_NO_SPREAD : 0;
	struct rte_mempool *pool = rte_mempool_create_empty(
		name, plan->mbuf_cnt, object_bytes, CACHE_CNT, sizeof(private), socket_id, flags);

	if (pool == NULL)
		return NULL;
	rte_pktmbuf_pool_init(pool, &private);
	int cnt = rte_mempool_populate_default(pool);
	if (cnt < 0 || (plan->packed && pool->nb_mem_chunks != 1)) {
		rte_errno = cnt < 0 ? -cnt : ENOMEM;
		rte_mempool_free(pool);
		return NULL;
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return pool;
}
