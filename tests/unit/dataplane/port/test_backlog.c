/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packets are numbers, as none of this looks at them. */
#include "port/backlog.h"
#include "random.h"
#include "ring_port.h"

/* Fewer than the port holds (1023). */
#define SHORT_CNT 1000

static struct vly_backlog backlog;
static uintptr_t sent;     /* the last number that the port took */
static uintptr_t received; /* the last number that came out */

static void
open_port(void)
{
	ring_port_open(63, 256);
	cr_assert_eq(vly_backlog_init(&backlog, PORT, QUEUE), 0);
}

static void
close_port(void)
{
	vly_backlog_free(&backlog);
	ring_port_close();
}

/* Returns how many of them the port took. */
static unsigned
send_packets(unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++) {
		struct rte_mbuf *packet = (struct rte_mbuf *)(sent + 1);
		if (rte_eth_tx_burst(PORT, QUEUE, &packet, 1) == 0)
			return i;
		sent++;
	}
	return cnt;
}

/* Returns how many came, each of them the next. */
static unsigned
receive_burst(void)
{
	struct rte_mbuf *packet[VLY_BURST_MAX];
	unsigned cnt = vly_backlog_receive(&backlog, packet);

	cr_assert_leq(cnt, VLY_BURST_MAX);
	for (unsigned i = 0; i < cnt; i++)
		cr_assert_eq((uintptr_t)packet[i], ++received);
	return cnt;
}

static void
receive_all(void)
{
	while (receive_burst() > 0)
		;
}

/* Once as many as it takes have come without a pause, which is how it begins. */
static void
overload(void)
{
	while (backlog.open || !rte_ring_empty(backlog.waiting)) {
		send_packets(2 * VLY_BURST_MAX);
		receive_burst();
	}
	send_packets(UINT16_MAX);
}

TestSuite(backlog, .init = open_port, .fini = close_port);

Test(backlog, keeps_a_burst_that_the_ports_ring_would_not_hold)
{
	cr_expect_eq(receive_burst(), 0);
	for (unsigned i = 0; i < VLY_BACKLOG_MAX / SHORT_CNT; i++) {
		cr_assert_eq(send_packets(SHORT_CNT), SHORT_CNT, "burst %u", i);
		cr_assert_eq(receive_burst(), VLY_BURST_MAX);
	}
	cr_expect_gt(backlog.kept_cnt, VLY_BACKLOG_MAX - 2 * SHORT_CNT);
	receive_all();
	cr_expect_eq(received, sent);
}

Test(backlog, takes_nothing_ahead_of_short_bursts)
{
	for (unsigned i = 0; i < 1000; i++) {
		send_packets(VLY_BURST_MAX - 1);
		cr_assert_eq(receive_burst(), VLY_BURST_MAX - 1);
	}
	cr_expect_eq(backlog.kept_cnt, 0);
}

Test(backlog, does_not_stand_while_an_overload_lasts)
{
	cr_expect_eq(receive_burst(), 0);
	overload();
	uint64_t kept_cnt = backlog.kept_cnt;
	cr_expect_geq(kept_cnt, VLY_BACKLOG_MAX - VLY_BURST_MAX);
	for (unsigned i = 0; i < 1000; i++) {
		cr_assert_eq(receive_burst(), VLY_BURST_MAX);
		send_packets(UINT16_MAX);
	}
	cr_expect_eq(backlog.kept_cnt, kept_cnt);
	cr_expect_leq(sent - received, SHORT_CNT + VLY_BURST_MAX);

	/* the overload ends, and there is room for a burst again */
	receive_all();
	for (unsigned i = 0; i < 2; i++) {
		cr_expect_eq(send_packets(SHORT_CNT), SHORT_CNT);
		receive_burst();
	}
	cr_expect_gt(backlog.kept_cnt, kept_cnt);
	receive_all();
	cr_expect_eq(received, sent);
}

Test(backlog, keeps_the_order_of_whatever_comes)
{
	struct vly_test_random random = {1};

	for (unsigned i = 0; i < 200000; i++) {
		/* runs of more than is answered, and of less */
		send_packets(vly_test_random_below(&random, i / 1000 % 2 == 0 ? 150 : 100));
		receive_burst();
		cr_assert_leq(rte_ring_count(backlog.waiting), VLY_BACKLOG_MAX);
	}
	receive_all();
	cr_expect_eq(received, sent);
	cr_expect_gt(backlog.kept_cnt, VLY_BACKLOG_MAX);
}
