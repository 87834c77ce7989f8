/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map_text.h"

#include <stdio.h>

#include "base/file_text.h"
#include "map_lines.h"

static int
parse_lines(struct vly_map_lines *lines, struct vly_region_list *list)
{
	int more;

	while ((more = vly_map_lines_next(lines, 2, "prefix region")) > 0) {
		struct vly_region_prefix prefix;
		enum vly_family family;
		uint32_t region;
		if (vly_map_lines_prefix(lines, &prefix, &family) != 0 ||
		    vly_map_lines_name(lines, &list->names, &region) != 0)
			return -1;
		prefix.region = region & (VLY_REGION_MAX - 1);
		if (vly_region_list_add(list, family, &prefix) != 0)
			return vly_map_lines_refuse(lines, "out of memory");
	}
	return more;
}

static int
settle(struct vly_map_lines *lines, struct vly_region_list *list)
{
	struct vly_region_twins twins;
	char prefix[VLY_PREFIX_TEXT_BYTES];

	if (vly_region_list_settle(list, &twins) == 0)
		return 0;
	lines->line = twins.second.line;
	return vly_map_lines_refuse(lines, "%s is on line %u already: keep one of them",
				    vly_region_prefix_format(&twins.first, twins.family, prefix),
				    twins.first.line);
}

int
vly_map_text_parse(const char *file, const char *text, size_t bytes, struct vly_region_list *list,
		   char reason[VLY_REASON_BYTES])
{
	struct vly_map_lines lines = {.file = file, .text = text, .bytes = bytes, .reason = reason};

	if (parse_lines(&lines, list) == 0 && settle(&lines, list) == 0)
		return 0;
	vly_region_list_free(list);
	return -1;
}

int
vly_map_text_read(const char *path, struct vly_region_list *list, char reason[VLY_REASON_BYTES])
{
	struct vly_file_text text;
	const char *why = vly_file_text_read(&text, path);

	if (why != NULL) {
		snprintf(reason, VLY_REASON_BYTES, "%s: %s", path, why);
		return -1;
	}
	int error = vly_map_text_parse(path, text.start, text.len, list, reason);
	vly_file_text_free(&text);
	return error;
}
