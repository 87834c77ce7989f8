/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Warns of queues of a port that queries come in on though no lcore serves them. The XDP program
 * leaves these to the kernel, so that they are answered all the same, but slowly, and nobody would
 * notice.
 *
 * Use, in the main thread: zeros to begin with; vly_unserved_queues_watch() now and then, after the
 * port's counters have been read. Logs a warning at once, and then once a minute as long as it goes
 * on.
 */
#ifndef VLY_DATAPLANE_UNSERVED_QUEUES_H
#define VLY_DATAPLANE_UNSERVED_QUEUES_H

#include "setup/options.h"
#include "xdp_cpus.h"

struct vly_unserved_queues {
	uint64_t seen_cnt; /* queries on such queues, up to the last look */
	uint64_t told_ns;  /* when the last warning was logged; 0: never */
};

/* `now_ns` is of a clock that never goes back, and not 0. Sets counters->unserved_queue_cnt. */
__attribute__((nonnull)) void vly_unserved_queues_watch(struct vly_unserved_queues *queues,
							const struct vly_port_spec *spec,
							struct vly_xdp_cpus *cpus,
							struct vly_port_counters *counters,
							uint64_t now_ns);

#endif
