/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <volley/retry.h>

/* Longer lines are cut: a path or two and a reason fit. */
#define LINE_BYTES 1024

static const char *const level_name[] = {"error", "warning", "info", "debug"};
static enum vly_log_level level_max = VLY_LOG_INFO;

struct vly_retry vly_log_retry;

void
vly_log_level_set(enum vly_log_level level)
{
	level_max = level;
}

int
vly_log_level_parse(const char *name)
{
	for (int i = 0; i <= VLY_LOG_DEBUG; i++)
		if (strcmp(name, level_name[i]) == 0)
			return i;
	return -1;
}

void
vly_log(enum vly_log_level level, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;

	if (level > level_max)
		return;
	size_t head =
		(size_t)snprintf(line, sizeof(line), "volley-dataplane: %s: ", level_name[level]);
	va_start(args, format);
	int text = vsnprintf(line + head, sizeof(line) - head, format, args);
	va_end(args);
	if (!vly_retry_is_news(&vly_log_retry, line))
		return;

	size_t len = head + (text > 0 ? (size_t)text : 0);
	if (len > sizeof(line) - 1)
		len = sizeof(line) - 1;
	line[len] = '\n';
	if (write(STDERR_FILENO, line, len + 1) < 0)
		return; /* nowhere left to say it */
}
