/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_index.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#define FIRST_TEXT_BYTES 4096

static char *
reserve(struct vly_index_text *text, size_t bytes)
{
	size_t size = text->size == 0 ? FIRST_TEXT_BYTES : text->size;

	while (size < text->len + bytes + 1)
		size *= 2;
	if (size > text->size) {
		char *grown = realloc(text->text, size);
		if (grown == NULL) {
			text->failed = true;
			return NULL;
		}
		text->text = grown;
		text->size = size;
	}
	return text->text + text->len;
}

static void
put_text(struct vly_index_text *text, const char *what)
{
	size_t len = strlen(what);
	char *at = reserve(text, len);

	if (at == NULL)
		return;
	memcpy(at, what, len + 1);
	text->len += len;
}

/* A number and the blank or line break behind it: a million zones are too many for printf. */
static void
put_number(struct vly_index_text *text, uint64_t number, char behind)
{
	char digits[22];
	char *at = digits + sizeof(digits) - 1;

	*at = '\0';
	*--at = behind;
	do
		*--at = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	put_text(text, at);
}

static void
put_stamp(struct vly_index_text *text, const struct vly_file_stamp *stamp)
{
	put_number(text, stamp->bytes, ' ');
	put_number(text, stamp->mtime_ns, ' ');
	put_number(text, stamp->ctime_ns, ' ');
	put_number(text, stamp->inode, ' ');
}

static void
put_checksum(struct vly_index_text *text, const char *word, uint64_t checksum, char behind)
{
	char line[64];

	snprintf(line, sizeof(line), "%s %016llx%c", word, (unsigned long long)checksum, behind);
	put_text(text, line);
}

void
vly_index_begin(struct vly_index_text *text, uint64_t settings)
{
	put_checksum(text, "volley-images 3", settings, '\n');
}

void
vly_index_add_image(struct vly_index_text *text, const struct vly_index_image *image)
{
	put_checksum(text, "image", image->checksum, ' ');
	put_number(text, image->bytes, ' ');
	put_number(text, image->zone_cnt, ' ');
	put_number(text, image->superseded_cnt, '\n');
}

bool
vly_index_add_include(struct vly_index_text *text, const struct vly_file_stamp *stamp,
		      const char *file)
{
	if (strchr(file, '\n') != NULL)
		return false;
	put_stamp(text, stamp);
	put_text(text, file);
	put_text(text, "\n");
	return true;
}

static void
put_includes(struct vly_index_text *text, const char *includes)
{
	while (*includes != '\0') {
		size_t len = strcspn(includes, "\n") + 1;
		put_text(text, "include ");
		char *at = reserve(text, len);
		if (at == NULL)
			return;
		memcpy(at, includes, len);
		at[len] = '\0';
		text->len += len;
		includes += len;
	}
}

static uint64_t
count_lines(const char *lines)
{
	uint64_t cnt = 0;

	for (; (lines = strchr(lines, '\n')) != NULL; lines++)
		cnt++;
	return cnt;
}

bool
vly_index_add_zone(struct vly_index_text *text, const struct vly_index_zone *zone)
{
	const struct vly_zone_info *info = &zone->info;

	if (strchr(zone->file, '\n') != NULL)
		return false;
	put_text(text, "zone ");
	put_number(text, zone->image, ' ');
	put_number(text, info->serial, ' ');
	put_number(text, info->record_cnt, ' ');
	put_number(text, info->node_cnt, ' ');
	put_number(text, info->warning_cnt, ' ');
	put_number(text, info->expiry_s, ' ');
	put_number(text, info->margin_s, ' ');
	put_stamp(text, &info->stamp);
	put_number(text, count_lines(zone->includes), ' ');
	put_text(text, zone->name);
	put_text(text, " ");
	put_text(text, zone->file);
	put_text(text, "\n");
	put_includes(text, zone->includes);
	return true;
}

int
vly_index_end(struct vly_index_text *text)
{
	if (!text->failed)
		put_checksum(text, "end", XXH3_64bits(text->text, text->len), '\n');
	return text->failed ? -1 : 0;
}

/* Reads the text from its start; sticky: after the first thing amiss nothing fits any more. */
struct cursor {
	char *at;
	bool failed;
};

static bool
take_word(struct cursor *cursor, const char *word)
{
	size_t len = strlen(word);

	if (cursor->failed || strncmp(cursor->at, word, len) != 0)
		return false;
	cursor->at += len;
	return true;
}

static uint64_t
take_number(struct cursor *cursor, char behind, uint64_t max)
{
	uint64_t number = 0;
	char *at = cursor->at;

	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, *at - '0', &number))
			cursor->failed = true;
	if (at == cursor->at || *at != behind || number > max)
		cursor->failed = true;
	else
		cursor->at = at + 1;
	return cursor->failed ? 0 : number;
}

static uint64_t
take_checksum(struct cursor *cursor, char behind)
{
	unsigned long long checksum = 0;
	int used = 0;

	if (cursor->failed || sscanf(cursor->at, "%16llx%n", &checksum, &used) != 1 || used != 16 ||
	    cursor->at[used] != behind)
		cursor->failed = true;
	else
		cursor->at += used + 1;
	return cursor->failed ? 0 : checksum;
}

/* A string up to `behind`, which becomes its NUL. */
static char *
take_string(struct cursor *cursor, char behind)
{
	char *start = cursor->at;
	size_t len = strcspn(start, behind == '\n' ? "\n" : " \n");

	if (cursor->failed || len == 0 || start[len] != behind) {
		cursor->failed = true;
		return start;
	}
	start[len] = '\0';
	cursor->at += len + 1;
	return start;
}

static struct vly_file_stamp
take_stamp(struct cursor *cursor)
{
	struct vly_file_stamp stamp;

	stamp.bytes = take_number(cursor, ' ', UINT64_MAX);
	stamp.mtime_ns = take_number(cursor, ' ', UINT64_MAX);
	stamp.ctime_ns = take_number(cursor, ' ', UINT64_MAX);
	stamp.inode = take_number(cursor, ' ', UINT64_MAX);
	return stamp;
}

bool
vly_index_next_include(const char **includes, struct vly_file_stamp *stamp, char *file, size_t size)
{
	struct cursor cursor = {.at = (char *)(uintptr_t)*includes};

	if (*cursor.at == '\0')
		return false;
	*stamp = take_stamp(&cursor);
	size_t len = strcspn(cursor.at, "\n");
	if (cursor.failed || len + 1 > size || cursor.at[len] != '\n') {
		/* this path has no file, so the zone counts as changed */
		file[0] = '\0';
		*includes = "";
		return true;
	}
	memcpy(file, cursor.at, len);
	file[len] = '\0';
	*includes = cursor.at + len + 1;
	return true;
}

/* Moves the include lines together, without their first words, as they were before they were
 * written. */
static const char *
take_includes(struct cursor *cursor, uint64_t cnt)
{
	char *start = cursor->at;
	char *to = start;
	uint64_t taken = 0;

	if (cnt == 0)
		return "";
	for (; taken < cnt && take_word(cursor, "include "); taken++) {
		size_t len = strcspn(cursor->at, "\n");
		if (cursor->at[len] != '\n')
			break;
		memmove(to, cursor->at, len + 1);
		to += len + 1;
		cursor->at += len + 1;
	}
	cursor->failed |= taken < cnt;
	if (!cursor->failed)
		*to = '\0'; /* there is room: each line lost its "include " */
	return start;
}

static void
take_zone(struct cursor *cursor, struct vly_image_index *index)
{
	struct vly_index_zone *zone = &index->zone[index->zone_cnt++];

	zone->image = (uint32_t)take_number(cursor, ' ', index->image_cnt - UINT64_C(1));
	zone->info.serial = (uint32_t)take_number(cursor, ' ', UINT32_MAX);
	zone->info.record_cnt = take_number(cursor, ' ', UINT64_MAX);
	zone->info.node_cnt = take_number(cursor, ' ', UINT64_MAX);
	zone->info.warning_cnt = (uint32_t)take_number(cursor, ' ', UINT32_MAX);
	zone->info.expiry_s = take_number(cursor, ' ', INT64_MAX);
	zone->info.margin_s = take_number(cursor, ' ', INT64_MAX);
	zone->info.stamp = take_stamp(cursor);
	uint64_t include_cnt = take_number(cursor, ' ', UINT16_MAX);
	zone->name = take_string(cursor, ' ');
	zone->file = take_string(cursor, '\n');
	zone->includes = take_includes(cursor, include_cnt);
	if (index->image_cnt == 0)
		cursor->failed = true;
}

static void
take_image(struct cursor *cursor, struct vly_image_index *index)
{
	struct vly_index_image *image = &index->image[index->image_cnt++];

	image->checksum = take_checksum(cursor, ' ');
	image->bytes = take_number(cursor, ' ', UINT64_MAX);
	image->zone_cnt = (uint32_t)take_number(cursor, ' ', UINT32_MAX);
	image->superseded_cnt = (uint32_t)take_number(cursor, '\n', image->zone_cnt);
}

/* The last line has the checksum of all before. */
static bool
is_whole(char *text, size_t len)
{
	static const char last[] = "end 0123456789abcdef\n";
	size_t end_len = sizeof(last) - 1;

	if (len < end_len || strlen(text) != len)
		return false;
	struct cursor cursor = {.at = text + len - end_len};
	return take_word(&cursor, "end ") &&
	       take_checksum(&cursor, '\n') == XXH3_64bits(text, len - end_len) && !cursor.failed;
}

int
vly_image_index_parse(struct vly_image_index *index, char *text, size_t len, uint64_t settings)
{
	struct cursor cursor = {.at = text};
	uint64_t line_cnt = count_lines(text);
	bool other = false;

	*index = (struct vly_image_index){.text = text};
	index->image = calloc(line_cnt + 1, sizeof(*index->image));
	index->zone = calloc(line_cnt + 1, sizeof(*index->zone));
	cursor.failed = index->image == NULL || index->zone == NULL || !is_whole(text, len) ||
			!take_word(&cursor, "volley-images ");
	if (!cursor.failed)
		other = !take_word(&cursor, "3 ");
	if (!cursor.failed && !other)
		other = take_checksum(&cursor, '\n') != settings;
	while (!other && take_word(&cursor, "image "))
		take_image(&cursor, index);
	while (!other && take_word(&cursor, "zone "))
		take_zone(&cursor, index);
	if (!other && !take_word(&cursor, "end "))
		cursor.failed = true;
	if (!cursor.failed && !other)
		return 0;
	vly_image_index_free(index);
	return cursor.failed ? -1 : 1;
}

void
vly_image_index_free(struct vly_image_index *index)
{
	free(index->text);
	free(index->image);
	free(index->zone);
	*index = (struct vly_image_index){0};
}
