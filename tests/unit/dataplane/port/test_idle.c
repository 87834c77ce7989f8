/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <urcu-qsbr.h>

#include "port/idle.h"
#include "port/xsk.h"

/* Cycles in a microsecond. */
#define US UINT64_C(1000)
#define HZ (US * 1000000)

Test(idle, spins_and_then_sleeps_longer_and_longer)
{
	struct vly_idle idle;
	unsigned before = 0;
	uint64_t now = 12345;

	vly_idle_start(&idle, false, -1, HZ);
	for (unsigned round = 0; round < 2; round++) {
		uint64_t begin = now;
		while (vly_idle_next(&idle, now) == 0)
			now += US;
		cr_expect_eq(now - begin, 200 * US);
		for (unsigned us = 5; now - begin < 1000000 * US; now += us * US) {
			us = vly_idle_next(&idle, now);
			cr_assert_gt(us, 0);
			cr_assert_leq(us, now - begin < 200000 * US ? 80 : 1000);
			cr_expect(us >= before || before == 0);
			before = us;
		}
		cr_expect_eq(before, 1000);
		before = 0;
		vly_idle_end(&idle); /* a packet */
	}
}

Test(idle, never_sleeps_when_it_is_to_spin)
{
	struct vly_idle idle;

	vly_idle_start(&idle, true, 0, HZ);
	for (uint64_t now = 1; now < 1000 * HZ; now += HZ)
		cr_assert_eq(vly_idle_next(&idle, now), 0);
}

Test(idle, waits_for_a_packet_where_it_can)
{
	struct vly_idle idle;
	int ends[2];
	char octet = 0;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
	rcu_register_thread();
	vly_idle_start(&idle, false, ends[0], HZ);
	cr_expect_eq(vly_idle_next(&idle, 1), 0);
	unsigned us = vly_idle_next(&idle, 1 + 200 * US);
	cr_expect_eq(us, 50000);
	cr_assert_eq(write(ends[1], &octet, 1), 1);
	vly_idle_sleep(&idle, us); /* ends at once */
	cr_expect_eq(idle.wait_fd, ends[0]);
	cr_assert_eq(read(ends[0], &octet, 1), 1);
	vly_idle_sleep(&idle, 1); /* ends without anything */
	cr_expect_eq(idle.wait_fd, ends[0]);

	/* a socket that can't wait any more must not make the lcore spin for ever */
	close(ends[0]);
	vly_idle_sleep(&idle, us);
	cr_expect_eq(idle.wait_fd, -1);
	cr_expect_leq(vly_idle_next(&idle, 1 + 300 * US), 80);
	rcu_unregister_thread();
	close(ends[1]);
}

Test(idle, finds_the_socket_that_is_new)
{
	const struct vly_xsk_list before = {2, {7, 5}};
	const struct vly_xsk_list one_more = {3, {5, 9, 7}};
	const struct vly_xsk_list two_more = {4, {5, 9, 7, 11}};
	struct vly_xsk_list all;
	struct vly_xsk_list now;

	cr_expect_eq(vly_xsk_find_new(&before, &before), -1);
	cr_expect_eq(vly_xsk_find_new(&before, &one_more), 9);
	cr_expect_eq(vly_xsk_find_new(&before, &two_more), -1);

	vly_xsk_list(&all);
	cr_expect_eq(all.cnt, 0);
	int other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	vly_xsk_list(&now);
	cr_expect_eq(vly_xsk_find_new(&all, &now), -1, "no AF_XDP socket");
	close(other);
	int xsk = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (xsk < 0)
		return; /* not allowed to whoever runs the test */
	vly_xsk_list(&now);
	cr_expect_eq(vly_xsk_find_new(&all, &now), xsk);
	close(xsk);
}
