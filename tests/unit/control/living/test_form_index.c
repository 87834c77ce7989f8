/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "living/form_index.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS 0x1234567890abcdefu

static const struct vly_form_entry first = {
	.image = {.checksum = 0xfedcba9876543210u, .bytes = 1u << 30, .zone_cnt = 1},
	.version = UINT64_MAX,
	.digest = 7,
	.serial = UINT32_MAX,
	.node_cnt = 10000000};
static const struct vly_form_entry second = {.image = {.zone_cnt = 1}, .version = 5, .serial = 6};

static char *
write_index(size_t *len)
{
	struct vly_index_text text = {0};

	vly_form_index_begin(&text, SETTINGS);
	vly_form_index_add(&text, &first, "first.example.");
	vly_form_index_add(&text, &second, "second.\\032example.");
	cr_assert_eq(vly_form_index_end(&text), 0);
	*len = text.len;
	return text.text;
}

static int
find(uint64_t settings, const char *name, struct vly_form_entry *entry)
{
	size_t len;
	char *text = write_index(&len);
	int found = vly_form_index_find(text, len, settings, name, entry);

	free(text);
	return found;
}

Test(form_index, finds_what_was_written)
{
	struct vly_form_entry entry;

	cr_assert_eq(find(SETTINGS, "first.example.", &entry), 0);
	cr_expect_eq(memcmp(&entry, &first, sizeof(entry)), 0);
	cr_assert_eq(find(SETTINGS, "second.\\032example.", &entry), 0);
	cr_expect_eq(memcmp(&entry, &second, sizeof(entry)), 0);
	cr_expect_eq(find(SETTINGS, "example.", &entry), 1);
	cr_expect_eq(find(SETTINGS + 1, "first.example.", &entry), 1);
}

Test(form_index, refuses_each_changed_octet)
{
	struct vly_form_entry entry;
	size_t len;

	free(write_index(&len));
	for (size_t at = 0; at < len; at++) {
		char *text = write_index(&len);
		text[at] ^= 1;
		cr_expect_eq(vly_form_index_find(text, len, SETTINGS, "first.example.", &entry), -1,
			     "octet %zu", at);
		free(text);
	}
}

Test(form_index, refuses_what_is_cut_off)
{
	struct vly_form_entry entry;
	size_t len;

	free(write_index(&len));
	for (size_t cut = 0; cut < len; cut++) {
		char *text = write_index(&len);
		text[cut] = '\0';
		cr_expect_eq(vly_form_index_find(text, cut, SETTINGS, "first.example.", &entry), -1,
			     "%zu octets", cut);
		free(text);
	}
}
