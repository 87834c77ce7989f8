/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Takes lines of JSON out of a stream (untrusted): bounded, each an object with one member that names what it is.
 *
 * Use: read into vly_health_lines_room(), tell how much with vly_health_lines_filled(), then vly_health_lines_take()
 * until there is no more. One thread; no function blocks.
 */
#ifndef VLY_COMMON_HEALTH_LINES_H
#define VLY_COMMON_HEALTH_LINES_H

#include <jansson.h>
#include <stddef.h>

#include <volley/health.h>

struct vly_health_lines {
	size_t begin; /* of what has not been taken */
	size_t end;
	char octet[VLY_HEALTH_LINE_MAX];
};

/* Returns where octets may be written, and how many: at least 1 after vly_health_lines_take() has returned 0. */
__attribute__((nonnull)) char *vly_health_lines_room(struct vly_health_lines *lines, size_t *bytes);

__attribute__((nonnull)) void vly_health_lines_filled(struct vly_health_lines *lines, size_t bytes);

/*
 * Takes a line. Returns 1 with its object in *line, the caller's, and its member in *key and *value, which belong to
 * it; 0 when there is no whole line; -1 when it is too long or malformed: the connection is of no more use.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_health_lines_take(struct vly_health_lines *lines, json_t **line, const char **key,
		      json_t **value);

/* Writes {key: value} and a newline; `value` is taken over, and NULL counts as out of memory. Returns the text, to be
 * freed, with its octets in *bytes; NULL without memory, or if it is too long. */
__attribute__((nonnull(1, 3), warn_unused_result)) char *
vly_health_line_write(const char *key, json_t *value, size_t *bytes);

#endif
