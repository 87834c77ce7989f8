/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "health_lines.h"

#include <stdlib.h>
#include <string.h>

char *
vly_health_lines_room(struct vly_health_lines *lines, size_t *bytes)
{
	if (lines->begin > 0) {
		memmove(lines->octet, lines->octet + lines->begin, lines->end - lines->begin);
		lines->end -= lines->begin;
		lines->begin = 0;
	}
	*bytes = sizeof(lines->octet) - lines->end;
	return lines->octet + lines->end;
}

void
vly_health_lines_filled(struct vly_health_lines *lines, size_t bytes)
{
	lines->end += bytes;
}

int
vly_health_lines_take(struct vly_health_lines *lines, json_t **line, const char **key,
		      json_t **value)
{
	const char *begin = lines->octet + lines->begin;
	const size_t bytes = lines->end - lines->begin;
	const char *newline = memchr(begin, '\n', bytes);

	if (!newline)
		return bytes == sizeof(lines->octet) ? -1 : 0;
	lines->begin += (size_t)(newline - begin) + 1;
	*line = json_loadb(begin, (size_t)(newline - begin), JSON_REJECT_DUPLICATES, NULL);
	void *member = json_object_iter(*line);
	if (json_object_size(*line) != 1 || !member) {
		json_decref(*line);
		return -1;
	}
	*key = json_object_iter_key(member);
	*value = json_object_iter_value(member);
	return 1;
}

char *
vly_health_line_write(const char *key, json_t *value, size_t *bytes)
{
	json_t *object = json_object();
	char *text = NULL;

	if (json_object_set_new(object, key, value) == 0)
		text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(object);
	*bytes = text ? strlen(text) + 1 : 0;
	if (*bytes > VLY_HEALTH_LINE_MAX) {
		free(text);
		return NULL;
	}
	if (text)
		text[*bytes - 1] = '\n'; /* in place of the NUL */
	return text;
}
