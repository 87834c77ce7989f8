/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cookies and limits on their way through whole messages: what comes back, and what is counted. */
#include <arpa/inet.h>
#include <criterion/criterion.h>

#include "control/prefix_table.h"
#include "message.h"
#include "server.h"

static const struct vly_test_zone zone = {
	"z.",
	VLY_TEST_APEX "a A 192.0.2.1\n"
		      "c NS ns.c\n"
		      "ns.c A 192.0.2.3\n"
		      "d DNAME elsewhere.\n"
		      "big TXT ("
		      "0123456789012345678901234567890123456789012345678901234567890123456789 "
		      "1123456789012345678901234567890123456789012345678901234567890123456789 "
		      "2123456789012345678901234567890123456789012345678901234567890123456789 "
		      "3123456789012345678901234567890123456789012345678901234567890123456789 "
		      ")\n"};

static struct vly_test_server server;
static struct vly_defence *defence;
static struct vly_sample_ring *ring;
static struct vly_sampler sampler;
static struct vly_guard guard;

#define NOW UINT32_C(1559731985)

static void
set_up(void)
{
	cr_assert_eq(vly_test_server_open(&server, &zone, 1), 0);
	defence = calloc(1, sizeof(*defence));
	ring = aligned_alloc(_Alignof(struct vly_sample_ring), sizeof(*ring));
	cr_assert(defence != NULL && ring != NULL);
	memset(ring, 0, sizeof(*ring));
	vly_sampler_start(&sampler, ring, 0);
	vly_guard_start(&guard, vly_limiter_create(), &sampler, 1000000000);
	cr_assert_not_null(guard.limiter);
	guard.clock.unix_s = NOW;
	guard.clock.units = 77;
	defence->cookies.enabled = 1;
	defence->cookies.secret_mask = 1;
	memset(defence->cookies.secret[0], 0x53, VLY_COOKIE_SECRET_BYTES);
	defence->responses =
		(struct vly_response_limits){.slip = 1, .prefix4_bits = 24, .prefix6_bits = 56};
	for (unsigned i = 0; i < VLY_RESPONSE_KIND_CNT; i++)
		defence->responses.rate[i] = vly_rate_make(10, 1000);
	vly_guard_set(&guard, defence);
}

static void
tear_down(void)
{
	vly_limiter_destroy(guard.limiter);
	free(ring);
	free(defence);
	vly_test_server_close(&server);
}

TestSuite(guard, .init = set_up, .fini = tear_down);

static void
set_mode(enum vly_limit_mode mode)
{
	defence->responses.mode = mode;
	vly_guard_set(&guard, defence);
}

/* An OPT's options with a COOKIE of `bytes` octets. */
static unsigned
write_option(uint8_t *to, const uint8_t *cookie, unsigned bytes)
{
	to[0] = 0;
	to[1] = 10;
	to[2] = 0;
	to[3] = (uint8_t)bytes;
	if (bytes > 0)
		memcpy(to + 4, cookie, bytes);
	return 4 + bytes;
}

/* Asks, from an OPT with a cookie when there is one. */
static void
ask(struct vly_test_question question, const uint8_t *cookie, unsigned cookie_bytes,
    struct vly_test_response *response)
{
	uint8_t options[300];

	question.guard = &guard;
	if (cookie != NULL) {
		question.edns = true;
		question.options = options;
		question.options_bytes = write_option(options, cookie, cookie_bytes);
	}
	vly_test_ask(server.table, &question, response);
	cr_assert_null(response->fault, "%s", response->fault);
}

static unsigned
rcode_of(const struct vly_test_response *response)
{
	return (response->flags & 15u) | (unsigned)response->opt_rcode << 4;
}

/* The COOKIE option in the response's OPT, which is its last record; NULL: none. */
static const uint8_t *
cookie_in(const struct vly_test_response *response)
{
	static const uint8_t head[] = {0, 10, 0, 24};
	const uint8_t *octets = response->octets;

	for (unsigned at = 12; response->has_opt && at + 28 <= response->len; at++)
		if (memcmp(octets + at, head, 4) == 0)
			return octets + at + 4;
	return NULL;
}

static const struct vly_test_question a = {.name = "a.z.", .type = VLY_TYPE_A};

/* A valid cookie of the client with that address. */
static void
get_cookie(uint8_t cookie[VLY_COOKIE_BYTES], const char *client)
{
	struct vly_test_question question = a;
	struct vly_test_response response;

	question.client = client;
	ask(question, (const uint8_t *)"abcdefgh", 8, &response);
	cr_assert_not_null(cookie_in(&response));
	memcpy(cookie, cookie_in(&response), VLY_COOKIE_BYTES);
	vly_test_response_free(&response);
}

Test(guard, clients_get_cookies_that_are_then_good)
{
	static const char *const clients[] = {"192.0.2.5", "2001:db8::5"};
	uint8_t cookie[VLY_COOKIE_BYTES];
	struct vly_test_response response;

	for (unsigned i = 0; i < 2; i++) {
		struct vly_test_question question = a;
		question.client = clients[i];
		ask(question, (const uint8_t *)"abcdefgh", 8, &response);
		cr_expect_eq(response.counters.cookies_new, 1);
		cr_expect_eq(response.count[1], 1);
		cr_assert_not_null(cookie_in(&response));
		cr_expect_eq(memcmp(cookie_in(&response), "abcdefgh", 8), 0);
		memcpy(cookie, cookie_in(&response), sizeof(cookie));
		vly_test_response_free(&response);

		ask(question, cookie, sizeof(cookie), &response);
		cr_expect_eq(response.counters.cookies_valid, 1);
		cr_assert_not_null(cookie_in(&response));
		cr_expect_eq(memcmp(cookie_in(&response), cookie, sizeof(cookie)), 0);
		vly_test_response_free(&response);

		question.client = clients[1 - i];
		ask(question, cookie, sizeof(cookie), &response);
		cr_expect_eq(response.counters.cookies_invalid, 1);
		cr_expect_eq(rcode_of(&response), VLY_RCODE_NOERROR);
		cr_expect_eq(response.count[1], 1); /* RFC 7873 §5.2.4 (3) */
		cr_assert_not_null(cookie_in(&response));
		vly_test_response_free(&response);
	}
}

Test(guard, errors_carry_the_cookie_too)
{
	static const struct {
		struct vly_test_question question;
		unsigned rcode;
	} cases[] = {
		{{.name = "a.elsewhere.", .type = VLY_TYPE_A}, VLY_RCODE_REFUSED},
		{{.name = "z.", .type = VLY_TYPE_AXFR}, VLY_RCODE_REFUSED},
		{{.name = "n.z.", .type = VLY_TYPE_A}, VLY_RCODE_NXDOMAIN},
		{{.name = "a.z.", .type = VLY_TYPE_A, .flags = 2 << 11}, VLY_RCODE_NOTIMP},
		{{.name = "x.d.z.", .type = VLY_TYPE_A}, VLY_RCODE_NOERROR},
		{{.name = "x.c.z.", .type = VLY_TYPE_A}, VLY_RCODE_NOERROR},
		{{.name = "version.bind.", .type = VLY_TYPE_TXT, .class = VLY_CLASS_CH},
		 VLY_RCODE_REFUSED},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vly_test_response response;
		ask(cases[i].question, (const uint8_t *)"abcdefgh", 8, &response);
		cr_expect_eq(rcode_of(&response), cases[i].rcode, "case %zu", i);
		cr_expect_not_null(cookie_in(&response), "case %zu", i);
		vly_test_response_free(&response);
	}
}

/* Another version's options may mean anything. */
Test(guard, badvers_comes_without_a_cookie)
{
	struct vly_test_question question = a;
	struct vly_test_response response;

	question.edns_version = 1;
	ask(question, (const uint8_t *)"abcdefgh", 8, &response);
	cr_expect_eq(rcode_of(&response), VLY_RCODE_BADVERS);
	cr_expect_null(cookie_in(&response));
	vly_test_response_free(&response);
}

Test(guard, malformed_cookies_are_answered_formerr)
{
	static const struct vly_test_question questions[] = {
		{.name = "a.z.", .type = VLY_TYPE_A},
		{.name = "n.z.", .type = VLY_TYPE_A},
		{.name = "x.d.z.", .type = VLY_TYPE_A},
		{.name = "a.elsewhere.", .type = VLY_TYPE_A},
		{.name = "version.bind.", .type = VLY_TYPE_TXT, .class = VLY_CLASS_CH},
	};
	static const unsigned lengths[] = {0, 1, 7, 9, 15, 41, 200};
	static const uint8_t octets[200];

	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		for (size_t j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++) {
			struct vly_test_response response;
			ask(questions[i], octets, lengths[j], &response);
			cr_expect_eq(rcode_of(&response), VLY_RCODE_FORMERR);
			cr_expect_eq(response.count[0], 1);
			cr_expect_eq(response.record_cnt, 0);
			cr_expect(response.has_opt);
			cr_expect_null(cookie_in(&response));
			cr_expect_eq(response.len, 12 + response.question_bytes + VLY_OPT_BYTES);
			vly_test_response_free(&response);
		}
}

/* RFC 7873 §5: all but the first are ignored. */
Test(guard, the_first_of_two_cookies_counts)
{
	struct vly_test_question question = a;
	struct vly_test_response response;
	uint8_t options[64];
	unsigned first = write_option(options, (const uint8_t *)"abcdefgh", 8);

	question.edns = true;
	question.guard = &guard;
	question.options = options;
	question.options_bytes = first + write_option(options + first, (const uint8_t *)"x", 1);
	vly_test_ask(server.table, &question, &response);
	cr_expect_eq(rcode_of(&response), VLY_RCODE_NOERROR);
	cr_assert_not_null(cookie_in(&response));
	cr_expect_eq(memcmp(cookie_in(&response), "abcdefgh", 8), 0);
	vly_test_response_free(&response);
}

Test(guard, where_cookies_are_off_they_are_ignored)
{
	struct vly_test_response response;

	defence->cookies.enabled = 0;
	vly_guard_set(&guard, defence);
	ask(a, (const uint8_t *)"abcdefg", 7, &response);
	cr_expect_eq(rcode_of(&response), VLY_RCODE_NOERROR);
	cr_expect_eq(response.counters.cookies_new, 0);
	cr_expect_null(cookie_in(&response));
	vly_test_response_free(&response);
}

/* A header with those counts, and an OPT with a cookie. */
static void
ask_nothing(const uint8_t counts[8], unsigned flags, const uint8_t *cookie, unsigned cookie_bytes,
	    struct vly_test_response *response)
{
	static const uint8_t opt[] = {0, 0, 41, 4, 208, 0, 0, 0, 0};
	uint8_t message[400] = {1, 2, (uint8_t)(flags >> 8), (uint8_t)flags};
	const struct vly_test_question options = {.guard = &guard};
	unsigned len = 12;

	memcpy(message + 4, counts, 8);
	memcpy(message + len, opt, sizeof(opt));
	len += sizeof(opt);
	message[len + 1] = (uint8_t)(cookie_bytes + 4);
	len += 2;
	len += write_option(message + len, cookie, cookie_bytes);
	vly_test_exchange(server.table, message, len, &options, response);
	cr_assert_null(response->fault, "%s", response->fault);
}

/* RFC 7873 §5.4 */
Test(guard, who_asks_for_nothing_but_a_cookie_gets_it)
{
	static const uint8_t counts[8] = {[7] = 1};
	uint8_t cookie[VLY_COOKIE_BYTES];
	struct vly_test_response response;

	get_cookie(cookie, NULL);
	ask_nothing(counts, 0, (const uint8_t *)"abcdefgh", 8, &response);
	cr_expect_eq(rcode_of(&response), VLY_RCODE_NOERROR);
	cr_expect_eq(response.len, 12 + VLY_OPT_BYTES + 28);
	cr_assert_not_null(cookie_in(&response));
	cr_expect_eq(memcmp(cookie_in(&response), cookie, sizeof(cookie)), 0);
	vly_test_response_free(&response);

	ask_nothing(counts, 0, cookie, sizeof(cookie), &response);
	cr_expect_eq(rcode_of(&response), VLY_RCODE_NOERROR);
	vly_test_response_free(&response);

	cookie[20] ^= 1;
	ask_nothing(counts, 0, cookie, sizeof(cookie), &response);
	cr_expect_eq(rcode_of(&response), VLY_RCODE_BADCOOKIE);
	cr_expect_not_null(cookie_in(&response));
	vly_test_response_free(&response);

	ask_nothing(counts, 0, cookie, 9, &response);
	cr_expect_eq(rcode_of(&response), VLY_RCODE_FORMERR);
	cr_expect(response.has_opt);
	vly_test_response_free(&response);

	defence->cookies.enabled = 0;
	vly_guard_set(&guard, defence);
	ask_nothing(counts, 0, cookie, sizeof(cookie), &response);
	cr_expect_eq(rcode_of(&response), VLY_RCODE_FORMERR);
	cr_expect(response.has_opt);
	cr_expect_null(cookie_in(&response));
	vly_test_response_free(&response);
}

Test(guard, what_else_has_no_question_stays_an_error)
{
	static const struct {
		uint8_t counts[8];
		unsigned flags, rcode;
		bool has_opt;
	} cases[] = {
		{{[7] = 1}, 4 << 11, VLY_RCODE_NOTIMP, true},
		{{[7] = 2}, 0, VLY_RCODE_FORMERR, true},           /* a record is missing */
		{{[1] = 2, [7] = 1}, 0, VLY_RCODE_FORMERR, false}, /* the OPT is a question */
		{{[3] = 1}, 0, VLY_RCODE_FORMERR, false},          /* the OPT is an answer */
		{{[5] = 1}, 0, VLY_RCODE_FORMERR, false},
		{{0}, 0, VLY_RCODE_FORMERR, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vly_test_response response;
		ask_nothing(cases[i].counts, cases[i].flags, (const uint8_t *)"abcdefgh", 8,
			    &response);
		cr_expect_eq(rcode_of(&response), cases[i].rcode, "case %zu", i);
		cr_expect_eq(response.has_opt, cases[i].has_opt, "case %zu", i);
		cr_expect_eq(response.count[0], 0);
		vly_test_response_free(&response);
	}
}

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

Test(guard, over_its_limit_a_response_slips_as_tc)
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

Test(guard, without_slip_there_is_silence)
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

Test(guard, each_kind_has_its_limit)
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
Test(guard, errors_without_a_question_do_not_slip)
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

Test(guard, other_networks_are_not_touched)
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

Test(guard, dry_run_only_counts)
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

Test(guard, off_limits_nothing)
{
	set_mode(VLY_LIMIT_OFF);
	cr_expect_eq(exhaust(a), 1000);
}

Test(guard, without_a_limiter_nothing_is_limited)
{
	vly_limiter_destroy(guard.limiter);
	guard.limiter = NULL;
	set_mode(VLY_LIMIT_ON);
	cr_expect_eq(exhaust(a), 1000);
}

Test(guard, a_valid_cookie_lifts_the_limit_and_costs_nothing)
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
Test(guard, tc_is_never_larger_than_the_query)
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

Test(guard, badcookie_takes_the_place_of_tc_for_those_with_cookies)
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

Test(guard, allowed_prefixes_are_exempt)
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

Test(guard, limited_responses_are_sampled)
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
