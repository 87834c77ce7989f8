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

	test_frame_sum(&frame, 4);
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

/* What a device says of a packet, and how the packet is. */
struct sums {
	uint64_t flags;
	bool ip_wrong;
	bool udp_wrong;
	bool udp_zero;
	bool served_by_device;   /* where the device's word counts */
	bool served_by_software; /* where the device has none */
};

static const struct sums sums[] = {
	{0, false, false, false, true, true},
	{0, true, false, false, false, false},
	{0, false, true, false, false, false},
	{0, false, false, true, true, true},
	{RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD, true, true, false, true, false},
	{RTE_MBUF_F_RX_L4_CKSUM_GOOD, true, true, false, false, false},
	{RTE_MBUF_F_RX_L4_CKSUM_GOOD, false, true, false, true, false},
	{RTE_MBUF_F_RX_L4_CKSUM_NONE, false, true, false, true, false},
	{RTE_MBUF_F_RX_L4_CKSUM_NONE, true, true, false, false, false},
	{RTE_MBUF_F_RX_IP_CKSUM_GOOD, true, false, false, false, false},
	{RTE_MBUF_F_RX_IP_CKSUM_BAD | RTE_MBUF_F_RX_L4_CKSUM_BAD, false, false, false, true, true},
	{RTE_MBUF_F_RX_L4_CKSUM_BAD, false, false, true, true, true},
	{RTE_MBUF_F_RX_L4_CKSUM_BAD, false, true, false, false, false},
};

#define SUMS_CNT (sizeof(sums) / sizeof(sums[0]))

static void
send_sums(const struct sums *wanted, int version)
{
	struct test_frame frame = test_frame_query(version, 0);
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
	uint8_t *udp = frame.octet + frame.l4_off;

	test_frame_sum(&frame, version);
	udp[6] ^= wanted->udp_wrong;
	frame.octet[frame.l3_off + 10] ^= wanted->ip_wrong && version == 4;
	if (wanted->udp_zero)
		test_put16(udp + 6, 0);
	cr_assert_not_null(mbuf);
	memcpy(rte_pktmbuf_append(mbuf, frame.len), frame.octet, frame.len);
	mbuf->ol_flags |= wanted->flags;
	cr_assert_eq(rte_eth_tx_burst(PORT, QUEUE, &mbuf, 1), 1);
}

/* Each of them alone, to an lcore that counts anew. */
static void
check_sums(bool checks_sums, int version)
{
	struct vly_worker worker = make_worker();
	unsigned served = 0;

	worker.checks_sums = checks_sums;
	for (unsigned i = 0; i < SUMS_CNT; i++) {
		const struct sums *each = &sums[i];
		bool wanted = checks_sums ? each->served_by_device : each->served_by_software;
		if (version == 6)
			wanted =
				!each->udp_zero &&
				(!each->udp_wrong ||
				 (checks_sums && (each->flags & RTE_MBUF_F_RX_L4_CKSUM_GOOD) != 0));
		served += wanted;
		send_sums(each, version);
	}
	taken_max = 0;
	cr_assert_not_null(rte_eth_add_tx_callback(PORT, QUEUE, on_send, NULL));
	cr_expect_eq(vly_worker_run(&worker), 0);
	cr_expect_eq(counters.verdict[VLY_VERDICT_serve], served);
	cr_expect_eq(counters.verdict[VLY_VERDICT_bad_checksum], SUMS_CNT - served);
}

Test(worker, checks_the_sums_of_ipv4)
{
	check_sums(false, 4);
}

Test(worker, checks_the_sums_of_ipv6)
{
	check_sums(false, 6);
}

Test(worker, takes_a_devices_word_for_good_sums_of_ipv4)
{
	check_sums(true, 4);
}

Test(worker, takes_a_devices_word_for_good_sums_of_ipv6)
{
	check_sums(true, 6);
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
