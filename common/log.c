/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <volley/retry.h>

/* A path or two and a reason fit. */
#define LINE_BYTES 2048

static const struct {
	const char *name;
	int priority; /* syslog(3) */
} levels[] = {
	[VLY_LOG_ERROR] = {"error", 3},
	[VLY_LOG_WARNING] = {"warning", 4},
	[VLY_LOG_INFO] = {"info", 6},
	[VLY_LOG_DEBUG] = {"debug", 7},
};

static _Atomic int level_max = VLY_LOG_INFO;

struct vly_retry vly_log_retry;

/* The main thread's. */
static char last_error[LINE_BYTES];

int
vly_log_level_find(const char *name)
{
	for (int i = 0; i <= VLY_LOG_DEBUG; i++)
		if (strcmp(levels[i].name, name) == 0)
			return i;
	return -1;
}

void
vly_log_level_set(enum vly_log_level level)
{
	level_max = level;
}

/* Returns the octets that the beginning of a line takes. */
static size_t
begin(char line[LINE_BYTES], enum vly_log_level level)
{
	int len = getenv("JOURNAL_STREAM")
			  ? snprintf(line, LINE_BYTES, "<%d>", levels[level].priority)
			  : snprintf(line, LINE_BYTES, "%.64s: %s: ", program_invocation_short_name,
				     levels[level].name);

	return (size_t)len;
}

void
vly_log(enum vly_log_level level, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;

	if ((int)level > level_max)
		return;
	size_t len = begin(line, level);
	va_start(args, format);
	int text = vsnprintf(line + len, sizeof(line) - len, format, args);
	va_end(args);
	if (level == VLY_LOG_ERROR && gettid() == getpid())
		strcpy(last_error, line + len);
	if (!vly_retry_is_news(&vly_log_retry, line))
		return;

	len += text > 0 ? (size_t)text : 0;
	if (len > sizeof(line) - 1)
		len = sizeof(line) - 1;
	line[len] = '\n';
	if (write(STDERR_FILENO, line, len + 1) < 0)
		return; /* there is nowhere left to report it */
}

const char *
vly_log_last_error(void)
{
	return last_error;
}
