/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which records are the same, so that a set has one of them (RFC 2181 §5, RFC 4034 §6.2, §6.3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "message.h"
#include "server.h"
#include "zone/rdata.h"

static void
expect_answer(const char *text, unsigned type, const char *expected)
{
	struct vly_test_zone zone = {"z.", text};
	struct vly_test_server server;

	cr_assert_eq(vly_test_server_open(&server, &zone, 1), 0, "%s", text);
	char *answer = vly_test_ask_text(
		server.table, &(struct vly_test_question){.name = "a.z.", .type = (uint16_t)type});
	cr_expect_str_eq(answer, expected, "%s: %s", text, answer);
	free(answer);
	vly_test_server_close(&server);
}

/* Types, their number, and two ways to write one record. */
static const struct {
	const char *type;
	unsigned number;
	const char *first, *second;
} twice[] = {
	{"NS", 2, "ns.Y.", "NS.y."},
	{"PTR", 12, "Some.y.", "soMe.Y."},
	{"MINFO", 14, "r.y. E.y.", "R.y. e.y."},
	{"MX", 15, "10 Some.y.", "10 some.y."},
	{"RP", 17, "m.y. T.y.", "M.y. t.y."},
	{"AFSDB", 18, "1 H.y.", "1 h.y."},
	{"RT", 21, "1 H.y.", "1 h.y."},
	{"SRV", 33, "0 5 53 H.y.", "0 5 53 h.y."},
	{"NAPTR", 35, "1 2 \"U\" \"SIP\" \"\" R.y.", "1 2 \"U\" \"SIP\" \"\" r.y."},
	{"KX", 36, "1 H.y.", "1 h.y."},
};

Test(rrset, has_a_record_once_in_whatever_case_its_names_are)
{
	for (size_t i = 0; i < sizeof(twice) / sizeof(twice[0]); i++) {
		char text[500];
		struct vly_test_zone zone = {"z.", text};
		struct vly_test_server server;
		struct vly_test_response response;

		snprintf(text, sizeof(text), VLY_TEST_APEX "@ %s %s\n@ %s %s\n", twice[i].type,
			 twice[i].first, twice[i].type, twice[i].second);
		cr_assert_eq(vly_test_server_open(&server, &zone, 1), 0, "%s", text);
		vly_test_ask(server.table,
			     &(struct vly_test_question){.name = "z.",
							 .type = (uint16_t)twice[i].number},
			     &response);
		/* VLY_TEST_APEX has an NS of its own */
		cr_expect_eq(response.count[1], twice[i].number == VLY_TYPE_NS ? 2 : 1, "%s: %u",
			     twice[i].type, response.count[1]);
		vly_test_response_free(&response);
		vly_test_server_close(&server);
	}
}

/* What RFC 4034 §6.2 does not list differs with its case: other strings are no names, and the names
 * of types that came later are octets like others (RFC 3597 §7). */
Test(rrset, has_records_that_differ_in_case_elsewhere)
{
	expect_answer(VLY_TEST_APEX "a TXT x\na TXT X\n", VLY_TYPE_TXT,
		      "NOERROR aa\nan a.z. 300 TXT \\# 0158\nan a.z. 300 TXT \\# 0178\n");
	expect_answer(VLY_TEST_APEX "a SVCB 1 b.\na SVCB 1 B.\n", VLY_TYPE_SVCB,
		      "NOERROR aa\nan a.z. 300 TYPE64 \\# 0001014200\n"
		      "an a.z. 300 TYPE64 \\# 0001016200\n");
	expect_answer(VLY_TEST_APEX
		      "a NAPTR 1 2 \"u\" \"\" \"\" .\na NAPTR 1 2 \"U\" \"\" \"\" .\n",
		      VLY_TYPE_NAPTR,
		      "NOERROR aa\nan a.z. 300 TYPE35 \\# 000100020155000000\n"
		      "an a.z. 300 TYPE35 \\# 000100020175000000\n");
}

static void
expect_spelling(const char *text, unsigned type, const char *kept, const char *left_out)
{
	struct vly_test_zone zone = {"z.", text};
	struct vly_test_server server;
	struct vly_test_response response;

	cr_assert_eq(vly_test_server_open(&server, &zone, 1), 0, "%s", text);
	vly_test_ask(server.table,
		     &(struct vly_test_question){.name = "a.z.", .type = (uint16_t)type},
		     &response);
	cr_expect_not_null(memmem(response.octets, response.len, kept, strlen(kept)), "%s", text);
	cr_expect_null(memmem(response.octets, response.len, left_out, strlen(left_out)), "%s",
		       text);
	vly_test_response_free(&response);
	vly_test_server_close(&server);
}

/* In an RRset, and in a chain of aliases. */
Test(rrset, keeps_the_first_spelling)
{
	expect_spelling(VLY_TEST_APEX "a MX 10 Some.y.\na MX 9 b.y.\na MX 10 SOME.y.\n",
			VLY_TYPE_MX, "Some", "SOME");
	expect_spelling(VLY_TEST_APEX "a CNAME Some.y.\na 200 CNAME SOME.y.\n", VLY_TYPE_CNAME,
			"Some", "SOME");
	expect_spelling(VLY_TEST_APEX "a CNAME Some.y.\na 200 CNAME SOME.y.\n", VLY_TYPE_A, "Some",
			"SOME");
}

/* A record that may be there but once is not refused because it is written twice. */
Test(rrset, of_one_record_may_be_written_twice)
{
	expect_answer(VLY_TEST_APEX "a CNAME t.y.\na CNAME T.y.\n", VLY_TYPE_CNAME,
		      "NOERROR aa\nan a.z. 300 CNAME t.y.\n");
	expect_answer(VLY_TEST_APEX "a DNAME t.y.\na DNAME T.y.\n", VLY_TYPE_DNAME,
		      "NOERROR aa\nan a.z. 300 DNAME \\# 0174017900\n");
	expect_answer("@ 300 SOA n. m. 1 2 3 4 60\n@ 300 SOA N. M. 1 2 3 4 60\n@ 300 NS n.\n", 1,
		      "NXDOMAIN aa\nns z. 60 SOA n. m. 1 2 3 4 60\n");
}

static void
expect_order(unsigned type, const char *left, const char *right, int expected)
{
	int order = vly_rdata_compare((uint16_t)type, (const uint8_t *)left, 32,
				      (const uint8_t *)right, 32);
	int back = vly_rdata_compare((uint16_t)type, (const uint8_t *)right, 32,
				     (const uint8_t *)left, 32);

	cr_expect_eq((order > 0) - (order < 0), expected, "type %u: %d", type, order);
	cr_expect_eq((back > 0) - (back < 0), -expected, "type %u, back: %d", type, back);
}

/* Types that can be written as octets only. All of it is 32 octets long. */
Test(rrset, compares_rdata_in_canonical_form)
{
	static const char bits[] = "\1Ab\0BITBITBITBITBITBITBITBITBITB";
	static const char low_bits[] = "\1ab\0BITBITBITBITBITBITBITBITBITB";
	static const char two[32] = "\0\1\2AB\0\3CdE";
	static const char low_two[32] = "\0\1\2ab\0\3cde";
	static const char signer[32] = "\0\1\10\2XXXXXXXXXXXXXX\1S\0sig";
	static const char low_signer[32] = "\0\1\10\2XXXXXXXXXXXXXX\1s\0sig";
	static const char other_sum[32] = "\0\1\10\2XXXXXXXXXXXXXX\1s\0sIg";
	static const char a6[32] = "\100ADDRESS8\1P\0";
	static const char low_a6[32] = "\100ADDRESS8\1p\0";
	static const char broken[32] = "\77X\0";
	static const char low_broken[32] = "\77x\0";

	expect_order(VLY_TYPE_PX, two, low_two, 0);
	expect_order(VLY_TYPE_NXT, bits, low_bits, -1); /* \1 A, then b: no end */
	expect_order(VLY_TYPE_SIG, signer, low_signer, 0);
	expect_order(VLY_TYPE_RRSIG, signer, low_signer, 0);
	expect_order(VLY_TYPE_RRSIG, low_signer, other_sum, 1);
	expect_order(VLY_TYPE_A6, a6, low_a6, 0);
	expect_order(VLY_TYPE_NSEC, two, low_two, -1); /* RFC 6840 §5.1 */
	expect_order(VLY_TYPE_MB, broken, low_broken, -1);
	expect_order(65280, two, low_two, -1);
}
