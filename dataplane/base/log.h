/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Log lines to stderr, one per event: "volley-dataplane: LEVEL: text".
 *
 * Any thread may log; a line is written with one call, so lines do not mix. Never called per
 * packet.
 */
#ifndef VLY_DATAPLANE_LOG_H
#define VLY_DATAPLANE_LOG_H

struct vly_retry; /* <volley/retry.h> */

enum vly_log_level {
	VLY_LOG_ERROR,
	VLY_LOG_WARNING,
	VLY_LOG_INFO,
	VLY_LOG_DEBUG,
};

/* Knows the lines that the attempt to start before this one has said, which are not said again. */
extern struct vly_retry vly_log_retry;

/* The least severe level that is written; info until told otherwise. */
void vly_log_level_set(enum vly_log_level level);

/* Level of that name, or -1. */
int vly_log_level_parse(const char *name);

__attribute__((format(printf, 2, 3))) void vly_log(enum vly_log_level level, const char *format,
						   ...);

#define vly_log_error(...)   vly_log(VLY_LOG_ERROR, __VA_ARGS__)
#define vly_log_warning(...) vly_log(VLY_LOG_WARNING, __VA_ARGS__)
#define vly_log_info(...)    vly_log(VLY_LOG_INFO, __VA_ARGS__)
#define vly_log_debug(...)   vly_log(VLY_LOG_DEBUG, __VA_ARGS__)

#endif
