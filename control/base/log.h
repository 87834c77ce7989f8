/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Log lines of volley-control: one line per event on stderr. Under systemd (JOURNAL_STREAM is
 * set) each line begins with its priority, as sd-daemon(3) describes; else with the level's name.
 * Any thread.
 */
#ifndef VLY_CONTROL_LOG_H
#define VLY_CONTROL_LOG_H

#include <volley/retry.h>

enum vly_log_level {
	VLY_LOG_ERROR,
	VLY_LOG_WARNING,
	VLY_LOG_INFO,
	VLY_LOG_DEBUG,
};

/* Which lines the attempt to start before this one has said: those are not said again. */
extern struct vly_retry vly_log_retry;

/* Returns the level called `name`, or -1. */
__attribute__((nonnull)) int vly_log_level_find(const char *name);

/* Lines less important than `level` are not written. Info until then. */
void vly_log_set_level(enum vly_log_level level);

__attribute__((nonnull, format(printf, 2, 3))) void vly_log(enum vly_log_level level,
							    const char *format, ...);

#endif
