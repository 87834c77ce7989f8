/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which answers are compiled: names that do not exist, loops of aliases, addresses of targets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

#define LINES_MAX 20

/* The lines of an expected answer, behind the first, in the order of vly_test_response_text(). */
static void
sort_lines(char *text)
{
	char *lines[LINES_MAX];
	char *line = strchr(text, '\n') + 1;
	char *sorted = malloc(strlen(text) + 1);
	size_t len = 0;
	unsigned cnt = 0;

	for (char *end; *line != '\0'; line = end + 1) {
		cr_assert_lt(cnt, LINES_MAX);
		end = strchr(line, '\n');
		lines[cnt++] = strndup(line, (size_t)(end + 1 - line));
	}
	qsort(lines, cnt, sizeof(lines[0]), vly_test_line_order);
	for (unsigned i = 0; i < cnt; i++) {
		strcpy(sorted + len, lines[i]);
		len += strlen(lines[i]);
		free(lines[i]);
	}
	memcpy(strchr(text, '\n') + 1, sorted, len);
	free(sorted);
}

static void
check_answers(const struct vly_test_server *server, const char *text,
	      const struct expected *expected, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		const struct vly_test_question question = {.name = expected[i].name,
							   .type = (uint16_t)expected[i].type};
		char *answer = vly_test_ask_text(server->table, &question);
		char *wanted = strdup(expected[i].answer);
		sort_lines(wanted);
		cr_expect_str_eq(answer, wanted, "%s type %u of %s: %s", expected[i].name,
				 expected[i].type, text, answer);
		free(answer);
		free(wanted);
	}
}

static void
expect_answers(const char *text, const struct expected *expected, size_t cnt)
{
	struct vly_test_zone zone = {"z.", text};
	struct vly_test_server server;

	cr_assert_eq(vly_test_server_open(&server, &zone, 1), 0, "%s", text);
	check_answers(&server, text, expected, cnt);
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
	EXPECT_ANSWERS(VLY_TEST_APEX HASH NSEC3 HASH SIGNED HASH
		       " A 192.0.2.1\n* TXT x\nc CNAME " HASH "\n",
		       {HASH ".z.", VLY_TYPE_NSEC3, "NOERROR aa\n" SOA},
		       {HASH ".z.", VLY_TYPE_RRSIG, "NOERROR aa\n" SOA},
		       {"c.z.", VLY_TYPE_NSEC3, "NOERROR aa\nan c.z. 300 CNAME " HASH ".z.\n" SOA},
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

#define HOSTS "h A 192.0.2.1\nh AAAA 2001:db8::1\n*.w A 192.0.2.2\n"
#define H     "ad h.z. 300 A 192.0.2.1\nad h.z. 300 AAAA \\# 20010db8000000000000000000000001\n"

/* RFC 1035 §3.3.9: addresses of the hosts that records name, each once, also those that a wildcard
 * gives. */
Test(answers, bring_addresses_of_hosts)
{
	EXPECT_ANSWERS(VLY_TEST_APEX HOSTS
		       "m MX 1 h\nm MX 2 h\nm MX 3 b.w\nm MX 4 no\nm MX 5 a.y.\nc CNAME m\n",
		       {"m.z.", VLY_TYPE_MX,
			"NOERROR aa\nad b.w.z. 300 A 192.0.2.2\n" H
			"an m.z. 300 MX 1 h.z.\nan m.z. 300 MX 2 h.z.\nan m.z. 300 MX 3 b.w.z.\n"
			"an m.z. 300 MX 4 no.z.\nan m.z. 300 MX 5 a.y.\n"},
		       {"c.z.", VLY_TYPE_MX,
			"NOERROR aa\nad b.w.z. 300 A 192.0.2.2\n" H "an c.z. 300 CNAME m.z.\n"
			"an m.z. 300 MX 1 h.z.\nan m.z. 300 MX 2 h.z.\nan m.z. 300 MX 3 b.w.z.\n"
			"an m.z. 300 MX 4 no.z.\nan m.z. 300 MX 5 a.y.\n"});
	EXPECT_ANSWERS(VLY_TEST_APEX HOSTS "@ NS s.w\nd NS t.w\n",
		       {"z.", VLY_TYPE_NS,
			"NOERROR aa\nad s.w.z. 300 A 192.0.2.2\nan z. 300 NS ns.elsewhere.\n"
			"an z. 300 NS s.w.z.\n"},
		       {"d.z.", VLY_TYPE_A,
			"NOERROR\nad t.w.z. 300 A 192.0.2.2\nns d.z. 300 NS t.w.z.\n"});
}

/* RFC 2782, RFC 2230, RFC 1183, RFC 3404 §4.3: of other types, too. */
Test(answers, bring_addresses_of_hosts_of_all_types)
{
	EXPECT_ANSWERS(
		VLY_TEST_APEX HOSTS
		"s SRV 0 0 1 h\ns SRV 0 0 2 H\nk KX 1 h\nf AFSDB 1 h\nr RT 1 h\n"
		"n NAPTR 1 2 \"A\" \"\" \"\" h\no NAPTR 1 2 \"s\" \"\" \"\" s\n"
		"p NAPTR 1 2 \"U\" \"\" \"\" h\n",
		{"s.z.", VLY_TYPE_SRV,
		 "NOERROR aa\n" H "an s.z. 300 TYPE33 \\# 0000000000010168017a00\n"
		 "an s.z. 300 TYPE33 \\# 0000000000020148017a00\n"},
		{"k.z.", VLY_TYPE_KX, "NOERROR aa\n" H "an k.z. 300 TYPE36 \\# 00010168017a00\n"},
		{"f.z.", VLY_TYPE_AFSDB,
		 "NOERROR aa\n" H "an f.z. 300 TYPE18 \\# 00010168017a00\n"},
		{"r.z.", VLY_TYPE_RT, "NOERROR aa\n" H "an r.z. 300 TYPE21 \\# 00010168017a00\n"},
		{"n.z.", VLY_TYPE_NAPTR,
		 "NOERROR aa\n" H "an n.z. 300 TYPE35 \\# 000100020141000001"
		 "68017a00\n"},
		{"o.z.", VLY_TYPE_NAPTR,
		 "NOERROR aa\nad s.z. 300 TYPE33 \\# 0000000000010168017a00\n"
		 "ad s.z. 300 TYPE33 \\# 0000000000020148017a00\n"
		 "an o.z. 300 TYPE35 \\# 00010002017300000173017a00\n"},
		{"p.z.", VLY_TYPE_NAPTR,
		 "NOERROR aa\nan p.z. 300 TYPE35 \\# 00010002015500000168017a00\n"});
}

/* RFC 9460 §4.1: of HTTPS and SVCB the addresses, and behind an alias the same type. */
Test(answers, bring_what_services_lead_to)
{
	EXPECT_ANSWERS(
		VLY_TEST_APEX HOSTS
		"a HTTPS 0 h\nh HTTPS 1 .\nt SVCB 1 h\ns HTTPS 0 s\nn SVCB 0 .\n*.w HTTPS 1 .\n"
		"c CNAME h\n",
		{"a.z.", VLY_TYPE_HTTPS,
		 "NOERROR aa\n" H "ad h.z. 300 TYPE65 \\# 000100\n"
		 "an a.z. 300 TYPE65 \\# 00000168017a00\n"},
		{"h.z.", VLY_TYPE_HTTPS, "NOERROR aa\n" H "an h.z. 300 TYPE65 \\# 000100\n"},
		{"c.z.", VLY_TYPE_HTTPS,
		 "NOERROR aa\n" H "an c.z. 300 CNAME h.z.\nan h.z. 300 TYPE65 \\# 000100\n"},
		{"x.w.z.", VLY_TYPE_HTTPS,
		 "NOERROR aa\nad x.w.z. 300 A 192.0.2.2\nan x.w.z. 300 TYPE65 \\# 000100\n"},
		{"t.z.", VLY_TYPE_SVCB, "NOERROR aa\n" H "an t.z. 300 TYPE64 \\# 00010168017a00\n"},
		{"s.z.", VLY_TYPE_HTTPS, "NOERROR aa\nan s.z. 300 TYPE65 \\# 00000173017a00\n"},
		{"n.z.", VLY_TYPE_SVCB, "NOERROR aa\nan n.z. 300 TYPE64 \\# 000000\n"});
}

/* What the zone has below a cut is not for it to say, but where its own name servers are. */
Test(answers, bring_no_addresses_from_below_a_cut)
{
	EXPECT_ANSWERS(VLY_TEST_APEX "d NS ns.d\nns.d A 192.0.2.1\nm MX 1 ns.d\n@ NS ns.d\n",
		       {"m.z.", VLY_TYPE_MX, "NOERROR aa\nan m.z. 300 MX 1 ns.d.z.\n"},
		       {"z.", VLY_TYPE_NS,
			"NOERROR aa\nad ns.d.z. 300 A 192.0.2.1\nan z. 300 NS ns.d.z.\n"
			"an z. 300 NS ns.elsewhere.\n"});
}

/* With "additional: none" nothing comes that can be left out. */
Test(answers, go_without_addresses_if_told_to)
{
	static const struct vly_test_zone zone = {
		"z.", VLY_TEST_APEX HOSTS "m MX 1 h\nd NS h\ne NS ns.e\nns.e A 192.0.2.9\n"};
	static const struct expected expected[] = {
		{"m.z.", VLY_TYPE_MX, "NOERROR aa\nan m.z. 300 MX 1 h.z.\n"},
		{"d.z.", VLY_TYPE_A, "NOERROR\nns d.z. 300 NS h.z.\n"},
		{"e.z.", VLY_TYPE_A,
		 "NOERROR\nad ns.e.z. 300 A 192.0.2.9\nns e.z. 300 NS ns.e.z.\n"},
	};
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
	struct vly_built_image built;
	struct vly_zone_error error;
	struct vly_image_error image_error;
	struct vly_test_server server;

	vly_image_builder_answer_additional_none(builder);
	cr_assert_eq(vly_test_zone_add(builder, &zone, &error), 0);
	cr_assert_eq(vly_image_builder_seal(builder, &built), 0);
	server.image = vly_image_open(built.fd, 1, NULL, &image_error);
	cr_assert_not_null(server.image);
	server.table = vly_table_build(&server.image, 1, &image_error);
	cr_assert_not_null(server.table);
	close(built.fd);
	check_answers(&server, zone.text, expected, sizeof(expected) / sizeof(expected[0]));
	vly_test_server_close(&server);
}

/* An answer that is too large for a message with all addresses is served with as many as fit. */
Test(answers, have_no_more_addresses_than_fit_a_message)
{
	struct vly_test_server server;
	struct vly_test_response response;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs(VLY_TEST_APEX, out);
	for (unsigned i = 0; i < 1500; i++)
		fprintf(out, "m MX 1 h%u\nh%u A 192.0.2.1\nh%u AAAA 2001:db8::1\n", i, i, i);
	fclose(out);
	cr_assert_eq(vly_test_server_open(&server, &(struct vly_test_zone){"z.", text}, 1), 0);
	vly_test_ask(
		server.table,
		&(struct vly_test_question){.name = "m.z.", .type = VLY_TYPE_MX, .stream = true},
		&response);
	cr_expect_null(response.fault, "%s", response.fault);
	cr_expect_eq(response.count[1], 1500);
	cr_expect_gt(response.len, 65000);
	cr_expect_gt(response.count[3], 100);
	vly_test_response_free(&response);
	vly_test_server_close(&server);
	free(text);
}
