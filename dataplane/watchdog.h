/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Notices an lcore or a stream thread that does not come back, keeps what it had in hand, and ends
 * the program, so that systemd starts it again. Without it, one packet that leads into a fault
 * would leave the clients of a queue without a server until somebody looks.
 *
 * A thread of its own looks at what the others count anyway. It can't be the main thread, which
 * waits for lcores when it publishes, and would hang with one that does. Time is counted in looks
 * that took place: a machine that was suspended, or a process that was stopped, costs one look. A
 * thread that wants to run and gets no CPU does not hang: there is only a warning.
 *
 * As long as none hangs, systemd's watchdog is told so. It takes over when this one fails, or when
 * the whole process stands still.
 *
 * Use, in the main thread: vly_watchdog_start() when the lcores run; vly_watchdog_beat() now and
 * then; vly_watchdog_stop() when all of them have ended. Stream threads may start and stop in
 * between.
 */
#ifndef VLY_DATAPLANE_WATCHDOG_H
#define VLY_DATAPLANE_WATCHDOG_H

#include <uv.h>

#include "base/evidence.h"
#include "stream/stream_server.h"
#include "workers.h"

/* The exit status when a thread hung. */
#define VLY_WATCHDOG_STATUS 70

/* What the watchdog remembers of a thread. */
struct vly_watch {
	uint64_t progress;
	uint64_t cpu_ms;    /* CPU time that it had used when it was quiet for the first time */
	unsigned quiet_cnt; /* looks in a row without progress */
	bool told;
};

struct vly_watchdog {
	unsigned timeout_ms; /* 0: off */
	unsigned look_ms;
	unsigned quiet_max; /* looks */
	unsigned report_ms; /* how often systemd wants to hear of us; 0: never */
	uint64_t reported_ns;
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

/* Counts a look. Returns whether there was no progress in quiet_max of them. */
__attribute__((nonnull, warn_unused_result)) bool
vly_watch_look(struct vly_watch *watch, uint64_t progress, unsigned quiet_max);

/* `watchdog` is zeroed; the options, the workers and the streams stay the caller's, and are kept.
 * Returns 0, or -1 with the error logged. Does nothing when options->watchdog_ms is 0. */
__attribute__((nonnull, warn_unused_result)) int
vly_watchdog_start(struct vly_watchdog *watchdog, const struct vly_options *options,
		   const struct vly_workers *workers, const struct vly_stream_server *streams);

/* Tells that the main thread is alive. */
__attribute__((nonnull)) void vly_watchdog_beat(struct vly_watchdog *watchdog);

/* Does nothing when it was not started. */
__attribute__((nonnull)) void vly_watchdog_stop(struct vly_watchdog *watchdog);

#endif
