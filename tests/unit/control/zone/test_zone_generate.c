/* SPDX-License-Identifier: GPL-3.0-or-later */
/* $GENERATE, as BIND's manual has it. Expected lines were compared with named-compilezone's. */
#include <stdio.h>

#include <criterion/criterion.h>

#include "message.h"
#include "server.h"
#include "zone/zone_generate.h"

Test(zone_generate, knows_the_directive)
{
	static const struct {
		const char *line;
		bool is;
	} cases[] = {
		{"$GENERATE 1-2 a A 1.2.3.4", true},
		{"$generate\t1-2 a A 1.2.3.4", true},
		{"$GENERATED 1-2", false},
		{"$GENERATE", false},
		{"$ORIGIN z.", false},
		{"a A 1.2.3.4", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(vly_generate_is(cases[i].line, strlen(cases[i].line)), cases[i].is,
			     "%s", cases[i].line);
}

/* Expands all lines of a directive into `to`; NULL, or what is wrong with it. */
static const char *
expand(const char *line, char *to, size_t size)
{
	struct vly_generate generate;
	size_t len = 0;
	const char *why = vly_generate_parse(&generate, line, strlen(line));

	for (uint64_t i = generate.start; why == NULL && i <= generate.stop; i += generate.step) {
		size_t bytes =
			vly_generate_expand(&generate, (uint32_t)i, to + len, size - len - 1);
		if (bytes == 0)
			return "a line";
		len += bytes;
	}
	to[len] = '\0';
	return why;
}

struct generated {
	const char *line;
	const char *expected;
};

static void
expand_all(const struct generated *cases, size_t cnt)
{
	char text[500];

	for (size_t i = 0; i < cnt; i++) {
		cr_expect_null(expand(cases[i].line, text, sizeof(text)), "%s", cases[i].line);
		cr_expect_str_eq(text, cases[i].expected);
	}
}

Test(zone_generate, expands)
{
	static const struct generated cases[] = {
		{"$GENERATE 1-2 a$ A 10.0.0.$", "a1 A 10.0.0.1\na2 A 10.0.0.2\n"},
		{"$GENERATE 0-4/2 $ PTR h$", "0 PTR h0\n2 PTR h2\n4 PTR h4\n"},
		{"$GENERATE 1-10/9 h${0,4} A 1.2.3.4", "h0001 A 1.2.3.4\nh0010 A 1.2.3.4\n"},
		{"$GENERATE 10-10 h${-3,3,x} A 1.2.3.4", "h007 A 1.2.3.4\n"},
		{"$GENERATE 10-10 h${+5,0,o}${1,0,X} A 1.2.3.4", "h17B A 1.2.3.4\n"},
		{"$GENERATE 10-11 ${5,7,n}.ip6 TXT x", "f.0.0.0.ip6 TXT x\n0.1.0.0.ip6 TXT x\n"},
		{"$GENERATE 17-17 ${0,1,N} TXT a", "1.1 TXT a\n"},
		{"$GENERATE 1-1 a TXT \\$ $$ \\\\$", "a TXT \\$ \\$ \\\\1\n"},
		{"$GENERATE 2147483647-2147483647 a$ A 1.2.3.4", "a2147483647 A 1.2.3.4\n"},
		/* a negative number */
		{"$GENERATE 0-0 h${-1} A 1.2.3.4", "h-1 A 1.2.3.4\n"},
		{"$GENERATE 0-0 h${-1,3} A 1.2.3.4", "h-01 A 1.2.3.4\n"},
		{"$GENERATE 0-0 h${-2,3,x} A 1.2.3.4", "hfffffffe A 1.2.3.4\n"},
		{"$GENERATE 0-0 h${-2,0,o} A 1.2.3.4", "h37777777776 A 1.2.3.4\n"},
		{"$GENERATE 1024-1024 ${-2000,0,n} A 1.2.3.4", "0.3.c.f.f.f.f.f A 1.2.3.4\n"},
		/* an even number of places has a dot at its end */
		{"$GENERATE 10-10 h${0,3,N} A 1.2.3.4", "hA.0 A 1.2.3.4\n"},
		{"$GENERATE 10-10 h${0,4,N}x A 1.2.3.4", "hA.0.x A 1.2.3.4\n"},
		{"$GENERATE 300-300 h${0,6,n}x A 1.2.3.4", "hc.2.1.x A 1.2.3.4\n"},
		{"$GENERATE 300-300 h${0,5,n} A 1.2.3.4", "hc.2.1 A 1.2.3.4\n"},
		{"$GENERATE 1-1 ${0,64,n}ip6 A 1.2.3.4",
		 "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6 A 1.2.3.4\n"},
		/* the rest of the line */
		{"$GENERATE 1-1 h$ A 192.0.2.$ ; costs ${5", "h1 A 192.0.2.1\n"},
		{"$GENERATE 1-1 h$ A 192.0.2.$\t\r", "h1 A 192.0.2.1\n"},
		{"$GENERATE 1-1 h$ TXT a\\;$ \"b;$\"", "h1 TXT a\\;1 \"b;1\"\n"},
	};

	expand_all(cases, sizeof(cases) / sizeof(cases[0]));
}

/* Data in quotes is one word: BIND reads what is inside. */
Test(zone_generate, expands_data_in_quotes)
{
	static const struct generated cases[] = {
		{"$GENERATE 1-1 HOST-$ MX \"0 .\"", "HOST-1 MX 0 .\n"},
		{"$GENERATE 1-1 h$ SRV \"0 0 53 ns1\" ; text", "h1 SRV 0 0 53 ns1\n"},
		{"$GENERATE 1-1 h$ 60 IN CAA \"0 issue ca$.\"\r", "h1 60 IN CAA 0 issue ca1.\n"},
		{"$GENERATE 1-1 h$ CLASS1 1h A \"192.0.2.$\"", "h1 CLASS1 1h A 192.0.2.1\n"},
		{"$GENERATE 1-1 h$ in PTR \"h$.example.\"", "h1 in PTR h1.example.\n"},
		{"$GENERATE 1-1 h$ NAPTR \"10 10 \\\"u\\\" \\\"E2U+sip\\\" "
		 "\\\"!^.*\\$!sip:$@a!\\\" .\"",
		 "h1 NAPTR 10 10 \"u\" \"E2U+sip\" \"!^.*\\$!sip:1@a!\" .\n"},
		{"$GENERATE 1-1 h$ TYPE1 \"\\# 4 0a00000$\"", "h1 TYPE1 \\# 4 0a000001\n"},
		{"$GENERATE 1-1 h$ TXT \"text $\"", "h1 TXT text 1\n"},
		{"$GENERATE 1-1 h$ TXT \"\\\"text $\\\"\"", "h1 TXT \"text 1\"\n"},
		{"$GENERATE 1-1 h$ TXT \"a\\\\ \\065\"", "h1 TXT a\\\\ \\065\n"},
		/* of these, BIND reads none */
		{"$GENERATE 1-1 h$ TXT \"\"", "h1 TXT \"\"\n"},
		{"$GENERATE 1-1 h$ TXT \"a $\" \"b\"", "h1 TXT \"a 1\" \"b\"\n"},
		{"$GENERATE 1-1 h$ TXT \"a $\"\"b\"", "h1 TXT \"a 1\"\"b\"\n"},
		{"$GENERATE 1-1 h$ CAA 0 issue \"ca$\"", "h1 CAA 0 issue \"ca1\"\n"},
		{"$GENERATE 1-1 \"h$\" A \"192.0.2.1\"", "\"h1\" A 192.0.2.1\n"},
	};

	expand_all(cases, sizeof(cases) / sizeof(cases[0]));
}

Test(zone_generate, refuses)
{
	static const char *const lines[] = {
		"$GENERATE a A 1.2.3.4",
		"$GENERATE 1 a A 1.2.3.4",
		"$GENERATE 2-1 a A 1.2.3.4",
		"$GENERATE 1-2/0 a A 1.2.3.4",
		"$GENERATE 1-2/ a A 1.2.3.4",
		"$GENERATE 1-2a A 1.2.3.4",
		"$GENERATE 1-2 ",
		"$GENERATE 0-16777216 a A 1.2.3.4",
		"$GENERATE 1-2147483648 a A 1",
		"$GENERATE 1-1 ${} A 1.2.3.4",
		"$GENERATE 1-1 ${0,3,q} A 1",
		"$GENERATE 1-1 ${0,128} A 1.2.3.4",
		"$GENERATE 1-1 ${1,-3} A 1.2.3.4",
		"$GENERATE 1-1 ; A 1.2.3.4",
		"$GENERATE 1-1 a TXT \"$",
		"$GENERATE 1-1 a TXT \"$\\\"",
		"$GENERATE 1-1 a TXT \"$\\",
		"$GENERATE 1-1 ${0,3,d A 1",
		"$GENERATE 1-1 ${99999999999} A",
	};
	char text[500];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		cr_expect_not_null(expand(lines[i], text, sizeof(text)), "%s", lines[i]);
}

Test(zone_generate, says_when_a_line_does_not_fit)
{
	struct vly_generate generate;
	const char *line = "$GENERATE 1-1 abc$ A 10.0.0.1";
	char text[32];

	cr_assert_null(vly_generate_parse(&generate, line, strlen(line)));
	size_t bytes = vly_generate_expand(&generate, 1, text, sizeof(text));
	cr_assert_gt(bytes, 0);
	for (size_t size = 0; size < bytes; size++)
		cr_expect_eq(vly_generate_expand(&generate, 1, text, size), 0);
}

Test(zone_generate, base_may_not_be_nul)
{
	static const char line[] = "$GENERATE 1-1 a${0,0,\0} A 10.0.0.1";
	struct vly_generate generate;
	char text[64];

	cr_assert_null(vly_generate_parse(&generate, line, sizeof(line) - 1));
	cr_expect_eq(vly_generate_expand(&generate, 1, text, sizeof(text)), 0);
}

/* In a zone: with the origin, the TTL and the lines around it as they should be. */
Test(zone_generate, works_inside_a_zone_file)
{
	static const struct vly_test_zone zone = {
		"z.",
		VLY_TEST_APEX "$ORIGIN sub.z.\n$TTL 77\n$GENERATE 1-3 h$ A 192.0.2.$\nafter TXT x\n"
			      "$GENERATE 1-1 txt TXT \"text $\"\r\n"};
	static const struct vly_test_zone bad = {
		"z.", VLY_TEST_APEX
		"$GENERATE 1-3 h$ A 192.0.2.$\n$GENERATE 254-256 h$ A 192.0.2.$\nb A x\n"};
	struct vly_test_server server;
	struct vly_test_response response;
	struct vly_zone_error error;

	cr_assert_eq(vly_test_server_open(&server, &zone, 1), 0);
	vly_test_ask(server.table,
		     &(struct vly_test_question){.name = "h3.sub.z.", .type = VLY_TYPE_A},
		     &response);
	cr_assert_eq(response.record_cnt, 1);
	cr_expect_eq(response.record[0].ttl, 77);
	cr_expect_eq(response.record[0].data[3], 3);
	vly_test_response_free(&response);
	vly_test_ask(server.table,
		     &(struct vly_test_question){.name = "after.sub.z.", .type = VLY_TYPE_TXT},
		     &response);
	cr_expect_eq(response.record_cnt, 1);
	vly_test_response_free(&response);
	vly_test_ask(server.table,
		     &(struct vly_test_question){.name = "txt.sub.z.", .type = VLY_TYPE_TXT},
		     &response);
	cr_assert_eq(response.record_cnt, 1);
	cr_assert_eq(response.record[0].data_len, 7);
	cr_expect_arr_eq(response.record[0].data, "\4text\0011", 7);
	vly_test_response_free(&response);
	vly_test_server_close(&server);

	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
	cr_assert_eq(vly_test_zone_add(builder, &bad, &error), -1);
	cr_expect_eq(error.line, 5, "the directive's line, not %llu",
		     (unsigned long long)error.line);
	vly_image_builder_free(builder);
}
