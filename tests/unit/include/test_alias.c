/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rules, and that the compiler and the dataplane follow chains in the same way: an answer to a
 * name below a DNAME, which is composed, and one to a CNAME that leads to that name, which is
 * compiled, have the same records but for the CNAME. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <volley/alias.h>

#include "message.h"
#include "server.h"

struct hop {
	struct vly_alias_hop by;
	char more[5];
};

static const char a[1], b[1];

Test(alias, too_long)
{
	cr_expect_not(vly_alias_is_too_long(2, 253));
	cr_expect(vly_alias_is_too_long(2, 254));
}

Test(alias, growing)
{
	const struct hop hops[] = {{{a, 4}, ""}, {{b, 2}, ""}, {{a, 6}, ""}};
	const struct hop apart[] = {{{a, 4}, ""}, {{b, 0}, ""}};

	cr_expect_not(vly_alias_is_growing(hops, sizeof(hops[0]), 0, a, 9));
	/* the first hop's owner comes by again, with the prefix of then in front, or without */
	cr_expect(vly_alias_is_growing(hops, sizeof(hops[0]), 1, a, 4));
	cr_expect_not(vly_alias_is_growing(hops, sizeof(hops[0]), 1, a, 3));
	cr_expect_not(vly_alias_is_growing(hops, sizeof(hops[0]), 1, b, 4));
	/* b has touched the prefix that a had */
	cr_expect_not(vly_alias_is_growing(hops, sizeof(hops[0]), 2, a, 9));
	cr_expect(vly_alias_is_growing(hops, sizeof(hops[0]), 3, b, 2));
	cr_expect(vly_alias_is_growing(hops, sizeof(hops[0]), 3, a, 6));
	/* a CNAME in between replaces the whole name */
	cr_expect_not(vly_alias_is_growing(apart, sizeof(apart[0]), 2, a, 9));
}

/* Asks for A. */
static char *
ask(const struct vly_test_server *server, const char *name)
{
	const struct vly_test_question question = {
		.name = name, .type = VLY_TYPE_A, .edns = true, .payload = 4096, .stream = true};

	return vly_test_ask_text(server->table, &question);
}

/* Removes the line that begins with `start`; it must be there. */
static void
remove_line(char *text, const char *start)
{
	char *line = strstr(text, start);

	cr_assert_not_null(line, "no %s in %s", start, text);
	char *end = strchr(line, '\n');
	cr_assert_not_null(end);
	memmove(line, end + 1, strlen(end + 1) + 1);
}

/* `name` is below a DNAME. */
static void
expect_same(const char *records, const char *name, const char *part)
{
	char text[4096];
	char whole[300];
	const struct vly_test_zone zone = {"example.", text};
	struct vly_test_server server;

	snprintf(text, sizeof(text), VLY_TEST_APEX "%svia CNAME %s\n", records, name);
	snprintf(whole, sizeof(whole), "%s.example.", name);
	cr_assert_eq(vly_test_server_open(&server, &zone, 1), 0);
	char *composed = ask(&server, whole);
	char *compiled = ask(&server, "via.example.");
	remove_line(compiled, "an via.example. ");
	cr_expect_str_eq(composed, compiled, "%s", records);
	cr_expect_not_null(strstr(composed, part), "no %s in %s", part, composed);
	free(composed);
	free(compiled);
	vly_test_server_close(&server);
}

Test(alias, chains_that_end)
{
	expect_same("a DNAME b\nx.b A 192.0.2.1\n", "x.a", "192.0.2.1");
	expect_same("a DNAME b\nb DNAME c\nx.c CNAME e\ne A 192.0.2.1\n", "x.a", "192.0.2.1");
	expect_same("a DNAME b\n", "x.a", "NXDOMAIN");
	expect_same("a DNAME b\nb NS ns.b\nns.b A 192.0.2.1\n", "x.a", "ns b.example.");
	expect_same("a DNAME elsewhere.\n", "x.a", "x.elsewhere.");
}

Test(alias, chains_without_end)
{
	expect_same("a DNAME b\nb DNAME c\nc DNAME a\n", "x.a", "an x.c.example.");
	expect_same("a DNAME x.a\n", "x.a", "an x.a.example.");
	expect_same("a DNAME b\nb DNAME y.a\n", "x.a", "an x.b.example.");
	expect_same("a DNAME y.b\nb DNAME a\n", "x.a", "an x.y.b.example.");
}

Test(alias, too_long_a_name)
{
	char label[64];
	char records[400];

	memset(label, 'l', 63);
	label[63] = '\0';
	snprintf(records, sizeof(records), "a DNAME b\nb DNAME %s.%s.%s\n", label, label, label);
	memset(label, 'x', 63);
	char name[80];
	snprintf(name, sizeof(name), "%s.a", label);
	expect_same(records, name, "RCODE6");
}

/* The CNAME counts: one hop less is left for the rest. */
static void
write_chain(char records[1000], unsigned dname_cnt)
{
	size_t len = 0;

	for (unsigned i = 0; i < dname_cnt; i++)
		len += (size_t)snprintf(records + len, 1000 - len, "d%u DNAME d%u\n", i, i + 1);
	snprintf(records + len, 1000 - len, "x.d%u A 192.0.2.1\n", dname_cnt);
}

Test(alias, the_longest_chain)
{
	char records[1000];

	write_chain(records, VLY_ALIAS_HOPS_MAX - 1);
	expect_same(records, "x.d0", "192.0.2.1");
}

Test(alias, one_hop_too_many)
{
	char records[1000];
	struct vly_test_server server;
	char text[1100];
	const struct vly_test_zone zone = {"example.", text};

	write_chain(records, VLY_ALIAS_HOPS_MAX + 1);
	snprintf(text, sizeof(text), VLY_TEST_APEX "%svia CNAME x.d1\n", records);
	cr_assert_eq(vly_test_server_open(&server, &zone, 1), 0);
	char *composed = ask(&server, "x.d0.example.");
	char *compiled = ask(&server, "via.example.");
	cr_expect_not_null(strstr(composed, "an x.d15.example."));
	cr_expect_null(strstr(composed, "an x.d16.example."));
	cr_expect_not_null(strstr(compiled, "an x.d15.example."));
	cr_expect_null(strstr(compiled, "an x.d16.example."));
	free(composed);
	free(compiled);
	vly_test_server_close(&server);
}
