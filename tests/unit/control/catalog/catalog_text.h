/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Catalogs from text: a line for each record, "OWNER PTR NAME" or "OWNER TXT TEXT [TEXT]", with owners without
 * the catalog's name. */
#ifndef VLY_TEST_CATALOG_TEXT_H
#define VLY_TEST_CATALOG_TEXT_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog.h"
#include "zone/domain.h"

#define VERSION "version TXT 2\n"

static inline void
catalog_take_line(struct vly_catalog_reader *reader, const char *line)
{
	char owner[200], type[10], text[2][200] = {"", ""};
	char name[500];
	uint8_t wire[VLY_NAME_BYTES_MAX];
	uint8_t data[VLY_NAME_BYTES_MAX * 2];
	unsigned len = 0;

	int cnt = sscanf(line, "%199s %9s %199s %199s", owner, type, text[0], text[1]);
	cr_assert_geq(cnt, 3, "%s", line);
	snprintf(name, sizeof(name), "%s.%s", owner, reader->name);
	if (strcmp(type, "PTR") == 0)
		len = vly_domain_wire(text[0], data);
	for (int i = 0; i < cnt - 2 && strcmp(type, "TXT") == 0; i++) {
		data[len++] = (uint8_t)strlen(text[i]);
		memcpy(data + len, text[i], strlen(text[i]));
		len += strlen(text[i]);
	}
	vly_catalog_take(reader, wire, vly_domain_wire(name, wire),
			 strcmp(type, "PTR") == 0 ? VLY_TYPE_PTR : VLY_TYPE_TXT, data, len);
}

/* The caller's; NULL with the reason. */
static inline struct vly_catalog *
catalog_from_text(const char *name, const char *lines, char *reason)
{
	struct vly_catalog_reader reader;
	char *copy = strdup(lines);
	char *rest = copy;
	char *line;

	vly_catalog_begin(&reader, name);
	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line)
			catalog_take_line(&reader, line);
	free(copy);
	*reason = '\0';
	return vly_catalog_end(&reader, reason);
}

#endif
