/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config_parts.h"

struct vly_config_finding *
vly_config_find(struct vly_config_findings *findings, const char *path, unsigned idx,
		const char *format, ...)
{
	va_list args;

	if (findings->total++ >= VLY_CONFIG_ERRORS_MAX)
		return NULL;
	struct vly_config_finding *finding = &findings->item[findings->cnt++];
	const char *number = strstr(path, "%u");
	if (number)
		snprintf(finding->path, sizeof(finding->path), "%.*s%u%s", (int)(number - path),
			 path, idx, number + 2);
	else
		snprintf(finding->path, sizeof(finding->path), "%s", path);
	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
	return finding;
}

void
vly_config_write_error(struct vly_config_errors *errors, const char *path, uint64_t line,
		       const char *key, const char *text)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	char place[32] = "";

	if (errors->cnt == VLY_CONFIG_ERRORS_MAX)
		return;
	if (line)
		snprintf(place, sizeof(place), ":%llu", (unsigned long long)line);
	if (asprintf(&errors->text[errors->cnt], "%s%s: %s%s%s", base, place, key, *key ? ": " : "",
		     text) < 0)
		errors->text[errors->cnt] = NULL;
	errors->cnt += errors->text[errors->cnt] != NULL;
}
