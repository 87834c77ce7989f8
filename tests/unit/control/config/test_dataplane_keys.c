/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config/volley.yaml shows the keys of the section `dataplane` that the table has, and no other:
 * "key: default", or "# key: example" where there is no default. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/dp_option.h"

struct shown {
	char key[64];
	char value[256];
	bool is_comment;
};

static struct shown shown[2 * VLY_DP_OPTION_CNT];
static unsigned shown_cnt;

/* Notes a line of the section if it shows a key. Prose has a space before any colon. */
static void
note(const char *line)
{
	struct shown *next = &shown[shown_cnt];

	next->is_comment = strncmp(line, "  # ", 4) == 0;
	line += next->is_comment ? 4 : 2;
	size_t len = strspn(line, "abcdefghijklmnopqrstuvwxyz-");
	if (len == 0 || len >= sizeof(next->key) || strncmp(line + len, ": ", 2) != 0)
		return;
	snprintf(next->key, sizeof(next->key), "%.*s", (int)len, line);
	snprintf(next->value, sizeof(next->value), "%.*s", (int)strcspn(line + len + 2, "\n"),
		 line + len + 2);
	shown_cnt++;
	cr_assert_lt(shown_cnt, sizeof(shown) / sizeof(shown[0]));
}

static void
read_section(void)
{
	char line[400];
	bool inside = false;
	FILE *file = fopen(VLY_EXAMPLE, "r");

	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file)) {
		bool is_indented = strncmp(line, "  ", 2) == 0;
		if (is_indented && inside)
			note(line);
		else if (!is_indented && *line != '\n')
			inside = strcmp(line, "dataplane:\n") == 0;
	}
	fclose(file);
}

static unsigned
count(const char *key, bool is_comment, const char *value)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < shown_cnt; i++)
		cnt += strcmp(shown[i].key, key) == 0 && shown[i].is_comment == is_comment &&
		       (!value || strcmp(shown[i].value, value) == 0);
	return cnt;
}

static bool
is_list(unsigned option)
{
	return option == VLY_DP_port || option == VLY_DP_listen;
}

Test(dataplane_keys, each_is_shown_with_its_default)
{
	read_section();
	for (unsigned i = 0; i < VLY_DP_OPTION_CNT; i++) {
		const struct vly_dp_option_row *row = &vly_dp_option_row[i];
		const char *preset = is_list(i) ? "[]" : row->preset;
		if (!row->key)
			continue;
		if (preset)
			cr_expect_eq(count(row->key, false, preset), 1, "%s: %s", row->key, preset);
		cr_expect_eq(count(row->key, false, NULL), preset ? 1 : 0, "%s", row->key);
		cr_expect_eq(count(row->key, true, NULL), preset && !is_list(i) ? 0 : 1, "%s",
			     row->key);
	}
}

Test(dataplane_keys, no_other_is_shown)
{
	read_section();
	cr_assert_gt(shown_cnt, 20);
	for (unsigned i = 0; i < shown_cnt; i++) {
		bool found = false;
		for (unsigned k = 0; k < VLY_DP_OPTION_CNT; k++)
			found |= vly_dp_option_row[k].key &&
				 strcmp(vly_dp_option_row[k].key, shown[i].key) == 0;
		cr_expect(found, "%s", shown[i].key);
	}
}
