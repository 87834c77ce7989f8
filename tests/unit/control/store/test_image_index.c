/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "store/image_index.h"

#define SETTINGS 0x0123456789abcdefu

static const struct vly_file_stamp stamp = {.bytes = 5, .mtime_ns = 6, .ctime_ns = 7, .inode = 8};

/* Two images; three zones, the second of which includes two files. */
static struct vly_index_text
make_text(void)
{
	struct vly_index_text includes = {0};
	struct vly_index_text text = {0};
	const struct vly_index_image image[] = {{1, 1000, 2, 0}, {UINT64_MAX, UINT64_MAX, 4, 3}};
	struct vly_index_zone zone[] = {
		{.image = 0, .name = "a.", .file = "/z/a b", .includes = ""},
		{.image = 1, .name = "\\032.", .file = "/z/b", .includes = ""},
		{.image = 0, .name = ".", .file = "c", .includes = ""},
	};

	cr_assert(vly_index_add_include(&includes, &stamp, "/z/one file"));
	cr_assert(vly_index_add_include(&includes, &stamp, "two"));
	cr_assert_not(vly_index_add_include(&includes, &stamp, "line\nbreak"));
	zone[1].includes = includes.text;
	zone[1].info = (struct vly_zone_info){.serial = UINT32_MAX,
					      .record_cnt = 1,
					      .node_cnt = 2,
					      .warning_cnt = 3,
					      .expiry_s = INT64_MAX,
					      .margin_s = 4,
					      .stamp = stamp};
	vly_index_begin(&text, SETTINGS);
	for (unsigned i = 0; i < 2; i++)
		vly_index_add_image(&text, &image[i]);
	for (unsigned i = 0; i < 3; i++)
		cr_assert(vly_index_add_zone(&text, &zone[i]));
	zone[0].file = "/z/\n";
	cr_assert_not(vly_index_add_zone(&text, &zone[0]));
	cr_assert_eq(vly_index_end(&text), 0);
	free(includes.text);
	return text;
}

static int
parse(struct vly_image_index *index, const char *text, size_t len, uint64_t settings)
{
	char *copy = malloc(len + 1);

	cr_assert_not_null(copy);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return vly_image_index_parse(index, copy, len, settings);
}

Test(image_index, is_read_as_it_was_written)
{
	struct vly_index_text text = make_text();
	struct vly_image_index index;
	struct vly_file_stamp found;
	char file[32];

	cr_assert_eq(parse(&index, text.text, text.len, SETTINGS), 0);
	cr_expect_eq(index.image_cnt, 2);
	cr_expect_eq(index.image[0].checksum, 1);
	cr_expect_eq(index.image[1].bytes, UINT64_MAX);
	cr_expect_eq(index.image[1].zone_cnt, 4);
	cr_expect_eq(index.image[1].superseded_cnt, 3);
	cr_assert_eq(index.zone_cnt, 3);
	cr_expect_str_eq(index.zone[0].file, "/z/a b");
	cr_expect_str_eq(index.zone[1].name, "\\032.");
	cr_expect_eq(index.zone[1].image, 1);
	cr_expect_eq(index.zone[1].info.serial, UINT32_MAX);
	cr_expect_eq(index.zone[1].info.warning_cnt, 3);
	cr_expect_eq(index.zone[1].info.expiry_s, INT64_MAX);
	cr_expect_eq(index.zone[1].info.margin_s, 4);
	cr_expect(vly_file_stamp_equals(&index.zone[1].info.stamp, &stamp));
	cr_expect_str_eq(index.zone[2].includes, "");
	const char *includes = index.zone[1].includes;
	cr_assert(vly_index_next_include(&includes, &found, file, sizeof(file)));
	cr_expect_str_eq(file, "/z/one file");
	cr_expect(vly_file_stamp_equals(&found, &stamp));
	cr_assert(vly_index_next_include(&includes, &found, file, sizeof(file)));
	cr_expect_str_eq(file, "two");
	cr_expect_not(vly_index_next_include(&includes, &found, file, sizeof(file)));
	vly_image_index_free(&index);
	free(text.text);
}

Test(image_index, other_settings_are_told_from_damage)
{
	struct vly_index_text text = make_text();
	struct vly_image_index index;

	cr_expect_eq(parse(&index, text.text, text.len, SETTINGS + 1), 1);
	cr_expect_eq(parse(&index, text.text, text.len - 1, SETTINGS), -1);
	cr_expect_eq(parse(&index, "", 0, SETTINGS), -1);
	free(text.text);
}

/* An older release wrote it: that is no damage. */
Test(image_index, other_formats_are_told_from_damage)
{
	struct vly_index_text text = {.text = strdup("volley-images 1 0123456789abcdef\n")};
	struct vly_image_index index;

	text.len = strlen(text.text);
	text.size = text.len + 1;
	cr_assert_eq(vly_index_end(&text), 0);
	cr_expect_eq(parse(&index, text.text, text.len, SETTINGS), 1);
	free(text.text);
}

Test(image_index, every_damaged_octet_is_noticed)
{
	struct vly_index_text text = make_text();
	struct vly_image_index index;

	for (size_t i = 0; i < text.len; i++) {
		text.text[i] ^= 1;
		cr_expect_eq(parse(&index, text.text, text.len, SETTINGS), -1, "octet %zu", i);
		text.text[i] ^= 1;
	}
	free(text.text);
}

/* With a checksum that fits: what the lines say is judged all the same. */
Test(image_index, lines_that_make_no_sense_are_refused)
{
	static const char *const lines[] = {
		"zone 2 1 1 1 1 8 9 1 1 1 1 0 a. /a\n", /* no such image */
		"zone 0 1 1 1 1 8 9 1 1 1 1 2 a. /a\n", /* an include missing */
		"zone 0 4294967296 1 1 1 8 9 1 1 1 1 0 a. /a\n",
		"zone 0 1 1 1 1 8 9 1 1 1 1 0 a.\n",
		"zone 0 1 1 1 1 8 9 1 1 1 1 0\n",
		"zone 0 1 1 1 1 8 9 1 1 99999999999999999999 1 0 a. /a\n",
		"zone 0 -1 1 1 1 8 9 1 1 1 1 0 a. /a\n",
		"image 0123456789abcdef 1 1\n", /* behind zones */
		"nothing\n",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct vly_index_text text = {0};
		struct vly_image_index index;
		vly_index_begin(&text, SETTINGS);
		vly_index_add_image(&text, &(struct vly_index_image){1, 1, 1, 0});
		const struct vly_index_zone zone = {.name = "a.", .file = "/a", .includes = ""};
		cr_assert(vly_index_add_zone(&text, &zone));
		text.text = realloc(text.text, text.len + 200);
		text.size = text.len + 200;
		strcpy(text.text + text.len, lines[i]);
		text.len += strlen(lines[i]);
		cr_assert_eq(vly_index_end(&text), 0);
		cr_expect_eq(parse(&index, text.text, text.len, SETTINGS), -1, "%s", lines[i]);
		free(text.text);
	}
}
