/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "base/address.h"
#include "guard/judge.h"
#include "packet_list.h"
#include "random.h"
#include "verdicts.h"

static struct vly_addresses addresses;

static void
listen_on_test_addresses(void)
{
	cr_assert_eq(vly_addresses_add(&addresses, "192.0.2.53"), VLY_ADDRESSES_OK);
	cr_assert_eq(vly_addresses_add(&addresses, "2001:db8::53"), VLY_ADDRESSES_OK);
}

TestSuite(policy, .init = listen_on_test_addresses);

/* In a block of its exact size, so that a sanitizer sees a read beyond the end. */
static enum vly_verdict
classify(const uint8_t *frame, size_t len, struct vly_packet *packet)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	memcpy(copy, frame, len);
	enum vly_verdict verdict =
		vly_policy_classify(copy, copy + len, packet, test_frame_mac(), &addresses);
	free(copy);
	return verdict;
}

static void
check(const struct test_frame *frame, enum vly_verdict verdict, const char *what)
{
	struct vly_packet packet;

	cr_expect_eq(classify(frame->octet, frame->len, &packet), verdict, "%s, l3 at %u", what,
		     frame->l3_off);
}

Test(policy, verdicts)
{
	test_verdicts_each(check);
}

Test(policy, offsets)
{
	for (int tag_cnt = 0; tag_cnt <= 2; tag_cnt++) {
		for (int version = 4; version <= 6; version += 2) {
			struct test_frame frame = test_frame_query(version, tag_cnt);
			struct vly_packet packet;
			cr_assert_eq(classify(frame.octet, frame.len, &packet), VLY_VERDICT_serve);
			cr_expect_eq(packet.dns_off, frame.dns_off);
			cr_expect_eq(packet.dns_len, TEST_DNS_BYTES);
			cr_expect_eq(packet.ip_version, version);
		}
	}
}

/* A frame cut anywhere before its end is never served. */
Test(policy, every_length)
{
	for (int version = 4; version <= 6; version += 2) {
		struct test_frame frame = test_frame_query(version, 2);
		for (size_t len = 0; len < frame.len; len++) {
			struct vly_packet packet;
			enum vly_verdict expected = len < frame.dns_off ? VLY_VERDICT_truncated
									: VLY_VERDICT_bad_length;
			cr_expect_eq(classify(frame.octet, len, &packet), expected);
		}
	}
}

Test(policy, any_address)
{
	struct vly_addresses any = {0};
	struct test_frame frame = test_frame_query(4, 0);
	struct vly_packet packet;

	frame.octet[frame.l3_off + 19] = 99;
	cr_expect_eq(vly_policy_classify(frame.octet, frame.octet + frame.len, &packet,
					 test_frame_mac(), &any),
		     VLY_VERDICT_serve);
}

/* Where every address is ours, the one that was asked is known. */
Test(policy, source_is_its_destination)
{
	struct vly_addresses any = {0};
	struct vly_packet packet;

	for (int version = 4; version <= 6; version += 2) {
		struct test_frame frame = test_frame_query(version, 0);
		version == 4 ? bend_source_ours4(&frame) : bend_source_ours6(&frame);
		cr_expect_eq(vly_policy_classify(frame.octet, frame.octet + frame.len, &packet,
						 test_frame_mac(), &any),
			     VLY_VERDICT_bad_source);
	}
}

/* A port without an address of its own, as one of memory is. */
Test(policy, any_mac)
{
	struct test_frame frame = test_frame_query(4, 0);
	struct vly_packet packet;

	bend_other_mac(&frame);
	cr_expect_eq(
		vly_policy_classify(frame.octet, frame.octet + frame.len, &packet, 0, &addresses),
		VLY_VERDICT_serve);
	bend_broadcast(&frame);
	cr_expect_eq(
		vly_policy_classify(frame.octet, frame.octet + frame.len, &packet, 0, &addresses),
		VLY_VERDICT_pass);
}

static struct vly_policy_state *
fresh_state(void)
{
	struct vly_policy_state *state = calloc(1, sizeof(*state));

	cr_assert_not_null(state);
	return state;
}

static enum vly_verdict
judge(const struct test_frame *frame, const struct vly_policy_rules *rules,
      struct vly_policy_state *state, uint32_t now)
{
	struct vly_packet packet;
	enum vly_verdict verdict = classify(frame->octet, frame->len, &packet);

	return verdict == VLY_VERDICT_serve ? vly_policy_admit(&packet, rules, state, now)
					    : verdict;
}

Test(policy, the_list)
{
	unsigned got[VLY_VERDICT_CNT] = {0};

	for (int set = 0; set < TEST_RULES_CNT; set++) {
		struct vly_policy_rules *rules = test_rules_make((enum test_rule_set)set);
		struct vly_policy_state *state = fresh_state();
		for (unsigned i = 0; i < TEST_PACKETS; i++) {
			struct test_packet packet = test_packet((enum test_rule_set)set, i);
			cr_assert_eq(judge(&packet.frame, rules, state, 0), packet.verdict, "%s",
				     packet.what);
			got[packet.verdict]++;
		}
		cr_expect_eq(state->source_dry_run, test_packets_dry_run());
		free(state);
		free(rules);
	}
	for (int verdict = 0; verdict < VLY_VERDICT_XDP_CNT; verdict++)
		if (verdict != VLY_VERDICT_no_lcore) /* what the queue decides, not the frame */
			cr_expect_geq(got[verdict], 20, "verdict %d", verdict);
}

struct burst {
	struct vly_packet packet[VLY_JUDGE_MAX];
	struct test_packet expected[VLY_JUDGE_MAX];
	unsigned cnt;
};

static void
judge_burst(struct burst *burst, const struct vly_policy_rules *rules,
	    struct vly_policy_state *state)
{
	uint8_t verdict[VLY_JUDGE_MAX];

	vly_judge(rules, state, 0, burst->packet, burst->cnt, verdict);
	for (unsigned i = 0; i < burst->cnt; i++)
		cr_assert_eq(verdict[i], burst->expected[i].verdict, "%s", burst->expected[i].what);
	burst->cnt = 0;
}

/* The list again, in bursts of all sizes. */
Test(policy, the_list_in_bursts)
{
	static struct burst burst;

	for (int set = 0; set < TEST_RULES_CNT; set++) {
		struct vly_policy_rules *rules = test_rules_make((enum test_rule_set)set);
		struct vly_policy_state *state = vly_judge_state_create();
		cr_assert_not_null(state);
		for (unsigned i = 0; i < TEST_PACKETS; i++) {
			struct test_packet packet = test_packet((enum test_rule_set)set, i);
			burst.expected[burst.cnt] = packet;
			burst.cnt += classify(packet.frame.octet, packet.frame.len,
					      &burst.packet[burst.cnt]) == VLY_VERDICT_serve;
			if (burst.cnt > i / 7 % VLY_JUDGE_MAX)
				judge_burst(&burst, rules, state);
		}
		judge_burst(&burst, rules, state);
		cr_expect_eq(state->source_dry_run, test_packets_dry_run());
		free(state);
		free(rules);
	}
}

static struct vly_packet
random_source(struct vly_test_random *random)
{
	struct vly_packet packet = {.source_port = 5353};

	packet.ip_version = vly_test_random_chance(random, 50) ? 4 : 6;
	packet.source_low = vly_test_random_below(random, 1000) * 77;
	if (packet.ip_version == 6)
		packet.source_high =
			UINT64_C(0x20010db800000000) + vly_test_random_below(random, 9);
	return packet;
}

/* Time goes on, rates differ, and after each burst every cell is what it is when packets are judged
 * one by one. */
static void
compare_bursts_with_packets(bool screened)
{
	struct vly_test_random random = {5353};
	struct vly_policy_rules *rules = test_rules_make(TEST_RULES_LISTS);
	struct vly_policy_state *one = fresh_state(), *all = vly_judge_state_create();
	const struct vly_rate rate[VLY_SOURCE_LEVEL_CNT] = {vly_rate_make(5, screened ? 2000 : 400),
							    vly_rate_make(50, 30000),
							    vly_rate_make(0, 1)};
	unsigned dropped = 0;

	rules->source_mode = VLY_LIMIT_ON;
	rules->source_key = 53;
	rules->source = vly_sketch_rates(rate);
	cr_assert_eq(rules->source.screen.burst > 0, screened);
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t now = UINT32_MAX - 100000000 + i * 100000;
		struct vly_packet packet[VLY_JUDGE_MAX];
		uint8_t verdict[VLY_JUDGE_MAX];
		for (unsigned j = 0; j < VLY_JUDGE_MAX; j++)
			packet[j] = random_source(&random);
		vly_judge(rules, all, now, packet, i % VLY_JUDGE_MAX, verdict);
		for (unsigned j = 0; j < i % VLY_JUDGE_MAX; j++) {
			cr_assert_eq(vly_policy_admit(&packet[j], rules, one, now), verdict[j]);
			dropped += verdict[j] != VLY_VERDICT_serve;
		}
		if (i % 100 == 0)
			cr_assert_eq(memcmp(one, all, sizeof(*one)), 0, "burst %u", i);
	}
	cr_expect_gt(dropped, 100);
	free(one);
	free(all);
	free(rules);
}

Test(policy, bursts_leave_the_same_state)
{
	compare_bursts_with_packets(false);
	compare_bursts_with_packets(true);
}

/* What is never served gets its NOTIMP at 100 a second, whoever asks. */
Test(policy, unserved_rate)
{
	struct vly_policy_rules *rules = test_rules_make(TEST_RULES_NONE);
	struct vly_policy_state *state = fresh_state();
	struct test_frame frame = test_frame_query(4, 0);
	unsigned served = 0;

	bend_status(&frame);
	rules->unserved = vly_rate_make(100, 100);
	for (uint32_t i = 0; i < 10000; i++) { /* ten seconds */
		frame.octet[frame.l3_off + 15] = (uint8_t)i;
		served += judge(&frame, rules, state, i * (VLY_RATE_UNITS_PER_S / 1000)) ==
			  VLY_VERDICT_serve;
	}
	cr_expect_geq(served, 1000);
	cr_expect_leq(served, 1011);
	free(state);
	free(rules);
}

/* Opcodes that volley-control answers pass to the kernel, after lists and rates, one by one and in
 * bursts; others are served as before. */
Test(policy, requests_pass)
{
	struct vly_policy_rules *rules = test_rules_make(TEST_RULES_NONE);
	struct vly_policy_state *state = fresh_state();
	struct test_frame frame = test_frame_query(4, 0);

	cr_expect_eq(judge(&frame, rules, state, 1), VLY_VERDICT_serve);
	bend_status(&frame);
	cr_expect_eq(judge(&frame, rules, state, 1), VLY_VERDICT_serve);
	rules->request_opcodes = 1u << VLY_OPCODE_UPDATE;
	cr_expect_eq(judge(&frame, rules, state, 1), VLY_VERDICT_serve);
	rules->request_opcodes |= 1u << 2; /* STATUS */
	cr_expect_eq(judge(&frame, rules, state, 1), VLY_VERDICT_pass);
	rules->unserved = rules->request = vly_rate_make(1, 1000);
	cr_expect_eq(judge(&frame, rules, state, 1), VLY_VERDICT_pass);
	cr_expect_eq(judge(&frame, rules, state, 1), VLY_VERDICT_unserved);
	cr_expect(vly_policy_has_rules(rules));
	free(state);
	free(rules);
}

/* Any rule, alone, has packets judged. */
Test(policy, has_rules)
{
	struct vly_policy_rules *rules = test_rules_make(TEST_RULES_NONE);

	cr_expect_not(vly_policy_has_rules(rules));
	rules->source_mode = VLY_LIMIT_DRY_RUN;
	cr_expect(vly_policy_has_rules(rules));
	rules->source_mode = VLY_LIMIT_OFF;
	rules->unserved = vly_rate_make(100, 100);
	cr_expect(vly_policy_has_rules(rules));
	rules->unserved.cost = 0;
	rules->prefixes.range4_cnt = 1;
	cr_expect(vly_policy_has_rules(rules));
	rules->prefixes.range4_cnt = 0;
	rules->prefixes.range6_cnt = 1;
	cr_expect(vly_policy_has_rules(rules));
	rules->prefixes.range6_cnt = 0;
	cr_expect_not(vly_policy_has_rules(rules));
	vly_policy_add_reflector(rules, 65535);
	cr_expect(vly_policy_has_rules(rules));
	rules->reflector_cnt = 0;
	cr_expect_not(vly_policy_has_rules(rules));
	rules->request_opcodes = 1u << VLY_OPCODE_UPDATE;
	cr_expect(vly_policy_has_rules(rules));
	free(rules);
}
