/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Response limits on their way through whole messages: what comes back, and what is counted. */
#include <arpa/inet.h>

#include "base/prefix_table.h"
#include "guarded.h"

TestSuite(guard_limits, .init = set_up, .fini = tear_down);

/* Asks until nothing is left of the budget; returns how many were answered in full. */
static unsigned
exhaust(struct vly_test_question question)
{
	for (unsigned cnt = 0; cnt < 1000; cnt++) {
		struct vly_test_response response;
		ask(question, NULL, 0, &response);
		bool limited = response.len == 0 || (response.flags & VLY_FLAG_TC) != 0;
		vly_test_response_free(&response);
		if (limited)
			return cnt;
	}
	return 1000;
}

Test(guard_limits, over_its_limit_a_response_slips_as_tc)
{
	struct vly_test_question question = {.name = "big.z.", .type = VLY_TYPE_TXT, .edns = true};
	struct vly_test_response response;

	set_mode(VLY_LIMIT_ON);
	cr_expect_eq(exhaust(question), 2); /* of two times 5 units, 3 each */
	ask(question, NULL, 0, &response);
	cr_expect_eq(response.flags, VLY_FLAG_QR | VLY_FLAG_TC);
	cr_expect_eq(response.count[0], 1);
	cr_expect_eq(response.record_cnt, 0);
	cr_expect(response.has_opt);
	cr_expect_eq(response.len, 12 + response.question_bytes + VLY_OPT_BYTES);
	cr_expect_eq(response.counters.limited_answer, 1);
	cr_expect_eq(response.counters.slipped, 1);
	cr_expect_eq(response.counters.truncated, 1);
	cr_expect_eq(response.counters.rcode_noerror, 1);
	vly_test_response_free(&response);

	guard.clock.units += VLY_RATE_UNITS_PER_S / 2;
	cr_expect_eq(exhaust(question), 2);
}

Test(guard_limits, without_slip_there_is_silence)
{
	struct vly_test_response response;

	set_mode(VLY_LIMIT_ON);
	defence->responses.slip = 0;
	exhaust(a);
	ask(a, NULL, 0, &response);
	cr_expect_eq(response.len, 0);
	cr_expect_eq(response.counters.limited_answer, 1);
	cr_expect_eq(response.counters.slipped, 0);
	cr_expect_eq(response.counters.rcode_noerror, 0);
	vly_test_response_free(&response);
}

Test(guard_limits, each_kind_has_its_limit)
{
	static const struct {
		struct vly_test_question question;
		size_t counter;
	} cases[] = {
		{{.name = "a.z.", .type = VLY_TYPE_A},
		 offsetof(struct vly_lcore_counters, limited_answer)},
		{{.name = "x.c.z.", .type = VLY_TYPE_A},
		 offsetof(struct vly_lcore_counters, limited_referral)},
		{{.name = "n.z.", .type = VLY_TYPE_A},
		 offsetof(struct vly_lcore_counters, limited_nxdomain)},
		{{.name = "elsewhere.", .type = VLY_TYPE_A},
		 offsetof(struct vly_lcore_counters, limited_error)},
	};

	set_mode(VLY_LIMIT_ON);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vly_test_response response;
		cr_expect_eq(exhaust(cases[i].question), 10, "case %zu", i);
		ask(cases[i].question, NULL, 0, &response);
		cr_expect_eq(*(uint64_t *)((char *)&response.counters + cases[i].counter), 1);
		vly_test_response_free(&response);
	}
	/* the other ways to an answer */
	struct vly_test_response response;
	ask((struct vly_test_question){.name = "x.d.z.", .type = VLY_TYPE_A}, NULL, 0, &response);
	cr_expect_eq(response.counters.limited_answer, 1);
	cr_expect(response.flags & VLY_FLAG_TC);
	vly_test_response_free(&response);
}

/* There is no question that could be asked again. */
Test(guard_limits, errors_without_a_question_do_not_slip)
{
	struct vly_test_question question = a;
	struct vly_test_response response;
	unsigned cnt = 0;

	set_mode(VLY_LIMIT_ON);
	question.flags = 3 << 11;
	for (;;) {
		ask(question, NULL, 0, &response);
		if (response.len == 0)
			break;
		vly_test_response_free(&response);
		cr_assert_lt(++cnt, 100);
	}
	cr_expect_eq(cnt, 10);
	cr_expect_eq(response.counters.limited_error, 1);
	cr_expect_eq(response.counters.slipped, 0);
}

Test(guard_limits, other_networks_are_not_touched)
{
	struct vly_test_question question = a;

	set_mode(VLY_LIMIT_ON);
	cr_expect_eq(exhaust(question), 10);
	question.client = "192.0.2.1";
	cr_expect_eq(exhaust(question), 0);
	question.client = "192.0.3.99";
	cr_expect_eq(exhaust(question), 10);
	question.client = "2001:db8:0:1::5";
	cr_expect_eq(exhaust(question), 10);
	question.client = "2001:db8:0:2::5";
	cr_expect_eq(exhaust(question), 0);
	question.client = "2001:db8:0:100::5";
	cr_expect_eq(exhaust(question), 10);
}

Test(guard_limits, dry_run_only_counts)
{
	unsigned limited = 0;

	set_mode(VLY_LIMIT_DRY_RUN);
	for (unsigned i = 0; i < 30; i++) {
		struct vly_test_response response;
		ask(a, NULL, 0, &response);
		cr_expect_eq(response.count[1], 1);
		limited += (unsigned)response.counters.limited_answer;
		cr_expect_eq(response.counters.slipped, 0);
		vly_test_response_free(&response);
	}
	cr_expect_eq(limited, 20);
}

Test(guard_limits, off_limits_nothing)
{
	set_mode(VLY_LIMIT_OFF);
	cr_expect_eq(exhaust(a), 1000);
}

Test(guard_limits, without_a_limiter_nothing_is_limited)
{
	vly_limiter_destroy(guard.limiter);
	guard.limiter = NULL;
	set_mode(VLY_LIMIT_ON);
	cr_expect_eq(exhaust(a), 1000);
}

Test(guard_limits, a_valid_cookie_lifts_the_limit_and_costs_nothing)
{
	uint8_t cookie[VLY_COOKIE_BYTES];
	struct vly_test_response response;

	get_cookie(cookie, NULL);
	set_mode(VLY_LIMIT_ON);
	for (unsigned i = 0; i < 50; i++) {
		ask(a, cookie, sizeof(cookie), &response);
		cr_expect_eq(response.count[1], 1);
		vly_test_response_free(&response);
	}
	cr_expect_eq(exhaust(a), 10);
	ask(a, cookie, sizeof(cookie), &response);
	cr_expect_eq(response.count[1], 1);
	vly_test_response_free(&response);
}

/* A client cookie alone has no room for a server cookie in a response as small as the query. */
Test(guard_limits, tc_is_never_larger_than_the_query)
{
	uint8_t cookie[VLY_COOKIE_BYTES] = {0};

	set_mode(VLY_LIMIT_ON);
	exhaust(a);
	for (unsigned bytes = 8; bytes <= 24; bytes += 16) {
		struct vly_test_response response;
		ask(a, cookie, bytes, &response);
		cr_expect(response.flags & VLY_FLAG_TC);
		cr_expect_leq(response.len,
			      12 + response.question_bytes + VLY_OPT_BYTES + 4 + bytes);
		cr_expect_eq(cookie_in(&response) != NULL, bytes == 24);
		vly_test_response_free(&response);
	}
}

Test(guard_limits, badcookie_takes_the_place_of_tc_for_those_with_cookies)
{
	uint8_t cookie[VLY_COOKIE_BYTES];
	struct vly_test_response response;

	defence->responses.badcookie = 1;
	set_mode(VLY_LIMIT_ON);
	exhaust(a);
	ask(a, (const uint8_t *)"abcdefgh", 8, &response);
	cr_expect_eq(rcode_of(&response), VLY_RCODE_BADCOOKIE);
	cr_expect_eq(response.flags & VLY_FLAG_TC, 0);
	cr_expect_eq(response.count[0], 1);
	cr_expect_eq(response.record_cnt, 0);
	cr_expect_eq(response.counters.badcookie, 1);
	cr_expect_eq(response.counters.slipped, 0);
	cr_expect_eq(response.counters.rcode_other, 1);
	cr_assert_not_null(cookie_in(&response));
	memcpy(cookie, cookie_in(&response), sizeof(cookie));
	vly_test_response_free(&response);
	ask(a, cookie, sizeof(cookie), &response);
	cr_expect_eq(response.count[1], 1);
	vly_test_response_free(&response);
	ask(a, NULL, 0, &response); /* no cookie, no BADCOOKIE */
	cr_expect(response.flags & VLY_FLAG_TC);
	vly_test_response_free(&response);
}

static void
allow(const char *address, unsigned bits)
{
	struct vly_prefix_rule rule = {.bits = (uint8_t)bits, .action = VLY_PREFIX_ALLOW};

	cr_assert_eq(inet_pton(AF_INET6, address, rule.address), 1);
	cr_assert_eq(vly_prefix_table_build(&defence->rules.prefixes, &rule, 1), 0);
}

Test(guard_limits, allowed_prefixes_are_exempt)
{
	struct vly_test_question question = a;

	set_mode(VLY_LIMIT_ON);
	question.client = "192.0.2.7";
	allow("::ffff:192.0.2.0", 96 + 28);
	cr_expect_eq(exhaust(question), 1000);
	question.client = "192.0.2.77";
	cr_expect_eq(exhaust(question), 0);
	question.client = "2001:db8::7";
	cr_expect_eq(exhaust(question), 10);
	allow("2001:db8::", 64);
	cr_expect_eq(exhaust(question), 1000);
	question.client = "2001:db8:0:1::7";
	cr_expect_eq(exhaust(question), 0);
}

Test(guard_limits, limited_responses_are_sampled)
{
	struct vly_test_response response;

	set_mode(VLY_LIMIT_ON);
	exhaust(a);
	cr_expect_eq(ring->written, 1);
	ask(a, NULL, 0, &response);
	cr_expect_eq(ring->written, 2);
	cr_expect_eq(ring->sample[1].cause, VLY_SAMPLE_LIMITED + VLY_RESPONSE_answer);
	cr_expect_eq(ring->sample[1].weight, 1);
	cr_expect_eq(ring->sample[1].frame_len, 0); /* there is no frame here */
	vly_test_response_free(&response);
}

static uint32_t
ahead_of_now(enum vly_response_kind kind)
{
	uint32_t hash = vly_limiter_hash(guard.limiter, &defence->responses, UINT32_C(0xc0000263),
					 true); /* 192.0.2.99 */
	struct vly_limit_line *line = vly_limiter_line(guard.limiter, hash);
	uint32_t now = guard.clock.units;

	return vly_limiter_ahead(*vly_limiter_cell(line, hash, kind, 0), now) +
	       vly_limiter_ahead(*vly_limiter_cell(line, hash, kind, 1), now);
}

/* The network pays for the octets that it is sent, and for what it took to compose them. */
Test(guard_limits, composing_is_charged)
{
	struct vly_test_question question = {.name = "x.w0.z.", .type = VLY_TYPE_A};
	const struct vly_rate *rate = &defence->responses.rate[VLY_RESPONSE_answer];
	struct vly_test_response response;

	set_mode(VLY_LIMIT_ON);
	ask(question, NULL, 0, &response);
	cr_assert_eq(response.count[1], 19);
	uint64_t octets_alone = vly_limiter_cost(rate, response.len);
	cr_expect_gt(ahead_of_now(VLY_RESPONSE_answer), octets_alone);
	cr_expect_lt(ahead_of_now(VLY_RESPONSE_answer), 4 * octets_alone);
	vly_test_response_free(&response);
}

/* Its kind is not known before: it is asked for as an answer. */
Test(guard_limits, above_the_limit_nothing_is_composed)
{
	struct vly_test_question question = {.name = "x.v.z.", .type = VLY_TYPE_A};
	struct vly_test_response response;

	set_mode(VLY_LIMIT_ON);
	ask(question, NULL, 0, &response);
	cr_expect_eq(rcode_of(&response), VLY_RCODE_NXDOMAIN);
	vly_test_response_free(&response);
	exhaust(a);
	ask(question, NULL, 0, &response);
	cr_expect_eq(response.counters.limited_answer, 1);
	cr_expect_eq(response.counters.rcode_nxdomain, 0);
	cr_expect(response.flags & VLY_FLAG_TC);
	vly_test_response_free(&response);
}

/* Whatever it costs, a network that is above its limit for it comes back in time. */
Test(guard_limits, what_composing_costs_is_made_good_by_time)
{
	struct vly_test_question question = {.name = "x.w0.z.", .type = VLY_TYPE_A};
	unsigned cnt;

	set_mode(VLY_LIMIT_ON);
	cnt = exhaust(question);
	cr_expect_gt(cnt, 0);
	cr_expect_lt(cnt, 10);
	cr_expect_eq(exhaust(question), 0);
	guard.clock.units += 10 * VLY_RATE_UNITS_PER_S;
	cr_expect_eq(exhaust(question), cnt);
}

Test(guard_limits, composed_for_a_valid_cookie_is_free)
{
	struct vly_test_question question = {.name = "x.w0.z.", .type = VLY_TYPE_A};
	struct vly_test_response response;
	uint8_t cookie[VLY_COOKIE_BYTES];

	get_cookie(cookie, NULL);
	set_mode(VLY_LIMIT_ON);
	for (unsigned i = 0; i < 100; i++) {
		ask(question, cookie, sizeof(cookie), &response);
		cr_assert_eq(response.count[1], 19);
		vly_test_response_free(&response);
	}
	cr_expect_eq(ahead_of_now(VLY_RESPONSE_answer), 0);
}
