/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All lcores: the queue of each, their start and their end.
 *
 * Use, in the main thread:
 *   1. vly_workers_plan() when the ports are open and the counters exist;
 *   2. vly_workers_start() launches the lcores and waits until each has allocated its memory;
 *   3. vly_workers_serve() when there are zones: until then, the lcores do not poll;
 *   4. vly_workers_stop().
 */
#ifndef VLY_DATAPLANE_WORKERS_H
#define VLY_DATAPLANE_WORKERS_H

#include "port/port.h"
#include "port/worker.h"
#include "setup/lcores.h"

struct vly_workers {
	unsigned cnt;
	unsigned launched_cnt;
	struct vly_worker worker[VLY_LCORES_MAX];
	atomic_bool serve;
	atomic_bool stop;
};

/* `workers` is zeroed. The options, the ports and the counters stay the caller's and are kept. */
__attribute__((nonnull)) void vly_workers_plan(struct vly_workers *workers,
					       const struct vly_options *options,
					       const struct vly_lcores *lcores,
					       const struct vly_port *ports, unsigned port_cnt,
					       struct vly_counters *counters);

/* Returns 0 if all lcores run; or -1 with the error logged. Call vly_workers_stop() in either case.
 * Blocks for up to 30 s if an lcore gets no memory. */
__attribute__((nonnull, warn_unused_result)) int vly_workers_start(struct vly_workers *workers);

/* Makes the lcores poll their queues. Does not block. */
__attribute__((nonnull)) void vly_workers_serve(struct vly_workers *workers);

/* Stops the lcores and waits for them. */
__attribute__((nonnull)) void vly_workers_stop(struct vly_workers *workers);

#endif
