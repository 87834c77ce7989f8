/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map_lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char blanks[] = " \t\r";

int
vly_map_lines_refuse(const struct vly_map_lines *lines, const char *format, ...)
{
	char sentence[VLY_MAP_LINE_MAX + 1];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	snprintf(lines->reason, VLY_REASON_BYTES, "%s:%u: %s", lines->file, lines->line, sentence);
	return -1;
}

/* Copies the next line up to its comment. */
static int
copy_line(struct vly_map_lines *lines)
{
	const char *newline = memchr(lines->text, '\n', lines->bytes);
	size_t len = newline != NULL ? (size_t)(newline - lines->text) : lines->bytes;
	size_t used = 0;

	while (used < len && lines->text[used] != '#' && lines->text[used] != ';')
		used++;
	lines->line++;
	if (memchr(lines->text, '\0', used) != NULL)
		return vly_map_lines_refuse(lines, "a NUL octet in a text");
	if (used > VLY_MAP_LINE_MAX)
		return vly_map_lines_refuse(lines, "the line has more than %d characters",
					    VLY_MAP_LINE_MAX);
	memcpy(lines->octet, lines->text, used);
	lines->octet[used] = '\0';
	len += newline != NULL;
	lines->text += len;
	lines->bytes -= len;
	return 0;
}

/* Returns the number of words, which may be one more than there is room for. */
static unsigned
cut_words(struct vly_map_lines *lines)
{
	char *rest = NULL;
	unsigned cnt = 0;

	for (char *word = strtok_r(lines->octet, blanks, &rest); word != NULL;
	     word = strtok_r(NULL, blanks, &rest)) {
		if (cnt == VLY_MAP_WORDS_MAX)
			return cnt + 1;
		lines->word[cnt++] = word;
	}
	return cnt;
}

int
vly_map_lines_next(struct vly_map_lines *lines, unsigned word_cnt, const char *usage)
{
	while (lines->bytes > 0) {
		if (copy_line(lines) != 0)
			return -1;
		unsigned cnt = cut_words(lines);
		if (cnt == 0)
			continue;
		if (cnt != word_cnt)
			return vly_map_lines_refuse(
				lines, "a line is \"%s\", and a comment begins with #", usage);
		return 1;
	}
	return 0;
}

int
vly_map_lines_prefix(const struct vly_map_lines *lines, struct vly_region_prefix *prefix,
		     enum vly_family *family)
{
	char why[VLY_PREFIX_REASON_BYTES];
	struct vly_prefix_rule rule;

	if (vly_prefix_parse(lines->word[0], &rule, why) != NULL)
		return vly_map_lines_refuse(lines, "%s", why);
	*prefix = vly_region_prefix_of(&rule, family);
	prefix->line = lines->line;
	return 0;
}

int
vly_map_lines_name(const struct vly_map_lines *lines, struct vly_region_names *names,
		   uint32_t *number)
{
	if (!vly_region_name_is_sound(lines->word[1], strlen(lines->word[1])))
		return vly_map_lines_refuse(lines,
					    "a name has 1 to %d printable ASCII characters: %.64s",
					    VLY_REGION_NAME_MAX, lines->word[1]);
	*number = vly_region_number(names, lines->word[1]);
	if (*number == 0)
		return vly_map_lines_refuse(lines, "out of memory, or more than %u different names",
					    VLY_REGION_MAX - 1);
	return 0;
}
