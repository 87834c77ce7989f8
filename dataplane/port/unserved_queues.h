/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Warns of queues on which queries arrive although no lcore serves them. The XDP program leaves
 * such queries to the kernel, so they are answered, but slowly, and nobody would notice.
 *
 * Use: zeroed; vly_unserved_queues_watch() after the port's counters have been read. It logs a
 * warning at once, and then once a minute while it goes on. Main thread.
 */
#ifndef VLY_DATAPLANE_UNSERVED_QUEUES_H
#define VLY_DATAPLANE_UNSERVED_QUEUES_H

#include "setup/options.h"
#include "xdp_cpus.h"

struct vly_unserved_queues {
	uint64_t seen_cnt; /* queries on such queues at the last check */
	uint64_t told_ns;  /* when the last warning was logged; 0: never */
};

/* `now_ns`: of a monotonic clock, not 0. Sets counters->unserved_queue_cnt. */
__attribute__((nonnull)) void vly_unserved_queues_watch(struct vly_unserved_queues *queues,
							const struct vly_port_spec *spec,
							struct vly_xdp_cpus *cpus,
							struct vly_port_counters *counters,
							uint64_t now_ns);

#endif
