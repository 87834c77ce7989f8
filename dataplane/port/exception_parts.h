/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What exception.c and exception_thread.c share, for them alone. */
#ifndef VLY_DATAPLANE_EXCEPTION_PARTS_H
#define VLY_DATAPLANE_EXCEPTION_PARTS_H

#include <uv.h>

#include "exception.h"

struct vly_exception {
	const struct vly_port_spec *spec;
	int tap_fd; /* does not block */
	uint16_t port_id;
	struct rte_mempool *pool;
	unsigned queue_cnt;
	struct vly_exception_queue *queue; /* of each lcore */
	struct vly_frame_ring *from_kernel;
	uv_thread_t thread;
	bool has_thread;
	bool gone_told; /* the main thread's */
	atomic_bool stop;
	atomic_bool gone; /* somebody has deleted the interface */
	struct {
		uint64_t sent_cnt;
		uint64_t lost_cnt;
	} sender VLY_FRAME_RING_LINE; /* queue 0's lcore */
	struct {
		uint64_t written;
		uint64_t refused;
	} thread_cnt VLY_FRAME_RING_LINE; /* the thread */
};

/* Returns 0 or an error of libuv's. */
__attribute__((nonnull, warn_unused_result)) int
vly_exception_thread_start(struct vly_exception *exception);

/* Also when there is none. */
__attribute__((nonnull)) void vly_exception_thread_stop(struct vly_exception *exception);

#endif
