/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the programs here share: how they end when they can't go on, clocks, names in wire form. */
#ifndef VLY_PERF_TOOL_H
#define VLY_PERF_TOOL_H

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One line with the program's name, and exit status 1. */
__attribute__((noreturn, format(printf, 1, 2))) static inline void
vly_tool_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static inline uint64_t
vly_tool_now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* Writes a name without escapes, of at most `max` octets with its root label; returns its length,
 * or 0 when it is none or longer. */
static inline size_t
vly_tool_write_name(uint8_t *wire, size_t max, const char *text)
{
	size_t at = 0;

	while (*text != '\0' && strcmp(text, ".") != 0) {
		size_t len = strcspn(text, ".");
		if (len == 0 || len > 63 || at + len + 2 > max)
			return 0;
		wire[at++] = (uint8_t)len;
		memcpy(wire + at, text, len);
		at += len;
		text += len + (text[len] == '.');
	}
	wire[at++] = 0;
	return at;
}

#endif
