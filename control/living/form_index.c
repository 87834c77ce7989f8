/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "form_index.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "zone/domain.h"

/* The longest line: seven numbers and a name. */
#define LINE_BYTES (VLY_DOMAIN_TEXT_BYTES + 200)

__attribute__((format(printf, 2, 3))) static void
add_line(struct vly_index_text *text, const char *format, ...)
{
	va_list args;

	if (!text->failed && text->size - text->len < LINE_BYTES) {
		size_t size = 2 * text->size + LINE_BYTES;
		char *grown = realloc(text->text, size);
		text->failed = grown == NULL;
		if (grown != NULL) {
			text->text = grown;
			text->size = size;
		}
	}
	if (text->failed)
		return;
	va_start(args, format);
	text->len += (size_t)vsnprintf(text->text + text->len, LINE_BYTES, format, args);
	va_end(args);
}

void
vly_form_index_begin(struct vly_index_text *text, uint64_t settings)
{
	add_line(text, "volley-living-images 1 %016" PRIx64 "\n", settings);
}

void
vly_form_index_add(struct vly_index_text *text, const struct vly_form_entry *entry,
		   const char *name)
{
	add_line(text,
		 "form %016" PRIx64 " %" PRIu64 " %" PRIu64 " %" PRIu32 " %016" PRIx64 " %" PRIu32
		 " %s\n",
		 entry->image.checksum, entry->image.bytes, entry->version, entry->serial,
		 entry->digest, entry->node_cnt, name);
}

int
vly_form_index_end(struct vly_index_text *text)
{
	if (!text->failed)
		add_line(text, "end %016" PRIx64 "\n",
			 (uint64_t)XXH3_64bits(text->text, text->len));
	return text->failed ? -1 : 0;
}

/* Whether the last line is the checksum of all before it; cuts it off. */
static bool
check_end(char *text, size_t len)
{
	const size_t end_bytes = sizeof("end 0123456789abcdef\n") - 1;
	char end[sizeof("end 0123456789abcdef\n")];

	if (len < end_bytes || strlen(text) != len)
		return false;
	len -= end_bytes;
	snprintf(end, sizeof(end), "end %016" PRIx64 "\n", (uint64_t)XXH3_64bits(text, len));
	bool is_right = strcmp(text + len, end) == 0;
	text[len] = '\0';
	return is_right;
}

/* Reads the line of a form; the name is at *name_at. */
static bool
read_form(const char *line, struct vly_form_entry *entry, int *name_at)
{
	*entry = (struct vly_form_entry){.image.zone_cnt = 1};
	*name_at = 0;
	return sscanf(line,
		      "form %16" SCNx64 " %" SCNu64 " %" SCNu64 " %" SCNu32 " %16" SCNx64
		      " %" SCNu32 " %n",
		      &entry->image.checksum, &entry->image.bytes, &entry->version, &entry->serial,
		      &entry->digest, &entry->node_cnt, name_at) == 6 &&
	       *name_at > 0;
}

int
vly_form_index_find(char *text, size_t len, uint64_t settings, const char *name,
		    struct vly_form_entry *entry)
{
	char *rest = NULL;
	uint64_t written;
	int name_at;

	if (!check_end(text, len))
		return -1;
	char *line = strtok_r(text, "\n", &rest);
	if (line == NULL || sscanf(line, "volley-living-images 1 %16" SCNx64, &written) != 1)
		return -1;
	if (written != settings)
		return 1;
	while ((line = strtok_r(NULL, "\n", &rest)) != NULL) {
		if (!read_form(line, entry, &name_at))
			return -1;
		if (strcmp(line + name_at, name) == 0)
			return 0;
	}
	return 1;
}
