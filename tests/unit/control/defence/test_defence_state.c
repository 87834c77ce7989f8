/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "defence/defence_state.h"

static char directory[] = "/tmp/volley-state-XXXXXX";
static char path[64];
static char reason[400];
static struct vly_defence_state *state;

static void
set_up(void)
{
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/defence.json", directory);
	state = vly_defence_state_new();
}

static void
tear_down(void)
{
	vly_defence_state_free(state);
	unlink(path);
	rmdir(directory);
}

TestSuite(defence_state, .init = set_up, .fini = tear_down);

static struct vly_prefix_rule
rule_of(const char *text, uint8_t action)
{
	char why[VLY_PREFIX_REASON_BYTES];
	struct vly_prefix_rule rule;

	cr_assert_null(vly_prefix_parse(text, &rule, why));
	rule.action = action;
	return rule;
}

static struct vly_prefix_list
list_of(uint8_t action, const char *text, ...)
{
	struct vly_prefix_list list = {0};
	va_list args;

	va_start(args, text);
	for (; text; text = va_arg(args, const char *)) {
		struct vly_prefix_rule rule = rule_of(text, action);
		cr_assert_eq(vly_prefix_list_add(&list, &rule), 0);
	}
	va_end(args);
	return list;
}

static void
put(uint8_t action, int64_t until_s, const char *a, const char *b)
{
	struct vly_prefix_list list = list_of(action, a, b, NULL);

	cr_assert_eq(vly_defence_state_put(state, &list, until_s), 0);
	vly_prefix_list_free(&list);
}

static const struct vly_defence_entry *
find(const char *text)
{
	struct vly_prefix_rule rule = rule_of(text, 0);

	return vly_defence_state_find(state, &rule);
}

Test(defence_state, prefixes_are_entered_replaced_and_forgotten)
{
	put(VLY_PREFIX_DENY, 0, "192.0.2.0/24", "10.0.0.0/8");
	put(VLY_PREFIX_ALLOW, 50, "10.0.0.0/8", "2001:db8::/32");
	cr_assert_eq(state->entry_cnt, 3);
	cr_expect_eq(find("10.0.0.0/8")->rule.action, VLY_PREFIX_ALLOW);
	cr_expect_eq(find("10.0.0.0/8")->until_s, 50);
	cr_expect_eq(find("192.0.2.0/24")->rule.action, VLY_PREFIX_DENY);
	cr_expect_null(find("192.0.2.0/25"));
	struct vly_prefix_list list = list_of(0, "10.0.0.0/8", "172.16.0.0/12", NULL);
	cr_expect_eq(vly_defence_state_forget(state, &list), 1);
	vly_prefix_list_free(&list);
	cr_expect_null(find("10.0.0.0/8"));
	cr_expect_eq(state->entry_cnt, 2);
}

Test(defence_state, ends)
{
	cr_expect_eq(vly_defence_state_next(state), 0);
	put(VLY_PREFIX_DENY, 100, "192.0.2.0/24", NULL);
	put(VLY_PREFIX_DENY, 0, "10.0.0.0/8", NULL);
	cr_assert_eq(vly_defence_state_set(state, VLY_DEFENCE_source_mode, "off", 90), 0);
	cr_expect_eq(vly_defence_state_next(state), 90);
	cr_expect_not(vly_defence_state_expire(state, 89));
	cr_expect(vly_defence_state_expire(state, 90));
	cr_expect_null(state->set.text[VLY_DEFENCE_source_mode]);
	cr_expect_eq(vly_defence_state_next(state), 100);
	cr_expect(vly_defence_state_expire(state, 1000));
	cr_expect_eq(state->entry_cnt, 1);
	cr_expect_eq(vly_defence_state_next(state), 0);
}

Test(defence_state, comes_back_from_the_file_as_it_was)
{
	put(VLY_PREFIX_DENY, 1800000000, "192.0.2.0/24", "2001:db8::/32");
	put(VLY_PREFIX_ALLOW, 0, "0.0.0.0/0", "::/0");
	cr_assert_eq(vly_defence_state_set(state, VLY_DEFENCE_reflector_ports, "none", 0), 0);
	cr_assert_eq(vly_defence_state_set(state, VLY_DEFENCE_source_wide, "7", 9), 0);
	for (int round = 0; round < 2; round++) {
		struct stat status;
		struct vly_defence_state *again = vly_defence_state_new();
		cr_assert_eq(vly_defence_state_save(state, path, reason, sizeof(reason)), 0, "%s",
			     reason);
		cr_assert_eq(stat(path, &status), 0);
		cr_expect_eq(status.st_mode & 0777, 0600);
		cr_assert_eq(vly_defence_state_load(again, path, reason, sizeof(reason)),
			     VLY_STATE_READ, "%s", reason);
		cr_assert_eq(again->entry_cnt, 4);
		for (size_t i = 0; i < 4; i++) {
			cr_expect_arr_eq(&again->entry[i].rule, &state->entry[i].rule,
					 sizeof(struct vly_prefix_rule));
			cr_expect_eq(again->entry[i].until_s, state->entry[i].until_s);
		}
		cr_expect_str_eq(again->set.text[VLY_DEFENCE_reflector_ports], "none");
		cr_expect_eq(again->set_until_s[VLY_DEFENCE_source_wide], 9);
		cr_expect_null(again->set.text[VLY_DEFENCE_source_mode]);
		struct vly_defence_state *copy = vly_defence_state_copy(again);
		vly_defence_state_free(state);
		vly_defence_state_free(again);
		state = copy;
	}
}

static void
expect_load(enum vly_state_read result, const char *text, const char *part)
{
	struct vly_defence_state *fresh = vly_defence_state_new();
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
	cr_expect_eq(vly_defence_state_load(fresh, path, reason, sizeof(reason)), result, "%s",
		     text);
	cr_expect_not_null(strstr(reason, part), "%s: %s", text, reason);
	vly_defence_state_free(fresh);
}

static void
expect_damaged(const char *text, const char *part)
{
	expect_load(VLY_STATE_DAMAGED, text, part);
}

#define PREFIXES(text) "{\"version\":1,\"set\":{},\"prefixes\":[" text "]}"
#define SET(text)      "{\"version\":1,\"set\":{" text "},\"prefixes\":[]}"

Test(defence_state, damaged_files)
{
	expect_damaged("", "defence.json:1");
	expect_damaged("{\"version\":1,\n\"set\":{", "defence.json:2");
	expect_damaged("[]", "the version is missing");
	expect_damaged("{\"version\":\"1\",\"set\":{},\"prefixes\":[]}", "the version is missing");
	expect_damaged("{\"version\":1,\"set\":[],\"prefixes\":[]}", "the settings or");
	expect_damaged("{\"version\":1,\"set\":{}}", "the prefixes are missing");
	expect_damaged(SET("\"source-rate.wide\":{\"value\":1}"), "an invalid value");
	expect_damaged(SET("\"source-rate.wide\":{\"value\":\"-1\"}"), "an invalid value");
	expect_damaged(SET("\"source-rate.wide\":{\"value\":\"1\",\"until\":\"x\"}"),
		       "an invalid value");
	expect_damaged(PREFIXES("1"), "a prefix is invalid");
	expect_damaged(PREFIXES("{\"prefix\":\"10.0.0.1/8\",\"action\":\"deny\"}"),
		       "a prefix is invalid");
	expect_damaged(PREFIXES("{\"prefix\":\"10.0.0.0/8\"}"), "has no action");
	expect_damaged(PREFIXES("{\"prefix\":\"10.0.0.0/8\",\"action\":\"drop\"}"),
		       "an unknown action");
	expect_damaged(PREFIXES("{\"prefix\":\"10.0.0.0/8\",\"action\":\"deny\",\"until\":-1}"),
		       "an invalid time of expiry");
	expect_damaged(PREFIXES("{\"prefix\":\"10.0.0.0/8\",\"action\":\"deny\"},"
				"{\"prefix\":\"10.0.0.0/8\",\"action\":\"allow\"}"),
		       "not sorted");
}

Test(defence_state, no_file_and_no_directory)
{
	cr_expect_eq(vly_defence_state_load(state, path, reason, sizeof(reason)), VLY_STATE_NONE);
	cr_expect_eq(vly_defence_state_save(state, "/nowhere/defence.json", reason, sizeof(reason)),
		     -1);
	cr_expect_str_eq(reason, "/nowhere/defence.json: No such file or directory");
}

Test(defence_state, another_version_is_not_damage)
{
	expect_load(VLY_STATE_UNREADABLE, "{\"version\":2,\"set\":{},\"prefixes\":[]}",
		    "another release");
	expect_load(VLY_STATE_UNREADABLE, "{\"version\":0}", "another release");
}

Test(defence_state, settings_of_another_release_are_written_back)
{
	FILE *file = fopen(path, "w");
	char text[400] = "";

	fputs(SET("\"novel\":{\"value\":\"1\"},\"source-rate.wide\":{\"value\":\"7\"}"), file);
	fclose(file);
	cr_assert_eq(vly_defence_state_load(state, path, reason, sizeof(reason)), VLY_STATE_READ);
	cr_expect_str_eq(state->set.text[VLY_DEFENCE_source_wide], "7");
	struct vly_defence_state *copy = vly_defence_state_copy(state);
	cr_assert_eq(vly_defence_state_save(copy, path, reason, sizeof(reason)), 0);
	vly_defence_state_free(copy);
	file = fopen(path, "r");
	cr_assert_gt(fread(text, 1, sizeof(text) - 1, file), 0);
	fclose(file);
	cr_expect_not_null(strstr(text, "\"novel\""), "%s", text);
	cr_expect_not_null(strstr(text, "\"source-rate.wide\""), "%s", text);
}
