/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "address.h"
#include "packet_list.h"
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
		vly_policy_classify(copy, copy + len, packet, vly_addresses_have, &addresses);
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
			cr_expect_eq(packet.l3_off, frame.l3_off);
			cr_expect_eq(packet.l4_off, frame.l4_off);
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
					 vly_addresses_have, &any),
		     VLY_VERDICT_serve);
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
	for (int verdict = 0; verdict < VLY_VERDICT_CNT; verdict++)
		cr_expect_geq(got[verdict], 20, "verdict %d", verdict);
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
