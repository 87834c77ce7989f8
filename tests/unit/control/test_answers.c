/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which answers are compiled: names that do not exist, loops of aliases, addresses of targets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "message.h"
#include "server.h"

#define SOA    "ns z. 60 SOA ns.elsewhere. mail.elsewhere. 7 2 3 4 60\n"
#define HASH   "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"
#define NSEC3  " NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A\n"
#define SIGNED " RRSIG NSEC3 8 2 300 20300101000000 20200101000000 1 z. AAAA\n"

struct expected {
	const char *name;
	unsigned type;
	const char *answer;
};

static void
expect_answers(const char *text, const struct expected *expected, size_t cnt)
{
	struct vly_test_zone zone = {"z.", text};
	struct vly_test_server server;

	cr_assert_eq(vly_test_server_open(&server, &zone, 1), 0, "%s", text);
	for (size_t i = 0; i < cnt; i++) {
		const struct vly_test_question question = {.name = expected[i].name,
							   .type = (uint16_t)expected[i].type};
		char *answer = vly_test_ask_text(server.table, &question);
		cr_expect_str_eq(answer, expected[i].answer, "%s type %u of %s: %s",
				 expected[i].name, expected[i].type, text, answer);
		free(answer);
	}
	vly_test_server_close(&server);
}

#define EXPECT_ANSWERS(text, ...)                                                                  \
	do {                                                                                       \
		static const struct expected expected[] = {__VA_ARGS__};                           \
		expect_answers(text, expected, sizeof(expected) / sizeof(expected[0]));            \
	} while (0)

/* RFC 5155 §7.2.8 */
Test(answers, owner_of_nsec3_alone_does_not_exist)
{
	EXPECT_ANSWERS(VLY_TEST_APEX HASH NSEC3 HASH SIGNED,
		       {HASH ".z.", VLY_TYPE_TXT, "NXDOMAIN aa\n" SOA},
		       {HASH ".z.", VLY_TYPE_NSEC3, "NXDOMAIN aa\n" SOA},
		       {HASH ".z.", VLY_TYPE_ANY, "NXDOMAIN aa\n" SOA},
		       {"x." HASH ".z.", VLY_TYPE_A, "NXDOMAIN aa\n" SOA});
	EXPECT_ANSWERS(
		VLY_TEST_APEX HASH NSEC3 "* A 192.0.2.1\nc CNAME " HASH "\n",
		{HASH ".z.", VLY_TYPE_A, "NOERROR aa\nan " HASH ".z. 300 A 192.0.2.1\n"},
		{HASH ".z.", VLY_TYPE_NSEC3, "NOERROR aa\n" SOA},
		{"x." HASH ".z.", VLY_TYPE_A, "NOERROR aa\nan x." HASH ".z. 300 A 192.0.2.1\n"},
		{"c.z.", VLY_TYPE_A,
		 "NOERROR aa\nan " HASH ".z. 300 A 192.0.2.1\nan c.z. 300 CNAME " HASH ".z.\n"});
}

/* It exists when it owns other records, too, or a name below it exists. */
Test(answers, owner_of_nsec3_and_more_exists)
{
	EXPECT_ANSWERS(VLY_TEST_APEX HASH NSEC3 HASH " A 192.0.2.1\n* TXT x\n",
		       {HASH ".z.", VLY_TYPE_TXT, "NOERROR aa\n" SOA},
		       {HASH ".z.", VLY_TYPE_A, "NOERROR aa\nan " HASH ".z. 300 A 192.0.2.1\n"});
	EXPECT_ANSWERS(VLY_TEST_APEX HASH NSEC3 "a." HASH " A 192.0.2.1\n* TXT x\n",
		       {HASH ".z.", VLY_TYPE_TXT, "NOERROR aa\n" SOA},
		       {"b." HASH ".z.", VLY_TYPE_TXT, "NXDOMAIN aa\n" SOA});
}

/* Nor is there a wildcard, or an empty non-terminal, for the sake of NSEC3 alone. */
Test(answers, nothing_exists_for_the_sake_of_nsec3)
{
	EXPECT_ANSWERS(VLY_TEST_APEX "*.w" NSEC3 "w A 192.0.2.1\n",
		       {"x.w.z.", VLY_TYPE_A, "NXDOMAIN aa\n" SOA},
		       {"w.z.", VLY_TYPE_TXT, "NOERROR aa\n" SOA});
	EXPECT_ANSWERS(VLY_TEST_APEX HASH ".e" NSEC3, {"e.z.", VLY_TYPE_A, "NXDOMAIN aa\n" SOA});
}

/* RFC 1034 §4.3.2 3a: an alias that leads to its own wildcard, or to a name that is made from it,
 * has the record of that name, too. Nothing is there twice (RFC 2181 §5). */
Test(answers, wildcard_alias_may_lead_to_itself)
{
	EXPECT_ANSWERS(VLY_TEST_APEX "*.l CNAME *.l\n",
		       {"w.l.z.", VLY_TYPE_A,
			"NOERROR aa\nan *.l.z. 300 CNAME *.l.z.\nan w.l.z. 300 CNAME *.l.z.\n"},
		       {"v.w.l.z.", VLY_TYPE_A,
			"NOERROR aa\nan *.l.z. 300 CNAME *.l.z.\nan v.w.l.z. 300 CNAME *.l.z.\n"},
		       {"*.l.z.", VLY_TYPE_A, "NOERROR aa\nan *.l.z. 300 CNAME *.l.z.\n"},
		       {"w.l.z.", VLY_TYPE_CNAME, "NOERROR aa\nan w.l.z. 300 CNAME *.l.z.\n"});
	EXPECT_ANSWERS(VLY_TEST_APEX "*.m CNAME t.m\n",
		       {"w.m.z.", VLY_TYPE_A,
			"NOERROR aa\nan t.m.z. 300 CNAME t.m.z.\nan w.m.z. 300 CNAME t.m.z.\n"},
		       {"t.m.z.", VLY_TYPE_A, "NOERROR aa\nan t.m.z. 300 CNAME t.m.z.\n"},
		       {"a.t.m.z.", VLY_TYPE_A,
			"NOERROR aa\nan a.t.m.z. 300 CNAME t.m.z.\nan t.m.z. 300 CNAME t.m.z.\n"});
	EXPECT_ANSWERS(
		VLY_TEST_APEX "*.m CNAME *.b.m\n",
		{"w.m.z.", VLY_TYPE_A,
		 "NOERROR aa\nan *.b.m.z. 300 CNAME *.b.m.z.\nan w.m.z. 300 CNAME *.b.m.z.\n"},
		{"b.m.z.", VLY_TYPE_A,
		 "NOERROR aa\nan *.b.m.z. 300 CNAME *.b.m.z.\nan b.m.z. 300 CNAME *.b.m.z.\n"},
		{"x.b.m.z.", VLY_TYPE_A,
		 "NOERROR aa\nan *.b.m.z. 300 CNAME *.b.m.z.\nan x.b.m.z. 300 CNAME *.b.m.z.\n"},
		{"*.b.m.z.", VLY_TYPE_A, "NOERROR aa\nan *.b.m.z. 300 CNAME *.b.m.z.\n"});
}

/* The same in more than one step. */
Test(answers, wildcard_alias_may_come_by_again)
{
	EXPECT_ANSWERS(VLY_TEST_APEX "*.p CNAME o\no CNAME q.p\n",
		       {"w.p.z.", VLY_TYPE_A,
			"NOERROR aa\nan o.z. 300 CNAME q.p.z.\nan q.p.z. 300 CNAME o.z.\n"
			"an w.p.z. 300 CNAME o.z.\n"},
		       {"q.p.z.", VLY_TYPE_A,
			"NOERROR aa\nan o.z. 300 CNAME q.p.z.\nan q.p.z. 300 CNAME o.z.\n"},
		       {"o.z.", VLY_TYPE_A,
			"NOERROR aa\nan o.z. 300 CNAME q.p.z.\nan q.p.z. 300 CNAME o.z.\n"});
}
