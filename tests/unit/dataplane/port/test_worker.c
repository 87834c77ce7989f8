/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An lcore on a ring port, run in the test's own thread; a callback in front of the port's sender
 * looks at the counters, and ends the lcore. */
#include <rte_cycles.h>
#include <rte_ring.h>

#include "frames.h"
#include "port/worker.h"
#include "ring_port.h"

static struct rte_mempool *pool;
static struct vly_lcore_counters counters;
static struct vly_sample_ring samples;
static struct vly_addresses addresses;
static atomic_bool serve;
static atomic_bool stop;
static uint16_t taken_max;         /* packets that the port still takes */
static uint64_t bytes_before_tx;   /* counted before anything was sent */
static uint64_t packets_before_tx; /* the same of packets */

static struct vly_worker
make_worker(void)
{
	return (struct vly_worker){
		.port_name = "ring",
		.port_id = PORT,
		.queue_idx = QUEUE,
		.limit_max_ipv4 = 1232,
		.limit_max_ipv6 = 1232,
		.spin = true,
		.wait_fd = -1,
		.tsc_hz = rte_get_tsc_hz(),
		.addresses = &addresses,
		.counters = &counters,
		.samples = &samples,
		.serve = &serve,
		.stop = &stop,
	};
}

static void
open_port(void)
{
	pool = ring_port_open(1023, 2048);
	atomic_store(&serve, true);
}

static void
send_queries(unsigned cnt)
{
	struct test_frame frame = test_frame_query(4, 0);

	for (unsigned i = 0; i < cnt; i++) {
		struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
		cr_assert_not_null(mbuf);
		memcpy(rte_pktmbuf_append(mbuf, frame.len), frame.octet, frame.len);
		cr_assert_eq(rte_eth_tx_burst(PORT, QUEUE, &mbuf, 1), 1);
	}
}

/* A rte_tx_callback_fn. */
static uint16_t
on_send(uint16_t port, uint16_t queue, struct rte_mbuf *packet[], uint16_t cnt, void *argument)
{
	(void)port, (void)queue, (void)packet, (void)argument;
	bytes_before_tx = counters.tx_bytes;
	packets_before_tx = counters.tx_packets;
	atomic_store(&stop, true);
	return RTE_MIN(cnt, taken_max);
}

static void
answer_queries(unsigned cnt)
{
	struct vly_worker worker = make_worker();

	send_queries(cnt);
	cr_assert_not_null(rte_eth_add_tx_callback(PORT, QUEUE, on_send, NULL));
	cr_expect_eq(vly_worker_run(&worker), 0);
	cr_expect_eq(worker.state, VLY_WORKER_ENDED);
	cr_expect_eq(counters.queries_ipv4, cnt);
}

TestSuite(worker, .init = open_port, .fini = ring_port_close);

Test(worker, counts_what_was_sent_and_never_takes_it_back)
{
	taken_max = 3;
	answer_queries(5);
	cr_expect_eq(packets_before_tx, 0);
	cr_expect_eq(bytes_before_tx, 0, "%lu octets were counted before they were sent",
		     bytes_before_tx);
	cr_expect_eq(counters.tx_packets, 3);
	cr_expect_eq(counters.tx_full, 2);
	cr_expect_eq(counters.tx_bytes % 3, 0);
	cr_expect_gt(counters.tx_bytes, 0);
}

Test(worker, says_what_it_lacks)
{
	struct vly_worker worker = make_worker();

	/* the name that the lcore will want */
	cr_assert_not_null(rte_ring_create("backlog0.0", 64, 0, 0));
	cr_expect_eq(vly_worker_run(&worker), -EEXIST);
	cr_expect_eq(worker.state, VLY_WORKER_FAILED);
	cr_expect_eq(worker.error, EEXIST);
	cr_expect_neq(strstr(worker.error_what, "ring"), NULL);
}

Test(worker, leaves_its_queue_alone_without_zones)
{
	struct vly_worker worker = make_worker();

	atomic_store(&serve, false);
	atomic_store(&stop, true);
	send_queries(5);
	cr_expect_eq(vly_worker_run(&worker), 0);
	cr_expect_eq(counters.rx_packets, 0);
}
