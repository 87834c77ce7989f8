/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which CPU each lcore runs on.
 *
 * EAL lcore 0 is the main thread; lcore i + 1 serves the i-th queue.
 */
#ifndef VLY_DATAPLANE_LCORES_H
#define VLY_DATAPLANE_LCORES_H

#include <sched.h>

#include "options.h"

struct vly_lcores {
	unsigned cnt;                 /* worker lcores */
	uint16_t cpu[VLY_LCORES_MAX]; /* of each */
	bool shared;                  /* several lcores on one CPU */
	cpu_set_t allowed;            /* all CPUs that we may use */
	cpu_set_t rest;               /* of those, the ones without a worker: maybe none */
	char map[8192];               /* the EAL's --lcores argument */
};

/* What sched_getaffinity() does. */
typedef int vly_lcores_ask(pid_t pid, size_t bytes, cpu_set_t *cpus);

/*
 * The CPUs that this thread may use, of the first 1,024, which are what DPDK knows. `ask` is
 * sched_getaffinity(). Returns 0, or a negative errno: -ERANGE when none of those is ours.
 */
__attribute__((nonnull, warn_unused_result)) int vly_lcores_allowed(cpu_set_t *allowed,
								    vly_lcores_ask *ask);

/*
 * Plans `options`' lcores on the CPUs in `allowed`: those of --cpus, else the last ones, leaving
 * the first to the main thread when there is more than one. The main thread may run on every CPU
 * that no worker has, or anywhere if they have them all. Returns 0, or -1 with the reason in
 * options->error: --cpus names a CPU that is not allowed.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_lcores_plan(struct vly_lcores *lcores, struct vly_options *options, const cpu_set_t *allowed);

#endif
