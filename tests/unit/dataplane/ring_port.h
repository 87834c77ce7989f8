/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A DPDK port whose two ends are one ring: what is sent on it is received from it.
 *
 * Use: ring_port_open(), ring_port_close(), in a suite's .init and .fini.
 */
#ifndef VLY_TEST_RING_PORT_H
#define VLY_TEST_RING_PORT_H

#include <criterion/criterion.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define PORT  0
#define QUEUE 0

/* With memory of its own, where there are huge pages and where there are none. Returns the packets,
 * so many of `bytes` octets. */
static inline struct rte_mempool *
ring_port_open(unsigned packet_cnt, uint16_t bytes)
{
	const char *args[] = {"test",           "--no-huge", "--no-shconf", "--no-pci",
			      "--no-telemetry", "-m",        "32",          "--vdev=net_ring0"};
	const struct rte_eth_conf conf = {0};

	cr_assert_geq(rte_eal_init(sizeof(args) / sizeof(args[0]), (char **)args), 0);
	struct rte_mempool *pool = rte_pktmbuf_pool_create("pool", packet_cnt, 0, 0, bytes, 0);
	cr_assert_not_null(pool);
	cr_assert_eq(rte_eth_dev_configure(PORT, 1, 1, &conf), 0);
	cr_assert_eq(rte_eth_rx_queue_setup(PORT, QUEUE, 512, 0, NULL, pool), 0);
	cr_assert_eq(rte_eth_tx_queue_setup(PORT, QUEUE, 512, 0, NULL), 0);
	cr_assert_eq(rte_eth_dev_start(PORT), 0);
	return pool;
}

static inline void
ring_port_close(void)
{
	rte_eal_cleanup();
}

#endif
