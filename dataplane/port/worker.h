/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One lcore: receives bursts from one queue, answers, sends.
 *
 * Use: fill a struct vly_worker, vly_worker_run() on its lcore (rte_eal_remote_launch), wait until
 * `state` is no longer VLY_WORKER_STARTING, set *serve when there are zones, set *stop, wait for
 * the lcore. The worker registers itself as an RCU reader; the main thread may publish tables all
 * the while.
 */
#ifndef VLY_DATAPLANE_WORKER_H
#define VLY_DATAPLANE_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include <volley/counters.h>

#include "base/address.h"
#include "base/evidence.h"
#include "exception.h"

enum vly_worker_state {
	VLY_WORKER_STARTING,
	VLY_WORKER_RUNNING,
	VLY_WORKER_FAILED, /* error and error_what say why */
	VLY_WORKER_ENDED,
};

struct vly_worker {
	const char *port_name;
	struct vly_exception *exception; /* the port's way to the kernel; NULL: none */
	uint16_t port_id;
	uint16_t queue_idx;
	uint16_t limit_max_ipv4; /* octets of a DNS response that the port and the operator allow */
	uint16_t limit_max_ipv6;
	bool spin;         /* never sleep */
	int wait_fd;       /* readable when packets have come, or -1 */
	bool has_xdp;      /* the XDP program has counted what it gave us */
	bool partial_sums; /* struct vly_port */
	bool checks_sums;
	uint16_t port_idx;
	uint64_t tsc_hz;
	const struct vly_addresses *addresses;
	const _Atomic uint64_t
		*mac; /* the port's (vly_policy_mac()); NULL: whatever comes is ours */
	struct vly_lcore_counters *counters;
	struct vly_sample_ring *samples;
	const atomic_bool *serve; /* false: there are no zones yet, so the queue is left alone */
	const atomic_bool *stop;
	/* written by the lcore */
	_Atomic enum vly_worker_state state;
	int error; /* a positive errno */
	const char *error_what;
	pid_t tid;
	const struct burst *burst;
};

/* `worker` is a struct vly_worker. Returns 0 after *stop was set, or a negative errno when the
 * lcore can't have what it needs: both are in worker->state, too. */
int vly_worker_run(void *worker);

/* A number that is another one whenever the lcore has come back, idle or not. For a running worker,
 * from any thread. */
__attribute__((nonnull)) uint64_t vly_worker_progress(const struct vly_worker *worker);

/*
 * Copies the packets that the lcore has in hand, and returns what it is doing with them, in words
 * that follow "it is". For a running worker that hangs, from another thread: nothing is locked, and
 * if it goes on meanwhile, the packets may be those of another burst.
 */
__attribute__((nonnull)) const char *vly_worker_held(const struct vly_worker *worker,
						     struct vly_evidence *evidence);

#endif
