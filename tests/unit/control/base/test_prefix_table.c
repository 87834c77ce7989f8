/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables of prefixes, built by control and searched by everybody, beside a search that tries every
 * rule. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include <volley/prefix_check.h>

#include "base/prefix_table.h"
#include "random.h"

#define RULES_MAX 400
#define SETS      300
#define QUESTIONS 2000

static struct vly_prefix_table *table;

static void
make_room(void)
{
	table = malloc(sizeof(*table));
	cr_assert_not_null(table);
}

static void
free_room(void)
{
	free(table);
}

TestSuite(prefix_table, .init = make_room, .fini = free_room);

static struct vly_prefix_rule
rule4(uint32_t address, unsigned bits, enum vly_prefix_action action)
{
	return (struct vly_prefix_rule){
		.address = {[10] = 0xff,
			    0xff,
			    (uint8_t)(address >> 24),
			    (uint8_t)(address >> 16),
			    (uint8_t)(address >> 8),
			    (uint8_t)address},
		.bits = (uint8_t)(96 + bits),
		.action = (uint8_t)action,
	};
}

static struct vly_prefix_rule
rule6(uint64_t high, unsigned bits, enum vly_prefix_action action)
{
	struct vly_prefix_rule rule = {.bits = (uint8_t)bits, .action = (uint8_t)action};

	for (unsigned i = 0; i < 8; i++)
		rule.address[i] = (uint8_t)(high >> (56 - 8 * i));
	return rule;
}

static uint64_t
half(const uint8_t *octet)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | octet[i];
	return value;
}

static bool
is_mapped(const uint8_t *address)
{
	return half(address) == 0 && half(address + 8) >> 32 == 0xffff;
}

static bool
covers(const struct vly_prefix_rule *rule, const uint8_t *address)
{
	for (unsigned i = 0; i < rule->bits; i++)
		if (((rule->address[i / 8] ^ address[i / 8]) & 0x80 >> i % 8) != 0)
			return false;
	/* prefixes of IPv6 have nothing to say about IPv4 */
	return is_mapped(address) == (rule->bits >= 96 && is_mapped(rule->address));
}

static enum vly_prefix_action
reference(const struct vly_prefix_rule *rule, size_t rule_cnt, const uint8_t *address)
{
	int longest = -1;
	enum vly_prefix_action action = VLY_PREFIX_NONE;

	for (size_t i = 0; i < rule_cnt; i++) {
		if (!covers(&rule[i], address) || rule[i].bits <= longest)
			continue;
		longest = rule[i].bits;
		action = (enum vly_prefix_action)rule[i].action;
	}
	return action;
}

static enum vly_prefix_action
find(const uint8_t *address)
{
	if (is_mapped(address))
		return vly_prefix_find4(table, (uint32_t)half(address + 8));
	return vly_prefix_find6(table, half(address), half(address + 8));
}

/* Close to each other and to the ends, so that prefixes nest, touch and share buckets. */
static void
random_address(struct vly_test_random *random, bool ipv4, uint8_t *address)
{
	static const uint8_t dense[] = {0, 1, 0x1f, 0x20, 0x3f, 0x40, 0x80, 0xff};
	unsigned first = ipv4 ? 12 : 0;

	memset(address, 0, 16);
	if (ipv4)
		address[10] = address[11] = 0xff;
	for (unsigned i = first; i < 16; i++)
		address[i] = vly_test_random_chance(random, 80)
				     ? dense[vly_test_random_below(random, sizeof(dense))]
				     : (uint8_t)vly_test_random_next(random);
	if (!ipv4 && is_mapped(address))
		address[0] = 0x20;
}

static struct vly_prefix_rule
random_rule(struct vly_test_random *random)
{
	bool ipv4 = vly_test_random_chance(random, 50);
	struct vly_prefix_rule rule = {
		.bits = (uint8_t)(ipv4 ? 96 + vly_test_random_below(random, 33)
				       : vly_test_random_below(random, 129)),
		.action = (uint8_t)vly_test_random_below(random, VLY_PREFIX_ALLOW + 1),
	};

	random_address(random, ipv4, rule.address);
	return rule;
}

static bool
same_prefix(const struct vly_prefix_rule *a, const struct vly_prefix_rule *b)
{
	return a->bits == b->bits && covers(a, b->address);
}

/* Each prefix once. */
static size_t
random_rules(struct vly_test_random *random, struct vly_prefix_rule *rule, unsigned wanted)
{
	size_t cnt = 0;

	for (unsigned i = 0; i < wanted; i++) {
		rule[cnt] = random_rule(random);
		size_t j = 0;
		while (j < cnt && !same_prefix(&rule[j], &rule[cnt]))
			j++;
		cnt += j == cnt;
	}
	return cnt;
}

/* The first or last address of a rule, or the one beside it. */
static void
address_near(struct vly_test_random *random, const struct vly_prefix_rule *rule, uint8_t *address)
{
	bool last = vly_test_random_chance(random, 50);
	int step = (int)vly_test_random_below(random, 3) - 1;

	memcpy(address, rule->address, 16);
	for (unsigned i = rule->bits; i < 128; i++) {
		address[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
		address[i / 8] |= (uint8_t)(last ? 0x80 >> i % 8 : 0);
	}
	for (int i = 15; i >= 0 && step != 0; i--) {
		address[i] = (uint8_t)(address[i] + step);
		if (address[i] != (step > 0 ? 0 : 0xff))
			break;
	}
}

static void
compare_with_reference(uint64_t seed, unsigned rule_cnt)
{
	struct vly_test_random random = {seed};
	struct vly_prefix_rule rule[RULES_MAX];
	struct vly_prefix_rule sorted[RULES_MAX];
	size_t cnt = random_rules(&random, rule, rule_cnt);

	memcpy(sorted, rule, sizeof(sorted));
	cr_assert_eq(vly_prefix_table_build(table, sorted, cnt), 0, "seed %lu", seed);
	cr_assert(vly_prefix_table_is_sound(table), "seed %lu", seed);
	for (int i = 0; i < QUESTIONS; i++) {
		uint8_t address[16];
		if (cnt > 0 && vly_test_random_chance(&random, 70))
			address_near(&random, &rule[vly_test_random_below(&random, (unsigned)cnt)],
				     address);
		else
			random_address(&random, vly_test_random_chance(&random, 50), address);
		cr_assert_eq(find(address), reference(rule, cnt, address), "seed %lu, question %d",
			     seed, i);
	}
}

Test(prefix_table, as_the_reference)
{
	for (uint64_t seed = 1; seed <= SETS; seed++)
		compare_with_reference(seed, (unsigned)(seed * seed % RULES_MAX));
}

Test(prefix_table, of_nothing)
{
	struct vly_prefix_rule none;

	cr_assert_eq(vly_prefix_table_build(table, &none, 0), 0);
	cr_expect(vly_prefix_table_is_sound(table));
	cr_expect_eq(table->range4_cnt + table->range6_cnt, 0);
	cr_expect_eq(vly_prefix_find4(table, 0), VLY_PREFIX_NONE);
	cr_expect_eq(vly_prefix_find6(table, UINT64_MAX, UINT64_MAX), VLY_PREFIX_NONE);
}

Test(prefix_table, everything_of_a_family)
{
	struct vly_prefix_rule all4 = rule4(0, 0, VLY_PREFIX_DENY);
	struct vly_prefix_rule all6 = {.action = VLY_PREFIX_ALLOW};
	struct vly_prefix_rule both[] = {all4, all6};

	cr_assert_eq(vly_prefix_table_build(table, both, 2), 0);
	cr_expect_eq(vly_prefix_find4(table, 0), VLY_PREFIX_DENY);
	cr_expect_eq(vly_prefix_find4(table, UINT32_MAX), VLY_PREFIX_DENY);
	cr_expect_eq(vly_prefix_find6(table, 0, 0), VLY_PREFIX_ALLOW);
	cr_expect_eq(vly_prefix_find6(table, UINT64_MAX, UINT64_MAX), VLY_PREFIX_ALLOW);
}

Test(prefix_table, refuses_what_is_no_rule)
{
	struct vly_prefix_rule rule[2] = {rule4(1, 32, VLY_PREFIX_DENY),
					  rule4(1, 32, VLY_PREFIX_ALLOW)};

	cr_expect_eq(vly_prefix_table_build(table, rule, 2), -EEXIST);
	rule[0].bits = 129;
	cr_expect_eq(vly_prefix_table_build(table, rule, 2), -EINVAL);
	rule[0] = rule4(1, 32, (enum vly_prefix_action)3);
	cr_expect_eq(vly_prefix_table_build(table, rule, 2), -EINVAL);
}

/* More often than prefixes can nest. */
Test(prefix_table, the_same_rule_many_times)
{
	static struct vly_prefix_rule rule[RULES_MAX];

	for (int i = 0; i < RULES_MAX; i++)
		rule[i] = rule4(0x0a000000, 8, VLY_PREFIX_DENY);
	cr_assert_eq(vly_prefix_table_build(table, rule, RULES_MAX), 0);
	cr_expect_eq(table->range4_cnt, 3);
	cr_expect_eq(vly_prefix_find4(table, 0x0affffff), VLY_PREFIX_DENY);
	cr_expect_eq(vly_prefix_find4(table, 0x0b000000), VLY_PREFIX_NONE);
}

static int
build_hosts(uint32_t cnt)
{
	struct vly_prefix_rule *rule = malloc(cnt * sizeof(*rule));

	cr_assert_not_null(rule);
	for (uint32_t i = 0; i < cnt; i++)
		rule[i] = rule4(2 * i + 1, 32, VLY_PREFIX_DENY);
	int result = vly_prefix_table_build(table, rule, cnt);
	free(rule);
	return result;
}

/* Every second address: each needs two ranges, and they crowd in few buckets of the index. */
Test(prefix_table, full)
{
	uint32_t cnt = VLY_PREFIX_RANGES_MAX / 2 - 1;

	cr_assert_eq(build_hosts(cnt), 0);
	cr_expect(vly_prefix_table_is_sound(table));
	for (uint32_t address = 0; address < 2 * cnt + 10; address++)
		cr_assert_eq(vly_prefix_find4(table, address), address % 2 == 1 && address < 2 * cnt
								       ? VLY_PREFIX_DENY
								       : VLY_PREFIX_NONE);
	cr_expect_eq(build_hosts(cnt + 1), -E2BIG);
}

/* Every second /64, all in the first part of the index that holds any, from `first` on. */
static int
build_networks(uint64_t first, uint32_t cnt)
{
	struct vly_prefix_rule *rule = malloc(cnt * sizeof(*rule));

	cr_assert_not_null(rule);
	for (uint32_t i = 0; i < cnt; i++)
		rule[i] = rule6(first + 2 * i + 1, 64, VLY_PREFIX_DENY);
	int result = vly_prefix_table_build(table, rule, cnt);
	free(rule);
	return result;
}

Test(prefix_table, full_of_ipv6)
{
	const uint64_t first = UINT64_C(0x20010db800000000);
	uint32_t cnt = VLY_PREFIX_RANGES_MAX / 2 - 1;

	cr_assert_eq(build_networks(first, cnt), 0);
	cr_expect(vly_prefix_table_is_sound(table));
	for (uint32_t i = 0; i < 2 * cnt + 10; i++)
		cr_assert_eq(vly_prefix_find6(table, first + i, i),
			     i % 2 == 1 && i < 2 * cnt ? VLY_PREFIX_DENY : VLY_PREFIX_NONE);
	cr_expect_eq(build_networks(first, cnt + 1), -E2BIG);
}

/* As registries spread them, so that buckets of the index hold one or two ranges. */
Test(prefix_table, many_networks_of_ipv6)
{
	enum { CNT = 100000 };
	struct vly_prefix_rule *rule = malloc(CNT * sizeof(*rule));
	struct vly_test_random random = {6};
	uint32_t largest = 0;

	cr_assert_not_null(rule);
	for (uint32_t i = 0; i < CNT; i++)
		rule[i] = rule6((vly_test_random_next(&random) >> 4) | UINT64_C(0x2) << 60, 48,
				VLY_PREFIX_DENY);
	cr_assert_eq(vly_prefix_table_build(table, rule, CNT), 0);
	cr_expect(vly_prefix_table_is_sound(table));
	for (uint32_t i = 0; i < CNT; i++) {
		uint64_t high = half(rule[i].address);
		uint32_t bucket = vly_prefix_bucket6(table, high);
		uint32_t range_cnt = table->index6[bucket + 1] - table->index6[bucket];
		largest = range_cnt > largest ? range_cnt : largest;
		cr_assert_eq(vly_prefix_find6(table, high, i), VLY_PREFIX_DENY);
	}
	cr_expect_lt(largest, 32);
	free(rule);
}

/* A bit that is missing would let a denied client in. */
Test(prefix_table, networks_without_their_bits_are_refused)
{
	struct vly_prefix_rule rule[] = {{.address = {[10] = 0xff, [11] = 0xff, 10, 0, 3},
					  .bits = 96 + 22,
					  .action = VLY_PREFIX_DENY},
					 {.address = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 9},
					  .bits = 128,
					  .action = VLY_PREFIX_ALLOW}};
	const uint32_t nets[] = {0x0a0000, 0x0a0003, 0xc00002};

	cr_assert_eq(vly_prefix_table_build(table, rule, 2), 0);
	cr_expect(vly_prefix_table_is_sound(table));
	for (unsigned i = 0; i < 3; i++) {
		uint8_t *octet = &table->listed4[nets[i] / 8];
		uint8_t bit = (uint8_t)(1 << nets[i] % 8);
		cr_expect(*octet & bit);
		*octet ^= bit;
		cr_expect_not(vly_prefix_table_is_sound(table));
		*octet ^= bit;
	}
	cr_expect_eq(table->listed4[0x0a0004 / 8] >> 0x0a0004 % 8 & 1, 0);
}

static void
expect_needed6(uint32_t net)
{
	uint32_t hash = vly_prefix_hash6(net);
	uint8_t bit = (uint8_t)(1 << hash % 8);

	cr_expect(vly_prefix_table_is_sound(table));
	cr_expect(vly_prefix_is_listed6(table, net), "%08x", net);
	table->listed6[hash / 8] ^= bit;
	cr_expect_not(vly_prefix_table_is_sound(table), "%08x", net);
	table->listed6[hash / 8] ^= bit;
}

Test(prefix_table, networks_of_ipv6_without_their_bits_are_refused)
{
	struct vly_prefix_rule rule[] = {rule6(UINT64_C(0x20010db800000000), 30, VLY_PREFIX_DENY),
					 rule6(UINT64_C(0x2a02dead12340000), 48, VLY_PREFIX_ALLOW),
					 rule6(UINT64_C(0xffffffffffff0000), 48, VLY_PREFIX_DENY)};

	cr_assert_eq(vly_prefix_table_build(table, rule, 3), 0);
	for (uint32_t net = 0x20010db8; net <= 0x20010dbb; net++)
		expect_needed6(net);
	expect_needed6(0x2a02dead);
	expect_needed6(UINT32_MAX);
	cr_expect_not(vly_prefix_is_listed6(table, 0x20010db7));
	cr_expect_not(vly_prefix_is_listed6(table, 0x20010dbc));
	cr_expect_eq(vly_prefix_net6_cnt(table), 6);
}

/* A prefix that ends on the border of a network of 32 bits has no part of the next one. */
Test(prefix_table, short_prefixes_of_ipv6_set_all_bits)
{
	struct vly_prefix_rule rule = rule6(UINT64_C(0x2000) << 48, 10, VLY_PREFIX_DENY);

	cr_assert_eq(vly_prefix_table_build(table, &rule, 1), 0);
	cr_expect_eq(vly_prefix_net6_cnt(table), VLY_PREFIX_LISTED6_CNT);
	cr_expect(vly_prefix_table_is_sound(table));
	rule = rule6(UINT64_C(0x2000) << 48, 9, VLY_PREFIX_DENY);
	cr_assert_eq(vly_prefix_table_build(table, &rule, 1), 0);
	cr_expect(vly_prefix_all_listed6(table));
	expect_needed6(0x30000000);
}

/* Whatever octet of a small table is changed: it is refused, or searches still do as they must. */
Test(prefix_table, damaged_tables_are_refused_or_harmless)
{
	struct vly_test_random random = {53};
	struct vly_prefix_rule rule[20];
	unsigned refused_cnt = 0;

	size_t cnt = random_rules(&random, rule, 20);
	cr_assert_eq(vly_prefix_table_build(table, rule, cnt), 0);
	for (int i = 0; i < 500; i++) {
		uint32_t *at[] = {&table->range4_cnt,
				  &table->range6_cnt,
				  &table->index4[vly_test_random_below(&random, 65537)],
				  &table->index6[vly_test_random_below(&random, 65537)],
				  &table->part6[vly_test_random_below(&random, 65536)],
				  &table->range4[vly_test_random_below(&random, 20)].start,
				  &table->range4[vly_test_random_below(&random, 20)].action};
		uint32_t *octets = at[vly_test_random_below(&random, sizeof(at) / sizeof(at[0]))];
		uint32_t before = *octets;
		*octets ^= UINT32_C(1) << vly_test_random_below(&random, 32);
		bool sound = vly_prefix_table_is_sound(table);
		refused_cnt += !sound;
		for (uint32_t j = 0; sound && j < 64; j++) {
			cr_assert_leq(vly_prefix_find4(table, j << 26), VLY_PREFIX_ALLOW);
			cr_assert_leq(vly_prefix_find6(table, (uint64_t)j << 58, j),
				      VLY_PREFIX_ALLOW);
		}
		*octets = before;
	}
	cr_expect_gt(refused_cnt, 300);
	cr_expect(vly_prefix_table_is_sound(table));
}
