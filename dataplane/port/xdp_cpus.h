/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The counts and samples of the XDP program of one port, for each CPU, in memory shared with the
 * kernel (struct vly_xdp_cpu).
 *
 * Use: zeroed; vly_xdp_cpus_add() before the program serves; then vly_xdp_cpus_read() and
 * vly_xdp_cpus_sample() every 100 ms or so, and vly_xdp_cpus_take_queues() when queries arrived on
 * queues without a socket; vly_xdp_cpus_free() at any time. Main thread only; only _add() blocks.
 */
#ifndef VLY_DATAPLANE_XDP_CPUS_H
#define VLY_DATAPLANE_XDP_CPUS_H

#include <volley/counters.h>
#include <volley/xdp.h>

#include "guard/sample.h"

struct vly_xdp_cpus {
	struct vly_xdp_cpu **cpu; /* [cnt], mapped: one for each possible CPU */
	uint64_t *sample_cnt;     /* [cnt]: samples already read */
	unsigned cnt;
};

/* Creates a map for each CPU and puts them into the outer map `cpus_fd`. Blocks for a grace period
 * of the kernel. Returns 0 or a negative errno; call vly_xdp_cpus_free() in either case. */
__attribute__((nonnull, warn_unused_result)) int vly_xdp_cpus_add(struct vly_xdp_cpus *cpus,
								  int cpus_fd);

/* Adds up the counts of all CPUs. */
__attribute__((nonnull)) void vly_xdp_cpus_read(const struct vly_xdp_cpus *cpus,
						struct vly_port_counters *counters);

/* Moves new samples to the sampler's ring, as many as the sampler wants, and gives the CPUs credit
 * for more. `now` is in rate.h's units. */
__attribute__((nonnull)) void vly_xdp_cpus_sample(struct vly_xdp_cpus *cpus,
						  struct vly_sampler *sampler, uint32_t now);

/* Queues without a socket on which queries arrived. */
struct vly_xdp_queues {
	unsigned cnt; /* 0: first and last are undefined */
	unsigned first;
	unsigned last;
};

/* Returns the queues since the last call. Reads a kilobyte for each CPU. */
__attribute__((nonnull)) struct vly_xdp_queues vly_xdp_cpus_take_queues(struct vly_xdp_cpus *cpus);

__attribute__((nonnull)) void vly_xdp_cpus_free(struct vly_xdp_cpus *cpus);

#endif
