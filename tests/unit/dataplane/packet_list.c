/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "packet_list.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/prefix_table.h"
#include "policy_reference.h"
#include "random.h"
#include "verdicts.h"

static const uint16_t reflector_port[] = {17, 19, 123, 1900, 11211, 65535};

static const struct test_deny prefix[] = {
	{{10, 1}, 4, 16, VLY_PREFIX_DENY},
	{{10, 1, 2}, 4, 24, VLY_PREFIX_NONE}, /* a hole */
	{{10, 1, 3, 4}, 4, 32, VLY_PREFIX_ALLOW},
	{{10, 2}, 4, 15, VLY_PREFIX_ALLOW},
	{{0x20, 1, 0xd, 0xb8, 1}, 6, 40, VLY_PREFIX_DENY},
	{{0x20, 1, 0xd, 0xb8, 1, 2, 3, 4}, 6, 64, VLY_PREFIX_ALLOW},
	{{0x20, 1, 0xd, 0xb8, 2, [15] = 9}, 6, 128, VLY_PREFIX_DENY},
};

#define CNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct test_policy policies[TEST_RULES_CNT] = {
	[TEST_RULES_NONE] = {0},
	[TEST_RULES_LISTS] = {.has_lists = true},
	[TEST_RULES_RATES] = {.has_rates = true},
	[TEST_RULES_ALL] = {.has_lists = true, .has_rates = true},
	[TEST_RULES_DRY_RUN] = {.has_lists = true, .has_rates = true, .dry_run = true},
};

static struct test_policy
policy_of(enum test_rule_set set)
{
	struct test_policy policy = policies[set];

	policy.reflector_port = reflector_port;
	policy.reflector_cnt = CNT(reflector_port);
	policy.prefix = prefix;
	policy.prefix_cnt = CNT(prefix);
	policy.packets[0] = TEST_SOURCE_PACKETS;
	policy.packets[1] = TEST_NETWORK_PACKETS;
	policy.packets[2] = 2 * TEST_NETWORK_PACKETS;
	policy.unserved = TEST_UNSERVED_PACKETS;
	return policy;
}

/* As many packets at once. */
static struct vly_rate
rate_of(unsigned packets)
{
	const uint32_t cost = VLY_RATE_UNITS_PER_S / 100;

	return (struct vly_rate){.cost = cost, .burst = cost * packets};
}

static void
fill_lists(struct vly_policy_rules *rules)
{
	struct vly_prefix_rule rule[CNT(prefix)] = {0};

	for (unsigned i = 0; i < CNT(reflector_port); i++)
		vly_policy_add_reflector(rules, reflector_port[i]);
	for (unsigned i = 0; i < CNT(prefix); i++) {
		bool ipv4 = prefix[i].version == 4;
		rule[i].action = (uint8_t)prefix[i].action;
		rule[i].bits = (uint8_t)(prefix[i].bits + (ipv4 ? 96 : 0));
		if (ipv4)
			rule[i].address[10] = rule[i].address[11] = 0xff;
		memcpy(rule[i].address + (ipv4 ? 12 : 0), prefix[i].address, ipv4 ? 4 : 16);
	}
	if (vly_prefix_table_build(&rules->prefixes, rule, CNT(prefix)) != 0)
		abort();
}

struct vly_policy_rules *
test_rules_make(enum test_rule_set set)
{
	struct vly_policy_rules *rules = calloc(1, sizeof(*rules));
	struct test_policy policy = policy_of(set);
	struct vly_rate source[VLY_SOURCE_LEVEL_CNT];

	if (rules == NULL)
		abort();
	if (policy.has_lists)
		fill_lists(rules);
	if (!policy.has_rates)
		return rules;
	rules->source_mode = policy.dry_run ? VLY_LIMIT_DRY_RUN : VLY_LIMIT_ON;
	rules->source_key = 0x5353;
	for (unsigned i = 0; i < VLY_SOURCE_LEVEL_CNT; i++)
		source[i] = rate_of(policy.packets[i]);
	rules->source = vly_sketch_rates(source);
	rules->unserved = rate_of(policy.unserved);
	return rules;
}

/* From one of few hosts, so that rates and prefixes bite. */
static void
set_source(struct vly_test_random *random, struct test_frame *frame, int version)
{
	uint8_t *ip = frame->octet + frame->l3_off;

	if (version == 4) {
		ip[12] = 10;
		ip[13] = (uint8_t)vly_test_random_below(random, 6);
		ip[14] = (uint8_t)vly_test_random_below(random, 5);
		ip[15] = (uint8_t)vly_test_random_below(random, 6);
		return;
	}
	ip[12] = (uint8_t)vly_test_random_below(random, 4);
	if (vly_test_random_chance(random, 50))
		memcpy(ip + 13, "\2\3\4", 3);
	ip[15] = (uint8_t)(ip[15] + vly_test_random_below(random, 3));
	ip[23] = (uint8_t)(8 + vly_test_random_below(random, 3));
}

static void
set_dns(struct vly_test_random *random, struct test_frame *frame)
{
	uint8_t *dns = frame->octet + frame->dns_off;

	if (vly_test_random_chance(random, 15))
		dns[2] = (uint8_t)(vly_test_random_below(random, 16) << 3);
	if (vly_test_random_chance(random, 10))
		dns[5] = (uint8_t)vly_test_random_below(random, 3);
	if (vly_test_random_chance(random, 10))
		dns[11] = (uint8_t)vly_test_random_below(random, 2);
}

/* Changes, cuts or lengthens it. */
static void
damage(struct vly_test_random *random, struct test_frame *frame)
{
	unsigned changes = vly_test_random_below(random, 5);

	for (unsigned i = 0; i < changes; i++) {
		unsigned at = vly_test_random_below(random, frame->dns_off + 12u);
		frame->octet[at] =
			vly_test_random_chance(random, 50)
				? (uint8_t)vly_test_random_next(random)
				: frame->octet[at] ^
					  (uint8_t)(1 << vly_test_random_below(random, 8));
	}
	if (vly_test_random_chance(random, 20))
		frame->len = (uint16_t)(14 + vly_test_random_below(random, frame->len + 20u - 14));
}

static struct test_frame
random_frame(struct vly_test_random *random)
{
	static const uint16_t ports[] = {19, 11211, 1900, 53, 18, 65534, 65535, 8};
	int version = vly_test_random_chance(random, 50) ? 4 : 6;
	struct test_frame frame = test_frame_query(version, (int)vly_test_random_below(random, 3));

	set_source(random, &frame, version);
	set_dns(random, &frame);
	if (vly_test_random_chance(random, 20))
		test_put16(frame.octet + frame.l4_off,
			   ports[vly_test_random_below(random, CNT(ports))]);
	if (vly_test_random_chance(random, 50))
		damage(random, &frame);
	return frame;
}

#define BY_HAND_MAX 512

static struct {
	struct test_frame frame;
	const char *what;
} by_hand[BY_HAND_MAX];
static unsigned by_hand_cnt;

static void
add_by_hand(const struct test_frame *frame, enum vly_verdict verdict, const char *what)
{
	const struct test_policy nothing = {0};

	/* without rules, the verdict that somebody thought of is the reference's, too */
	if (by_hand_cnt == BY_HAND_MAX ||
	    test_reference(&nothing, frame->octet, frame->len) != verdict) {
		fprintf(stderr, "the reference has another verdict: %s\n", what);
		abort();
	}
	by_hand[by_hand_cnt].frame = *frame;
	by_hand[by_hand_cnt++].what = what;
}

struct test_packet
test_packet(enum test_rule_set set, unsigned idx)
{
	static struct vly_test_random random;
	struct test_policy policy = policy_of(set);
	struct test_packet packet;

	if (by_hand_cnt == 0)
		test_verdicts_each(add_by_hand);
	if (idx == 0) {
		random.state = 5353 + set;
		test_reference_reset();
	}
	if (idx < by_hand_cnt)
		packet.frame = by_hand[idx].frame;
	else
		packet.frame = random_frame(&random);
	snprintf(packet.what, sizeof(packet.what), "set %d, packet %u: %s", set, idx,
		 idx < by_hand_cnt ? by_hand[idx].what : "random");
	packet.verdict = test_reference(&policy, packet.frame.octet, packet.frame.len);
	return packet;
}

unsigned
test_packets_dry_run(void)
{
	return test_reference_dry_run();
}
