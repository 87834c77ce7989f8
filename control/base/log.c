/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int priority; /* syslog(3) */
} levels[] = {
	[VLY_LOG_ERROR] = {"error", 3},
	[VLY_LOG_WARNING] = {"warning", 4},
	[VLY_LOG_INFO] = {"info", 6},
	[VLY_LOG_DEBUG] = {"debug", 7},
};

static _Atomic int log_level = VLY_LOG_INFO;

struct vly_retry vly_log_retry;

int
vly_log_level_find(const char *name)
{
	for (int i = 0; i <= VLY_LOG_DEBUG; i++)
		if (strcmp(levels[i].name, name) == 0)
			return i;
	return -1;
}

void
vly_log_set_level(enum vly_log_level level)
{
	log_level = level;
}

void
vly_log(enum vly_log_level level, const char *format, ...)
{
	if ((int)level > log_level)
		return;
	char line[2048];
	int len;
	if (getenv("JOURNAL_STREAM"))
		len = snprintf(line, sizeof(line), "<%d>", levels[level].priority);
	else
		len = snprintf(line, sizeof(line), "volley-control: %s: ", levels[level].name);
	va_list args;
	va_start(args, format);
	vsnprintf(line + len, sizeof(line) - (size_t)len, format, args);
	va_end(args);
	if (!vly_retry_is_news(&vly_log_retry, line))
		return;
	fprintf(stderr, "%s\n", line); /* one call: lines of two threads don't mix */
}
