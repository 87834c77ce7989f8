/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Plans the CPU of each lcore. EAL lcore 0 is the main thread; lcore i + 1 serves queue i, counted
 * over all ports.
 *
 * Use, at start-up in the main thread: vly_lcores_allowed(), then vly_lcores_plan().
 */
#ifndef VLY_DATAPLANE_LCORES_H
#define VLY_DATAPLANE_LCORES_H

#include <sched.h>

#include "options.h"

struct vly_lcores {
	unsigned cnt;                 /* worker lcores */
	uint16_t cpu[VLY_LCORES_MAX]; /* of each */
	bool shared;                  /* several lcores share a CPU */
	cpu_set_t allowed;            /* the CPUs that we may use */
	cpu_set_t rest;               /* those of them without a worker; may be empty */
	char map[8192];               /* the EAL's --lcores argument */
};

/* The type of sched_getaffinity(). */
typedef int vly_lcores_ask(pid_t pid, size_t bytes, cpu_set_t *cpus);

/*
 * The CPUs that this thread may use, of the first 1,024, since DPDK knows no others. `ask` is
 * sched_getaffinity(). Returns 0, or a negative errno: -ERANGE if it may use none of these.
 */
__attribute__((nonnull, warn_unused_result)) int vly_lcores_allowed(cpu_set_t *allowed,
								    vly_lcores_ask *ask);

/*
 * Assigns CPUs of `allowed` to the lcores: those of --cpus, or else the last ones, so that the
 * first is left to the main thread if there are several. The main thread may run on all CPUs
 * without a worker, or on all if there are none. Returns 0, or -1 with the reason in
 * options->error: --cpus names a CPU that is not allowed.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_lcores_plan(struct vly_lcores *lcores, struct vly_options *options, const cpu_set_t *allowed);

#endif
