/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FORMAT_PATH(path, root, format)                                                            \
	do {                                                                                       \
		va_list args;                                                                      \
		size_t len = (size_t)snprintf(path, sizeof(path), "%s", root);                     \
		va_start(args, format);                                                            \
		if (len < sizeof(path))                                                            \
			vsnprintf(path + len, sizeof(path) - len, format, args);                   \
		va_end(args);                                                                      \
	} while (0)

static bool
read_line(const char *path, char *line, size_t room)
{
	FILE *file = fopen(path, "re");

	line[0] = '\0';
	if (file == NULL)
		return false;
	if (fgets(line, (int)room, file) != NULL)
		line[strcspn(line, "\n")] = '\0';
	fclose(file);
	return true;
}

FILE *
vly_preflight_open(const char *root, const char *format, ...)
{
	char path[PATH_MAX];

	FORMAT_PATH(path, root, format);
	return fopen(path, "re");
}

bool
vly_preflight_read_line(const char *root, char *line, size_t room, const char *format, ...)
{
	char path[PATH_MAX];

	FORMAT_PATH(path, root, format);
	return read_line(path, line, room);
}

long
vly_preflight_read_number(const char *root, long otherwise, const char *format, ...)
{
	char path[PATH_MAX], line[32];
	char *end;

	FORMAT_PATH(path, root, format);
	if (!read_line(path, line, sizeof(line)))
		return otherwise;
	long number = strtol(line, &end, 10);
	return end == line ? otherwise : number;
}

bool
vly_preflight_read_cpus(const char *root, cpu_set_t *cpus, const char *format, ...)
{
	/* the longest list of 1,024 CPUs, every other one, has 512 numbers */
	char path[PATH_MAX], line[4096];

	FORMAT_PATH(path, root, format);
	CPU_ZERO(cpus);
	return read_line(path, line, sizeof(line)) && vly_preflight_parse_cpus(line, cpus);
}

bool
vly_preflight_read_link(const char *root, char *name, size_t room, const char *format, ...)
{
	char path[PATH_MAX], target[PATH_MAX];

	FORMAT_PATH(path, root, format);
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	target[len > 0 ? len : 0] = '\0';
	const char *slash = strrchr(target, '/');
	snprintf(name, room, "%s", slash != NULL ? slash + 1 : target);
	return len > 0;
}

bool
vly_preflight_exists(const char *root, const char *format, ...)
{
	char path[PATH_MAX];

	FORMAT_PATH(path, root, format);
	return access(path, F_OK) == 0;
}

/* Returns where the range ends, or NULL. */
static const char *
parse_range(const char *at, cpu_set_t *cpus)
{
	char *end;

	if (*at < '0' || *at > '9')
		return NULL;
	unsigned long first = strtoul(at, &end, 10);
	unsigned long last = first;
	if (*end == '-') {
		if (end[1] < '0' || end[1] > '9')
			return NULL;
		last = strtoul(end + 1, &end, 10);
	}
	for (unsigned long cpu = first; cpu <= last && cpu < CPU_SETSIZE; cpu++)
		CPU_SET(cpu, cpus);
	return end;
}

bool
vly_preflight_parse_cpus(const char *list, cpu_set_t *cpus)
{
	CPU_ZERO(cpus);
	if (*list == '\0') /* such as that of the isolated ones, when none is */
		return true;
	for (const char *at = list; (at = parse_range(at, cpus)) != NULL; at++) {
		if (*at == '\0')
			return true;
		if (*at != ',')
			return false;
	}
	return false;
}

const char *
vly_preflight_list_cpus(const cpu_set_t *cpus, char list[VLY_PREFLIGHT_LIST_CHARS])
{
	char range[32];
	size_t len = 0;

	list[0] = '\0';
	for (unsigned first = 0, last; first < CPU_SETSIZE; first = last + 1) {
		last = first;
		if (!CPU_ISSET(first, cpus))
			continue;
		while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, cpus))
			last++;
		int chars = snprintf(range, sizeof(range), last > first ? "%s%u-%u" : "%s%u",
				     len > 0 ? "," : "", first, last);
		if (len + (size_t)chars + sizeof(",...") > VLY_PREFLIGHT_LIST_CHARS) {
			strcpy(list + len, ",...");
			break;
		}
		memcpy(list + len, range, (size_t)chars + 1);
		len += (size_t)chars;
	}
	return list;
}
