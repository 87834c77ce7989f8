/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Response limits: the sketch beside an exact account of every network, and what spoofed sources
 * can do to others. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>

#include <volley/octets.h>

#include "guard/limit.h"
#include "random.h"

#define S VLY_RATE_UNITS_PER_S

static struct vly_limiter *limiter;
static struct vly_response_limits limits;

static void
set_up(void)
{
	limiter = vly_limiter_create();
	cr_assert_not_null(limiter);
	limiter->key[0] = UINT64_C(0x0123456789abcdef);
	limiter->key[1] = UINT64_C(0xf00dfeedfacecafd);
	limiter->dice = 1;
	limits = (struct vly_response_limits){
		.mode = VLY_LIMIT_ON, .slip = 2, .prefix4_bits = 24, .prefix6_bits = 56};
	for (unsigned i = 0; i < VLY_RESPONSE_KIND_CNT; i++)
		limits.rate[i] = vly_rate_make(1000, 1000);
}

static void
tear_down(void)
{
	vly_limiter_destroy(limiter);
}

TestSuite(limit, .init = set_up, .fini = tear_down);

static uint32_t
hash_of(const char *text)
{
	uint8_t address[16];
	bool ipv4 = inet_pton(AF_INET, text, address) == 1;

	cr_assert(ipv4 || inet_pton(AF_INET6, text, address) == 1);
	return vly_limiter_find(limiter, &limits, ipv4 ? vly_be32(address) : vly_be64(address),
				ipv4);
}

static bool
spend(uint32_t hash, enum vly_response_kind kind, unsigned bytes, uint32_t now)
{
	return vly_limiter_spend_first(limiter, &limits, hash, kind, bytes, now) ||
	       vly_limiter_spend(limiter, &limits, hash, kind, bytes, now);
}

/* How many responses of a size go out at one moment. */
static unsigned
spend_all(uint32_t hash, enum vly_response_kind kind, unsigned bytes, uint32_t now)
{
	unsigned cnt = 0;

	while (cnt < 1000000 && spend(hash, kind, bytes, now))
		cnt++;
	return cnt;
}

/* A budget as one would think of it: something that empties, in unbounded time. */
struct budget {
	uint64_t spent, at;
};

static bool
naive_pay(struct budget *budget, uint64_t cost, uint32_t burst, uint64_t now)
{
	uint64_t passed = now - budget->at;

	budget->spent = budget->spent > passed ? budget->spent - passed : 0;
	budget->at = now;
	if (budget->spent > 0 && budget->spent + cost > burst)
		return false;
	budget->spent += cost;
	return true;
}

/* Two of them, at half the rate each. */
static bool
naive_spend(struct budget budget[2], struct vly_rate rate, unsigned bytes, uint64_t now)
{
	uint64_t cost = 2 * (uint64_t)rate.cost * ((bytes + 127) / 128);

	return rate.cost == 0 || naive_pay(&budget[0], cost, rate.burst, now) ||
	       naive_pay(&budget[1], cost, rate.burst, now);
}

/* Few networks, none of which meets another: the sketch must say exactly the same. */
Test(limit, decides_as_an_exact_account_would)
{
	enum { NETWORKS = 40, STEPS = 400000 };
	static struct budget budget[NETWORKS][VLY_RESPONSE_KIND_CNT][2];
	struct vly_test_random random = {5};
	uint64_t now = UINT32_MAX - 10 * (uint64_t)S; /* comes round in between */
	unsigned limited = 0;
	uint32_t hash[NETWORKS];

	limits.rate[VLY_RESPONSE_referral] = vly_rate_make(20000, 100);
	limits.rate[VLY_RESPONSE_nxdomain] = vly_rate_make(30, 2000);
	limits.rate[VLY_RESPONSE_error] = vly_rate_make(0, 1000);
	for (unsigned i = 0; i < NETWORKS; i++) {
		hash[i] = vly_limiter_hash(limiter, &limits, 0x0a000300 | i << 16, i % 2);
	}
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned network = vly_test_random_below(&random, NETWORKS);
		enum vly_response_kind kind = vly_test_random_below(&random, 4);
		unsigned bytes = 12 + vly_test_random_below(&random, 1400);
		now += vly_test_random_below(&random,
					     vly_test_random_chance(&random, 1) ? 300000 : 3000);
		if (vly_limiter_is_due(limiter, (uint32_t)now))
			vly_limiter_sweep(limiter, (uint32_t)now);
		bool wanted = naive_spend(budget[network][kind], limits.rate[kind], bytes, now);
		bool within = vly_test_random_chance(&random, 50)
				      ? spend(hash[network], kind, bytes, (uint32_t)now)
				      : vly_limiter_spend(limiter, &limits, hash[network], kind,
							  bytes, (uint32_t)now);
		cr_assert_eq(within, wanted, "step %u, network %u, kind %u, %u octets", i, network,
			     kind, bytes);
		limited += !wanted;
	}
	cr_expect_gt(limited, STEPS / 10);
	cr_expect_lt(limited, STEPS * 9 / 10);
}

Test(limit, a_response_costs_what_it_weighs)
{
	cr_expect_eq(spend_all(hash_of("192.0.2.1"), VLY_RESPONSE_answer, 128, 0), 1000);
	cr_expect_eq(spend_all(hash_of("198.51.100.1"), VLY_RESPONSE_answer, 129, 0), 500);
	cr_expect_eq(spend_all(hash_of("203.0.113.1"), VLY_RESPONSE_answer, 1232, 0), 100);
}

/* It needs a cell of which nothing is spent, and pays all that it costs. */
Test(limit, one_that_costs_more_than_there_ever_is_goes_out_alone)
{
	uint32_t hash = hash_of("192.0.2.1");

	limits.rate[VLY_RESPONSE_answer] = vly_rate_make(10, 1000);
	for (unsigned cell = 0; cell < 2; cell++)
		cr_expect(spend(hash, VLY_RESPONSE_answer, 1280, 0)); /* each 10 units, 2 s */
	cr_expect_not(spend(hash, VLY_RESPONSE_answer, 12, 0));
	cr_expect_not(spend(hash, VLY_RESPONSE_answer, 12, S));
	cr_expect(spend(hash, VLY_RESPONSE_answer, 12, S + S / 4));
	cr_expect_not(spend(hash, VLY_RESPONSE_answer, 1280, S + S / 2));
	cr_expect(spend(hash, VLY_RESPONSE_answer, 1280, 2 * S + S / 4));
}

/* However large responses are, they stay within the rate. */
Test(limit, no_size_beats_the_rate)
{
	static const unsigned sizes[] = {12, 128, 129, 512, 1232, 4096, 65535};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char text[32];
		uint64_t units = 0;
		snprintf(text, sizeof(text), "10.0.%zu.1", i);
		for (uint32_t now = 0; now < 20 * S; now += S / 1000)
			if (spend(hash_of(text), VLY_RESPONSE_answer, sizes[i], now))
				units += (sizes[i] + 127) / 128;
		cr_expect_leq(units, 21000 + 2 * 512, "%u octets: %lu", sizes[i], units);
		cr_expect_geq(units, 20000 - 512, "%u octets: %lu", sizes[i], units);
	}
}

/* Whoever shares one of its cells with somebody above the limit has the other. */
Test(limit, half_of_the_rate_is_left_beside_one_that_shares_a_cell)
{
	uint32_t hash = hash_of("192.0.2.1");
	struct vly_limit_line *line = vly_limiter_line(limiter, hash);

	for (unsigned row = 0; row < 2; row++) {
		memset(line, 0, sizeof(*line));
		*vly_limiter_cell(line, hash, VLY_RESPONSE_answer, row) = S;
		cr_expect_eq(spend_all(hash, VLY_RESPONSE_answer, 100, 0), 500, "row %u", row);
	}
}

Test(limit, what_is_limited_costs_nothing)
{
	uint32_t hash = hash_of("192.0.2.1");
	unsigned cnt = spend_all(hash, VLY_RESPONSE_answer, 100, 0);

	for (uint32_t now = 0; now < S; now += S / 100000)
		cnt += spend(hash, VLY_RESPONSE_answer, 100, now);
	cr_expect_geq(cnt, 1998);
	cr_expect_leq(cnt, 2000);
}

Test(limit, kinds_are_counted_apart)
{
	uint32_t hash = hash_of("192.0.2.1");

	for (unsigned kind = 0; kind < VLY_RESPONSE_KIND_CNT; kind++)
		cr_expect_eq(spend_all(hash, kind, 100, 0), 1000, "kind %u", kind);
}

Test(limit, networks_are_as_long_as_set)
{
	cr_expect_eq(hash_of("192.0.2.1"), hash_of("192.0.2.254"));
	cr_expect_neq(hash_of("192.0.2.1"), hash_of("192.0.3.1"));
	cr_expect_eq(hash_of("2001:db8:0:1::1"), hash_of("2001:db8:0:ff:1::"));
	cr_expect_neq(hash_of("2001:db8:0:1::1"), hash_of("2001:db8:0:100::1"));
	limits.prefix4_bits = 32;
	limits.prefix6_bits = 64;
	cr_expect_neq(hash_of("192.0.2.1"), hash_of("192.0.2.2"));
	cr_expect_neq(hash_of("2001:db8::1"), hash_of("2001:db8:0:1::1"));
	cr_expect_eq(hash_of("2001:db8::1"), hash_of("2001:db8::2"));
	limits.prefix4_bits = limits.prefix6_bits = 1;
	cr_expect_eq(hash_of("1.2.3.4"), hash_of("127.255.255.255"));
	cr_expect_neq(hash_of("1.2.3.4"), hash_of("128.0.0.1"));
	cr_expect_eq(hash_of("::1"), hash_of("7fff::1"));
	cr_expect_neq(hash_of("::1"), hash_of("8000::1"));
}

/* 2 million responses a second to all of IPv4, for a second, with the tightest default limits:
 * nobody else feels it. */
Test(limit, a_spoofed_spread_limits_no_innocent_network)
{
	struct vly_test_random random = {9};
	unsigned innocent = 0, spoofed_limited = 0;

	limits.rate[VLY_RESPONSE_error] = vly_rate_make(1000, 1000);
	for (unsigned i = 0; i < 2000000; i++) {
		uint32_t now = i * (S / 2000000);
		uint32_t address = (uint32_t)vly_test_random_next(&random);
		spoofed_limited += !spend(vly_limiter_hash(limiter, &limits, address, true),
					  VLY_RESPONSE_error, 60, now);
		if (i % 4000 == 0) { /* 500 a second, half of its limit */
			innocent++;
			cr_assert(spend(hash_of("192.0.2.1"), VLY_RESPONSE_error, 60, now));
		}
	}
	cr_expect_eq(innocent, 500);
	cr_expect_eq(spoofed_limited, 0);
}

/* A thousand networks above their limits: of ten thousand others, few are on both cells of one. */
Test(limit, networks_above_their_limits_hit_few_others)
{
	unsigned hit = 0;

	for (unsigned i = 0; i < 1000; i++) {
		uint32_t address = 20u << 24 | i << 8;
		spend_all(vly_limiter_hash(limiter, &limits, address, true), VLY_RESPONSE_answer,
			  1200, 0);
	}
	for (unsigned i = 0; i < 10000; i++) {
		uint32_t address = 30u << 24 | i << 8;
		hit += !spend(vly_limiter_hash(limiter, &limits, address, true),
			      VLY_RESPONSE_answer, 1200, 0);
	}
	cr_expect_lt(hit, 60, "%u of 10000", hit);
}

/* Whatever the time is when it starts, and after however long: nobody has spent anything. */
Test(limit, time_that_comes_round_spends_nothing)
{
	static const uint32_t starts[] = {
		0, 1, UINT32_MAX, UINT32_MAX - S / 2, INT32_MAX, UINT32_C(1) << 31};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		uint64_t now = starts[i];
		limiter->started = false;
		for (unsigned second = 0; second < 200; second++) {
			char text[32];
			snprintf(text, sizeof(text), "10.%u.0.1", second);
			for (unsigned part = 0; part < 10; part++, now += S / 10)
				if (vly_limiter_is_due(limiter, (uint32_t)now))
					vly_limiter_sweep(limiter, (uint32_t)now);
			cr_assert_eq(
				spend_all(hash_of(text), VLY_RESPONSE_error, 100, (uint32_t)now),
				1000, "second %u after %u", second, starts[i]);
		}
	}
}

/* A sweep forgets nothing that is spent. */
Test(limit, sweeping_keeps_what_was_spent)
{
	uint32_t now = UINT32_MAX - 5 * S;

	limits.rate[VLY_RESPONSE_answer] = vly_rate_make(1, 30000);
	vly_limiter_sweep(limiter, now);
	cr_expect_eq(spend_all(hash_of("192.0.2.1"), VLY_RESPONSE_answer, 100, now), 30);
	for (unsigned second = 2; second < 30; second += 2) {
		now += 2 * S;
		vly_limiter_sweep(limiter, now);
		cr_expect_eq(spend_all(hash_of("192.0.2.1"), VLY_RESPONSE_answer, 100, now), 2);
	}
}

Test(limit, after_a_long_sleep_all_begins_anew)
{
	vly_limiter_sweep(limiter, 0);
	spend_all(hash_of("192.0.2.1"), VLY_RESPONSE_answer, 100, 0);
	vly_limiter_sweep(limiter, 17 * S);
	cr_expect_eq(spend_all(hash_of("192.0.2.1"), VLY_RESPONSE_answer, 100, 17 * S), 1000);
}

Test(limit, two_limiters_have_different_keys)
{
	struct vly_limiter *other = vly_limiter_create();

	cr_assert_not_null(other);
	cr_expect_neq(other->key[0], limiter->key[0]);
	cr_expect_neq(other->key[1], limiter->key[1]);
	cr_expect_neq(other->key[0], other->key[1]);
	vly_limiter_destroy(other);
}

Test(limit, one_in_slip_goes_out)
{
	for (unsigned slip = 0; slip <= 10; slip++) {
		unsigned cnt = 0;
		for (unsigned i = 0; i < 100000; i++)
			cnt += vly_limiter_slips(limiter, slip);
		if (slip == 0) {
			cr_expect_eq(cnt, 0);
			continue;
		}
		cr_expect_geq(cnt, 100000 / slip * 97 / 100, "slip %u: %u", slip, cnt);
		cr_expect_leq(cnt, 100000 / slip * 103 / 100 + 1, "slip %u: %u", slip, cnt);
	}
	for (unsigned i = 0; i < 1000; i++)
		cr_expect(vly_limiter_slips(limiter, 1));
}

/* Nobody whose queries come in step with an attacker's always loses. */
Test(limit, slips_keep_no_step)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < 20000; i++)
		cnt += vly_limiter_slips(limiter, 2) && i % 2 == 0;
	cr_expect_gt(cnt, 4500);
	cr_expect_lt(cnt, 5500);
}
