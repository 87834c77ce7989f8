/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sources that send too much, beside floods from everywhere; time is what the tests say it is. */
#include <stdlib.h>

#include <criterion/criterion.h>
#include <volley/sketch.h>

#include "random.h"

#define S  VLY_RATE_UNITS_PER_S
#define MS (S / 1000)

#define KEY UINT64_C(0x1234567890abcdef)

/* A little before time comes round. */
#define START (UINT32_MAX - 2 * S)

static struct vly_sketch *sketch;
static struct vly_sketch_rates rates;

static void
set_rates(uint32_t address, uint32_t network, uint32_t larger)
{
	const struct vly_rate rate[] = {vly_rate_make(address, 100), vly_rate_make(network, 100),
					vly_rate_make(larger, 100)};

	rates = vly_sketch_rates(rate);
}

static void
make_sketch(void)
{
	sketch = calloc(1, sizeof(*sketch));
	cr_assert_not_null(sketch);
	for (uint32_t *cell = sketch->screen; cell < (uint32_t *)(sketch + 1); cell++)
		*cell = START;
}

static void
free_sketch(void)
{
	free(sketch);
}

TestSuite(sketch, .init = make_sketch, .fini = free_sketch);

static bool
take4(uint32_t address, uint32_t now)
{
	return vly_sketch_admit(sketch, vly_sketch_source(0, address, true, KEY), KEY, &rates, now);
}

static bool
take6(uint64_t high, uint64_t low, uint32_t now)
{
	return vly_sketch_admit(sketch, vly_sketch_source(high, low, false, KEY), KEY, &rates, now);
}

/* What of `cnt` packets, spread evenly over `seconds`, passes. */
static unsigned
send4(uint32_t address, unsigned cnt, unsigned seconds)
{
	unsigned passed = 0;

	for (unsigned i = 0; i < cnt; i++)
		passed += take4(address, START + (uint32_t)((uint64_t)i * seconds * S / cnt));
	return passed;
}

/* Ten times too much, for ten seconds: the rate and one burst. */
Test(sketch, a_source_gets_its_rate_and_no_more)
{
	set_rates(1000, 0, 0);
	unsigned passed = send4(0xc0000201, 100000, 10);
	cr_expect_geq(passed, 10000);
	cr_expect_leq(passed, 10000 + 101);
}

Test(sketch, a_source_within_its_rate_loses_nothing)
{
	set_rates(1000, 0, 0);
	cr_expect_eq(send4(0xc0000201, 10000, 10), 10000);
}

Test(sketch, no_limit)
{
	set_rates(0, 0, 0);
	cr_expect_eq(send4(0xc0000201, 10000, 0), 10000);
}

/* Three seconds of 2 million packets from random addresses; in between one source keeps to half its
 * rate, another sends three times its own. */
Test(sketch, a_spoofed_flood_changes_nothing_for_others)
{
	const unsigned seconds = 3, per_ms = 2000;
	struct vly_test_random random = {53};
	unsigned flood = 0, honest = 0, heavy = 0;

	set_rates(10000, 20000, 40000);
	for (unsigned ms = 0; ms < seconds * 1000; ms++) {
		uint32_t now = START + ms * MS;
		for (unsigned i = 0; i < per_ms; i++)
			flood += take4((uint32_t)vly_test_random_next(&random), now);
		for (unsigned i = 0; i < 5; i++)
			honest += take4(0x0a000001, now);
		for (unsigned i = 0; i < 30; i++)
			heavy += take4(0x0b000001, now);
	}
	cr_expect_eq(flood, seconds * 1000 * per_ms);
	cr_expect_eq(honest, seconds * 5000);
	/* others only add to its cells */
	cr_expect_leq(heavy, seconds * 10000 + 1001);
	cr_expect_geq(heavy, (seconds * 10000 + 1000) * 99 / 100);
}

/* Where cells are shared by dozens, what they let through is still each one's rate at most. */
Test(sketch, a_flood_above_all_rates_lets_nobody_through)
{
	struct vly_test_random random = {54};
	unsigned heavy = 0;

	set_rates(10, 0, 0);
	for (unsigned ms = 0; ms < 3000; ms++) {
		for (unsigned i = 0; i < 2000; i++)
			take4((uint32_t)vly_test_random_next(&random), START + ms * MS);
		heavy += take4(0x0b000001, START + ms * MS);
	}
	cr_expect_leq(heavy, 31);
}

static unsigned
send_network4(uint32_t network, uint32_t hosts)
{
	unsigned passed = 0;

	for (uint32_t i = 0; i < 10000; i++)
		passed += take4(network + i % hosts, START + i * (S / 10000));
	return passed;
}

/* A second of 10,000 packets from all over a network, none of whose hosts is over its own rate. */
Test(sketch, networks_of_ipv4)
{
	set_rates(1000, 2000, 4000);
	unsigned passed = send_network4(0xc0000200, 256);
	cr_expect_geq(passed, 2000);
	cr_expect_leq(passed, 2000 + 201);
	cr_expect_eq(take4(0xc0000301, START + S), true, "the next /24");

	passed = send_network4(0xc0001000, 4096);
	cr_expect_geq(passed, 4000);
	cr_expect_leq(passed, 4000 + 401);
	cr_expect_eq(take4(0xc0002001, START + S), true, "the next /20");
}

Test(sketch, networks_of_ipv6)
{
	const uint64_t net = UINT64_C(0x20010db800000000);
	unsigned one = 0, hosts = 0, networks = 0;

	set_rates(1000, 2000, 4000);
	for (uint32_t i = 0; i < 10000; i++) {
		uint32_t now = START + i * (S / 10000);
		one += take6(net, 1, now);
		hosts += take6(net + (1 << 16), i + 1, now);            /* a /64 */
		networks += take6(net + (2 << 16) + i % 65536, 1, now); /* a /48 */
	}
	cr_expect(one >= 1000 && one <= 1101);
	cr_expect(hosts >= 2000 && hosts <= 2201);
	cr_expect(networks >= 4000 && networks <= 4401);
	cr_expect(take6(net + (3 << 16), 1, START + S));
}

/* Packets over a rate are not counted anywhere: one host does not spend its network's rate. */
Test(sketch, a_heavy_host_leaves_its_network_room)
{
	unsigned beside = 0;

	set_rates(1000, 2000, 4000);
	for (uint32_t i = 0; i < 10000; i++) {
		uint32_t now = START + i * (S / 10000);
		take4(0xc0000201, now);
		if (i % 20 == 0)
			beside += take4(0xc0000202, now);
	}
	cr_expect_eq(beside, 500);
}

/* Who does not know the key does not know who shares cells. */
Test(sketch, keys_spread_differently)
{
	unsigned same = 0;

	for (uint32_t i = 0; i < 1000; i++) {
		struct vly_sketch_hash one = vly_sketch_hash(vly_sketch_source(0, i, true, 1), 1);
		struct vly_sketch_hash other = vly_sketch_hash(vly_sketch_source(0, i, true, 2), 2);
		same += one.level[0] == other.level[0];
	}
	cr_expect_eq(same, 0);
}
