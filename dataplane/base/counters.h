/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Creates the shared counters (volley/counters.h).
 *
 * Use, in the main thread: vly_counters_create() at start-up; each lcore and stream thread then
 * writes its own part, the main thread the rest; pass read_fd to control; vly_counters_destroy()
 * when no other thread runs any more.
 */
#ifndef VLY_DATAPLANE_COUNTERS_H
#define VLY_DATAPLANE_COUNTERS_H

#include <volley/counters.h>

struct vly_counters_block {
	struct vly_counters *counters;
	int read_fd; /* the memfd, opened read-only, and sealed against writing and resizing */
};

/* Creates a zeroed block with its header. Returns 0, or a negative errno. */
__attribute__((nonnull, warn_unused_result)) int
vly_counters_create(struct vly_counters_block *block, uint32_t lcore_cnt, uint32_t port_cnt,
		    uint32_t stream_cnt);

__attribute__((nonnull)) void vly_counters_destroy(struct vly_counters_block *block);

#endif
