/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the XDP program of one port counts, CPU by CPU: memory that the kernel and we share.
 *
 * Use, in the main thread: vly_xdp_cpus_add() before the program serves, then vly_xdp_cpus_read()
 * and vly_xdp_cpus_sample() now and then, vly_xdp_cpus_take_queues() when queries came in on queues
 * without a socket, vly_xdp_cpus_free() when the program is gone or not.
 */
#ifndef VLY_DATAPLANE_XDP_CPUS_H
#define VLY_DATAPLANE_XDP_CPUS_H

#include <volley/counters.h>
#include <volley/xdp.h>

#include "guard/sample.h"

/* Zeros: none yet. */
struct vly_xdp_cpus {
	struct vly_xdp_cpu **cpu; /* mapped, of each CPU that the machine may have */
	uint64_t *sample_cnt;     /* of each: samples that were read */
	unsigned cnt;
};

/* Creates a map for each CPU and puts it into the outer map `cpus_fd`. Returns 0 or a negative
 * errno; what was made then stays to be freed. */
__attribute__((nonnull, warn_unused_result)) int vly_xdp_cpus_add(struct vly_xdp_cpus *cpus,
								  int cpus_fd);

/* Sums up what they have counted. */
__attribute__((nonnull)) void vly_xdp_cpus_read(const struct vly_xdp_cpus *cpus,
						struct vly_port_counters *counters);

/* Moves the samples they took since the last time to the sampler's ring, as far as it wants them,
 * and lets them take new ones. `now` is in rate.h's units. */
__attribute__((nonnull)) void vly_xdp_cpus_sample(struct vly_xdp_cpus *cpus,
						  struct vly_sampler *sampler, uint32_t now);

/* Queues without a socket that queries came in on. */
struct vly_xdp_queues {
	unsigned cnt; /* 0: the others mean nothing */
	unsigned first;
	unsigned last;
};

/* Those since the last time. Looks at a kilobyte for each CPU. */
__attribute__((nonnull)) struct vly_xdp_queues vly_xdp_cpus_take_queues(struct vly_xdp_cpus *cpus);

__attribute__((nonnull)) void vly_xdp_cpus_free(struct vly_xdp_cpus *cpus);

#endif
