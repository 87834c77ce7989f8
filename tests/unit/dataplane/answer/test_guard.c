/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cookies on their way through whole messages: what comes back, and what is counted. */
#include "guarded.h"

TestSuite(guard, .init = set_up, .fini = tear_down);

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
