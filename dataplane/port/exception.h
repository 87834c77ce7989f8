/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The exception path of a port that DPDK owns alone: frames that are not for the lcores go to a tap
 * interface of the kernel, and frames that the kernel sends there leave through the port. ARP, ND,
 * ping, TCP and BGP thus work as on a port that the kernel owns.
 *
 *   lcore of each queue ─► ring of each class ─► thread ─► tap
 *   lcore of queue 0    ◄─ one ring           ◄─ thread ◄─ tap
 *
 * An lcore copies frames and never waits, locks or calls the kernel: a thread moves the frames
 * between the rings and the tap. Each lcore has a rate and a ring for each class, so a flood of
 * pings leaves room for ARP and BGP, and costs queries little more than dropping it. A plain tap is
 * enough for the few frames of this path; virtio-user would need huge pages and a kernel thread
 * that spins.
 *
 * Use, in the main thread: vly_exception_open() when the port runs and before its lcores do,
 * vly_exception_read() now and then, vly_exception_close() when the lcores have ended. On the lcore
 * of queue n: vly_exception_offer(); on that of queue 0 also vly_exception_send().
 */
#ifndef VLY_DATAPLANE_EXCEPTION_H
#define VLY_DATAPLANE_EXCEPTION_H

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <volley/counters.h>
#include <volley/rate.h>

#include "exception_class.h"
#include "frame_ring.h"
#include "setup/options.h"

struct vly_exception;

/* The part that the lcore of a queue uses. The thread takes from the rings. Each has a cache line
 * of its own, as each lcore writes to its cells. */
struct vly_exception_queue {
	struct vly_frame_ring *ring[VLY_EXCEPTION_CLASS_CNT];
	uint32_t cell[VLY_EXCEPTION_CLASS_CNT]; /* of the rate, rate.h */
} VLY_FRAME_RING_LINE;

struct vly_exception_plan {
	const struct vly_port_spec *spec;
	const struct vly_addresses *addresses; /* --listen */
	const uint8_t *mac;                    /* six octets: the port's */
	unsigned mtu;
	uint16_t port_id;
	struct rte_mempool *pool; /* of queue 0 */
};

/* Makes the interface and starts the thread. Returns the path, or NULL with the error logged. */
__attribute__((nonnull, warn_unused_result)) struct vly_exception *
vly_exception_open(const struct vly_exception_plan *plan);

/* The queue's side. It is the lcore's until vly_exception_close(). */
__attribute__((nonnull)) struct vly_exception_queue *
vly_exception_queue_of(struct vly_exception *exception, unsigned queue_idx);

/*
 * Copies a received frame, which stays the caller's, for the kernel. `now` is in rate.h's units.
 * Returns VLY_VERDICT_pass; VLY_VERDICT_exception_full: its class has had its rate, or waits;
 * VLY_VERDICT_too_large: longer than the interface's MTU allows.
 */
__attribute__((nonnull)) enum vly_verdict
vly_exception_offer(struct vly_exception_queue *queue, const struct rte_mbuf *mbuf, uint32_t now);

/* Sends some of the kernel's frames. Returns whether there were any. */
__attribute__((nonnull)) bool vly_exception_send(struct vly_exception *exception);

/* Copies the counts, and logs once that the interface is gone. */
__attribute__((nonnull)) void vly_exception_read(struct vly_exception *exception,
						 struct vly_port_counters *counters);

/* Ends the thread; the interface is gone then. NULL: nothing. */
void vly_exception_close(struct vly_exception *exception);

#endif
