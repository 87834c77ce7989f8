/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The dataplane's side of the shared counters (volley/counters.h): makes the block.
 *
 * Use: vly_counters_create() at start-up; each lcore and stream thread writes its own part, the
 * main thread the rest; give read_fd to control; vly_counters_destroy() when no lcore runs any
 * more.
 */
#ifndef VLY_DATAPLANE_COUNTERS_H
#define VLY_DATAPLANE_COUNTERS_H

#include <volley/counters.h>

struct vly_counters_block {
	struct vly_counters *counters;
	int read_fd; /* of the memfd, opened read-only and sealed: nobody else can write or resize
			it */
};

/* Returns 0, or a negative errno. */
__attribute__((nonnull, warn_unused_result)) int
vly_counters_create(struct vly_counters_block *block, uint32_t lcore_cnt, uint32_t port_cnt,
		    uint32_t stream_cnt);

__attribute__((nonnull)) void vly_counters_destroy(struct vly_counters_block *block);

#endif
