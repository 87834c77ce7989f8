/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads from /proc whether one of our threads is runnable, and its CPU time. Any thread. */
#ifndef VLY_DATAPLANE_THREAD_STATE_H
#define VLY_DATAPLANE_THREAD_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct vly_thread_state {
	bool runnable;   /* it runs, or waits only for a CPU */
	uint64_t cpu_ms; /* CPU time since its start */
};

/* Returns 0 or a negative errno. */
__attribute__((nonnull, warn_unused_result)) int
vly_thread_state_read(pid_t tid, struct vly_thread_state *state);

/* Parses the text of /proc/PID/stat. Returns 0, or -EBADMSG if it is malformed. */
__attribute__((nonnull, warn_unused_result)) int
vly_thread_state_parse(const char *text, long ticks_per_s, struct vly_thread_state *state);

#endif
