/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <string.h>

#include <criterion/criterion.h>

#include "random.h"
#include "stream/stream_limits.h"

static uint64_t
client(const char *text)
{
	struct sockaddr_storage address = {.ss_family = AF_INET};

	if (inet_pton(AF_INET, text, &((struct sockaddr_in *)&address)->sin_addr) == 1)
		return vly_stream_client(&address);
	address.ss_family = AF_INET6;
	cr_assert_eq(inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)&address)->sin6_addr), 1);
	return vly_stream_client(&address);
}

Test(stream_limits, a_client_is_an_address_or_a_56)
{
	cr_expect_neq(client("192.0.2.1"), client("192.0.2.2"));
	cr_expect_neq(client("0.0.0.0"), 0);
	cr_expect_neq(client("::"), 0);
	cr_expect_eq(client("2001:db8:1:200::1"), client("2001:db8:1:2ff:ffff::"));
	cr_expect_neq(client("2001:db8:1:200::1"), client("2001:db8:1:300::1"));
	/* 192.0.2.1 with the same octets in front */
	cr_expect_neq(client("192.0.2.1"), client("0:0:c0:2::"));
}

Test(stream_limits, each_has_its_share)
{
	struct vly_stream_limits limits;

	cr_assert_eq(vly_stream_limits_create(&limits, 100, 3), 0);
	for (unsigned i = 0; i < 3; i++)
		cr_expect(vly_stream_limits_enter(&limits, client("192.0.2.1")));
	cr_expect_not(vly_stream_limits_enter(&limits, client("192.0.2.1")));
	cr_expect(vly_stream_limits_enter(&limits, client("192.0.2.2")));
	vly_stream_limits_leave(&limits, client("192.0.2.1"));
	cr_expect(vly_stream_limits_enter(&limits, client("192.0.2.1")));
	cr_expect_not(vly_stream_limits_enter(&limits, client("192.0.2.1")));
	vly_stream_limits_destroy(&limits);
}

/* Against an array with a place for each client: a table that is full half the time, and its slots
 * reused. */
Test(stream_limits, as_a_plain_array)
{
	enum { CLIENTS = 300, TOTAL = 128, SHARE = 4 };
	struct vly_test_random random = {20260102};
	struct vly_stream_limits limits;
	unsigned naive[CLIENTS] = {0};
	unsigned total = 0;

	cr_assert_eq(vly_stream_limits_create(&limits, TOTAL, SHARE), 0);
	for (unsigned round = 0; round < 500000; round++) {
		unsigned who = vly_test_random_below(&random, CLIENTS);
		uint64_t key = (uint64_t)(who + 1) << 8 | 4;
		if (vly_test_random_chance(&random, 50) && total < TOTAL) {
			bool allowed = vly_stream_limits_enter(&limits, key);
			cr_assert_eq(allowed, naive[who] < SHARE);
			naive[who] += allowed;
			total += allowed;
		} else if (naive[who] > 0) {
			vly_stream_limits_leave(&limits, key);
			naive[who]--;
			total--;
		}
	}
	unsigned taken = 0, clients = 0;
	for (uint32_t i = 0; i <= limits.slot_mask; i++)
		taken += limits.slot[i].client != 0;
	for (unsigned i = 0; i < CLIENTS; i++)
		clients += naive[i] > 0;
	cr_expect_eq(taken, clients, "who has no connection takes no slot");
	vly_stream_limits_destroy(&limits);
}

Test(stream_limits, patience_falls_with_the_number)
{
	cr_expect_eq(vly_stream_idle_ms(10000, 0, 1000), 10000);
	cr_expect_eq(vly_stream_idle_ms(10000, 750, 1000), 10000);
	cr_expect_eq(vly_stream_idle_ms(10000, 875, 1000), 5500);
	cr_expect_eq(vly_stream_idle_ms(10000, 1000, 1000), 1000);
	cr_expect_eq(vly_stream_idle_ms(3600000, 999999, 1000000), 360013);
	for (uint32_t max = 1; max < 20; max++)
		for (uint32_t open = 1; open <= max; open++)
			cr_expect_leq(vly_stream_idle_ms(1000, open, max),
				      vly_stream_idle_ms(1000, open - 1, max));
}
