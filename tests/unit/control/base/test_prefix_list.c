/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/prefix_list.h"

static void
expect_same(const char *text, const char *wanted)
{
	char reason[VLY_PREFIX_REASON_BYTES];
	char out[VLY_PREFIX_TEXT_BYTES];
	struct vly_prefix_rule rule;

	cr_assert_null(vly_prefix_parse(text, &rule, reason), "%s: %s", text, reason);
	cr_expect_str_eq(vly_prefix_format(&rule, out), wanted, "%s became %s", text, out);
}

static void
expect_refused(const char *text, const char *part)
{
	char reason[VLY_PREFIX_REASON_BYTES];
	struct vly_prefix_rule rule;

	cr_assert_not_null(vly_prefix_parse(text, &rule, reason), "%s was taken", text);
	cr_expect_not_null(strstr(reason, part), "%s: %s", text, reason);
}

Test(prefix_list, prefixes_and_addresses)
{
	expect_same("192.0.2.0/24", "192.0.2.0/24");
	expect_same("192.0.2.7", "192.0.2.7/32");
	expect_same("0.0.0.0/0", "0.0.0.0/0");
	expect_same("128.0.0.0/1", "128.0.0.0/1");
	expect_same("2001:DB8::/32", "2001:db8::/32");
	expect_same("2001:db8::1", "2001:db8::1/128");
	expect_same("::/0", "::/0");
	expect_same("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
}

Test(prefix_list, what_is_none)
{
	expect_refused("", "not an IPv4 or IPv6 prefix");
	expect_refused("here", "not an IPv4 or IPv6 prefix");
	expect_refused("/24", "not an IPv4 or IPv6 prefix");
	expect_refused("192.0.2/24", "not an IPv4 or IPv6 prefix");
	expect_refused("2001:db8::%eth0/64", "not an IPv4 or IPv6 prefix");
	expect_refused("192.0.2.0/33", "a number from 0 to 32");
	expect_refused("192.0.2.0/", "a number from 0 to 32");
	expect_refused("192.0.2.0/-1", "a number from 0 to 32");
	expect_refused("192.0.2.0/24x", "a number from 0 to 32");
	expect_refused("::/129", "a number from 0 to 128");
	expect_refused("::ffff:192.0.2.0/120", "write it as IPv4");
	expect_refused("192.0.2.1/24", "did you mean 192.0.2.0/24?");
	expect_refused("2001:db8::1/64", "did you mean 2001:db8::/64?");
	expect_refused("192.0.2.128/24", "did you mean 192.0.2.0/24?");
}

struct heard {
	unsigned cnt;
	unsigned line[8];
	char text[8][VLY_PREFIX_REASON_BYTES];
};

static void
hear(void *arg, unsigned line, const char *text)
{
	struct heard *heard = arg;

	cr_assert_lt(heard->cnt, 8);
	heard->line[heard->cnt] = line;
	snprintf(heard->text[heard->cnt++], VLY_PREFIX_REASON_BYTES, "%s", text);
}

Test(prefix_list, text_with_comments)
{
	static const char text[] = "# a list\n\n 192.0.2.0/24\t# one\r\n10.0.0.0/8;two\n"
				   "nonsense\n192.0.2.\0"
				   "9\n2001:db8::/32";
	struct vly_prefix_list list = {0};
	struct heard heard = {0};
	struct vly_prefix_complaints complaints = {hear, &heard};

	cr_expect_eq(
		vly_prefix_list_read(&list, text, sizeof(text) - 1, VLY_PREFIX_DENY, &complaints),
		2);
	cr_expect_eq(list.cnt, 3);
	cr_expect_eq(list.rule[0].action, VLY_PREFIX_DENY);
	cr_expect_eq(heard.cnt, 2);
	cr_expect_eq(heard.line[0], 5);
	cr_expect_eq(heard.line[1], 6);
	vly_prefix_list_free(&list);
	cr_expect_eq(list.cnt, 0);
}

Test(prefix_list, more_than_there_is_room_for)
{
	size_t cnt = VLY_PREFIX_LIST_MAX + 1;
	size_t bytes = cnt * 3;
	char *text = malloc(bytes);
	struct vly_prefix_list list = {0};
	struct heard heard = {0};
	struct vly_prefix_complaints complaints = {hear, &heard};

	for (size_t i = 0; i < cnt; i++)
		memcpy(text + 3 * i, "::\n", 3);
	cr_expect_eq(vly_prefix_list_read(&list, text, bytes - 3, VLY_PREFIX_DENY, &complaints), 0);
	cr_expect_eq(list.cnt, VLY_PREFIX_LIST_MAX);
	vly_prefix_list_free(&list);
	cr_expect_eq(vly_prefix_list_read(&list, text, bytes, VLY_PREFIX_DENY, &complaints), -1);
	cr_expect_eq(heard.cnt, 1);
	cr_expect_eq(heard.line[0], cnt);
	vly_prefix_list_free(&list);
	free(text);
}

Test(prefix_list, the_last_of_equal_prefixes_counts)
{
	static const char *const text[] = {"10.0.0.0/8", "2001:db8::/32", "10.0.0.0/8",
					   "9.0.0.0/8",  "10.0.0.0/9",    "10.0.0.0/8"};
	char reason[VLY_PREFIX_REASON_BYTES];
	char out[VLY_PREFIX_TEXT_BYTES];
	struct vly_prefix_list list = {0};
	struct vly_prefix_rule rule;

	for (uint8_t i = 0; i < 6; i++) {
		cr_assert_null(vly_prefix_parse(text[i], &rule, reason));
		rule.action = i;
		cr_assert_eq(vly_prefix_list_add(&list, &rule), 0);
	}
	cr_assert_eq(vly_prefix_list_settle(&list), 0);
	cr_assert_eq(list.cnt, 4);
	cr_expect_str_eq(vly_prefix_format(&list.rule[0], out), "9.0.0.0/8");
	cr_expect_str_eq(vly_prefix_format(&list.rule[1], out), "10.0.0.0/8");
	cr_expect_eq(list.rule[1].action, 5);
	cr_expect_str_eq(vly_prefix_format(&list.rule[2], out), "10.0.0.0/9");
	cr_expect_str_eq(vly_prefix_format(&list.rule[3], out), "2001:db8::/32");
	vly_prefix_list_free(&list);
}
