/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel says of one of our threads: whether it wants to run, and how long it has run.
 *
 * Use: vly_thread_state_read(), in any thread.
 */
#ifndef VLY_DATAPLANE_THREAD_STATE_H
#define VLY_DATAPLANE_THREAD_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct vly_thread_state {
	bool runnable;   /* it runs, or waits for nothing but a CPU */
	uint64_t cpu_ms; /* since it began */
};

/* Returns 0 or a negative errno. */
__attribute__((nonnull, warn_unused_result)) int
vly_thread_state_read(pid_t tid, struct vly_thread_state *state);

/* The same from the text of /proc/PID/stat; -EBADMSG when it is not that. */
__attribute__((nonnull, warn_unused_result)) int
vly_thread_state_parse(const char *text, long ticks_per_s, struct vly_thread_state *state);

#endif
