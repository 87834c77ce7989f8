/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Log lines of both daemons on stderr, one per event. Under systemd (JOURNAL_STREAM is set) a line
 * begins with its priority, as sd-daemon(3) describes; otherwise with the names of the program and
 * of the level: "volley-control: warning: text".
 *
 * Any thread may log: a line is written with one call, so that lines do not mix. A line that is
 * longer than 2,047 octets is cut. Never called per packet.
 */
#ifndef VLY_COMMON_LOG_H
#define VLY_COMMON_LOG_H

struct vly_retry; /* <volley/retry.h> */

enum vly_log_level {
	VLY_LOG_ERROR,
	VLY_LOG_WARNING,
	VLY_LOG_INFO,
	VLY_LOG_DEBUG,
};

/* Holds the lines that the previous attempt to start has written; they are not written again. */
extern struct vly_retry vly_log_retry;

/* Returns the level called `name`, or -1. */
__attribute__((nonnull)) int vly_log_level_find(const char *name);

/* Sets the least severe level that is written, which is info at first. */
void vly_log_level_set(enum vly_log_level level);

__attribute__((nonnull, format(printf, 2, 3))) void vly_log(enum vly_log_level level,
							    const char *format, ...);

/* The text of the last error that the main thread has logged, or "". Main thread only. */
__attribute__((returns_nonnull)) const char *vly_log_last_error(void);

#define vly_log_error(...)   vly_log(VLY_LOG_ERROR, __VA_ARGS__)
#define vly_log_warning(...) vly_log(VLY_LOG_WARNING, __VA_ARGS__)
#define vly_log_info(...)    vly_log(VLY_LOG_INFO, __VA_ARGS__)
#define vly_log_debug(...)   vly_log(VLY_LOG_DEBUG, __VA_ARGS__)

#endif
