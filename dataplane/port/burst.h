/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an lcore does with a burst of packets: the steps from reception to transmission.
 *
 * Use, on the lcore: vly_burst_create(); then fill received[] from the port with
 * vly_backlog_receive(), set received_cnt, and call vly_burst_answer() or vly_burst_pass(), again and
 * again; vly_burst_free(). One burst for each lcore; only the lcore touches it, except that the
 * watchdog reads `stage` and received[] (worker.h). It takes no lock, allocates nothing and logs
 * nothing after its creation. vly_burst_answer() reads the live table, so the lcore must be an online
 * RCU reader.
 */
#ifndef VLY_DATAPLANE_BURST_H
#define VLY_DATAPLANE_BURST_H

#include <rte_mbuf.h>

#include "answer/guard.h"
#include "backlog.h"
#include "guard/judge.h"
#include "worker.h"

_Static_assert(VLY_BURST_MAX <= VLY_JUDGE_MAX, "a burst is judged at once");

/* Packets whose headers are prefetched ahead of the one being classified. */
#define VLY_BURST_FETCHED_AHEAD 8

/* The step that an lcore is in, for the watchdog: one store for each step of a burst. */
enum vly_burst_stage {
	VLY_BURST_RECEIVE,
	VLY_BURST_REST,
	VLY_BURST_CLASSIFY, /* from here on it has packets */
	VLY_BURST_ADMIT,
	VLY_BURST_ANSWER,
	VLY_BURST_WRITE,
	VLY_BURST_SEND,
};

struct vly_burst {
	struct vly_guard guard;
	struct vly_steering steering;
	struct vly_backlog backlog;
	struct vly_sampler sampler;
	struct vly_exception_queue *to_kernel; /* NULL: there is no way */
	struct vly_policy_state *rules_state;  /* NULL: the XDP program has applied the rules */
	struct rte_mbuf *received[VLY_BURST_MAX + VLY_BURST_FETCHED_AHEAD];
	struct rte_mbuf *asked[VLY_BURST_MAX]; /* queries to answer */
	struct rte_mbuf *reply[VLY_BURST_MAX];
	struct rte_mbuf *refused[VLY_BURST_MAX]; /* to be freed */
	struct vly_packet packet[VLY_BURST_MAX]; /* of asked[] */
	uint64_t udp_sum[VLY_BURST_MAX + 1]; /* of asked[]; one more, as it is known before that */
	struct vly_query query[VLY_BURST_MAX]; /* of asked[]; zeros to begin with: never `stream` */
	_Atomic enum vly_burst_stage stage;
	unsigned received_cnt;
	unsigned asked_cnt;
	unsigned reply_cnt;
	unsigned refused_cnt;
	uint64_t reply_bytes; /* of reply[] */
	struct vly_limiter limiter;
};

/* Marks the step that begins, for the watchdog. */
static inline void
vly_burst_enter(struct vly_burst *burst, enum vly_burst_stage stage)
{
	atomic_store_explicit(&burst->stage, stage, memory_order_relaxed);
}

/* Answers the queries in received[], and sends the responses; other packets go to the kernel or are
 * dropped. */
__attribute__((nonnull)) void vly_burst_answer(const struct vly_worker *worker,
					       struct vly_burst *burst);

/* Gives everything in received[] to the kernel. */
__attribute__((nonnull)) void vly_burst_pass(const struct vly_worker *worker,
					     struct vly_burst *burst);

/* Makes the burst of the calling lcore. Returns 0 or a negative errno; then worker->error_what names
 * the step that failed. */
__attribute__((nonnull, warn_unused_result)) int vly_burst_create(struct vly_worker *worker,
								  struct vly_burst **made);

void vly_burst_free(struct vly_burst *burst);

#endif
