/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Notices an lcore or a stream thread that hangs, saves the packets that it was working on, and
 * ends the program, so that systemd restarts it. Otherwise one packet that runs into a fault would
 * leave the clients of a queue without a server until an operator notices.
 *
 * A thread of its own checks counters that the other threads keep anyway. The main thread can't do
 * it: it waits for lcores when it publishes, and would hang with one. Time is counted in checks
 * that took place, so a suspended machine or a stopped process costs one check. A thread that is
 * runnable but gets no CPU does not hang: that is only a warning.
 *
 * Use, in the main thread: vly_watchdog_start() when the lcores run; vly_watchdog_beat() every 100
 * ms or so; vly_watchdog_stop() when they have ended. Stream threads may start and stop in between.
 */
#ifndef VLY_DATAPLANE_WATCHDOG_H
#define VLY_DATAPLANE_WATCHDOG_H

#include <uv.h>

#include "base/evidence.h"
#include "stream/stream_server.h"
#include "workers.h"

/* The exit status when a thread hung. */
#define VLY_WATCHDOG_STATUS 70

/* The state of a thread as the watchdog saw it. */
struct vly_watch {
	uint64_t progress;
	uint64_t cpu_ms;    /* CPU time at the first check without progress */
	unsigned quiet_cnt; /* checks in a row without progress */
	bool told;          /* the warning was logged */
};

struct vly_watchdog {
	unsigned timeout_ms; /* 0: off */
	unsigned look_ms;
	unsigned quiet_max; /* checks */
	const char *state_dir;
	const struct vly_workers *workers;
	const struct vly_stream_server *streams;
	bool running;
	bool stop; /* under the mutex */
	atomic_uint beats;
	uv_thread_t thread;
	uv_mutex_t mutex;
	uv_cond_t cond;
	struct vly_watch lcore[VLY_LCORES_MAX];
	struct vly_watch stream[VLY_STREAM_THREADS_MAX];
	struct vly_watch main;
	struct vly_evidence evidence;
};

/* Counts a check. Returns whether there was no progress in quiet_max of them. */
__attribute__((nonnull, warn_unused_result)) bool
vly_watch_look(struct vly_watch *watch, uint64_t progress, unsigned quiet_max);

/* `watchdog` is zeroed. The options, the workers and the streams stay the caller's and are kept.
 * Returns 0, or -1 with the error logged. Does nothing if options->watchdog_ms is 0. */
__attribute__((nonnull, warn_unused_result)) int
vly_watchdog_start(struct vly_watchdog *watchdog, const struct vly_options *options,
		   const struct vly_workers *workers, const struct vly_stream_server *streams);

/* Reports that the main thread is alive. */
__attribute__((nonnull)) void vly_watchdog_beat(struct vly_watchdog *watchdog);

/* Stops the thread and waits for it. Does nothing if it was not started. */
__attribute__((nonnull)) void vly_watchdog_stop(struct vly_watchdog *watchdog);

#endif
