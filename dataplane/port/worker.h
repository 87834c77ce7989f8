/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One lcore: receives bursts from one queue, answers, and sends.
 *
 * Use, in the main thread:
 *   1. fill a struct vly_worker;
 *   2. vly_worker_run() on its lcore (rte_eal_remote_launch);
 *   3. wait until `state` is no longer VLY_WORKER_STARTING;
 *   4. set *serve when there are zones;
 *   5. set *stop, and wait for the lcore.
 *
 * Threads and RCU: the worker registers itself as an RCU reader, passes a quiescent state after
 * each burst, and is offline while it sleeps, so tables may be published at any time. The fields
 * below are constant from step 2 on, except for those that the lcore writes. Only the main thread
 * stores *serve and *stop. The packet path takes no lock, allocates nothing and logs nothing.
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
	VLY_WORKER_FAILED, /* `error` and `error_what` say why */
	VLY_WORKER_ENDED,
};

struct vly_worker {
	const char *port_name;
	struct vly_exception *exception; /* the port's way to the kernel; NULL: none */
	uint16_t port_id;
	uint16_t queue_idx;
	/* octets of the largest response: fits the port's MTU and the operator's limit */
	uint16_t limit_max_ipv4;
	uint16_t limit_max_ipv6;
	bool spin;         /* never sleep */
	int wait_fd;       /* readable when packets have arrived, or -1 */
	bool has_xdp;      /* the XDP program has applied the rules and counted */
	bool partial_sums; /* struct vly_port */
	bool checks_sums;  /* struct vly_port */
	uint16_t port_idx;
	uint64_t tsc_hz;
	const struct vly_addresses *addresses;
	const _Atomic uint64_t *mac; /* the port's (vly_policy_mac()); NULL: accept any */
	struct vly_lcore_counters *counters;
	struct vly_sample_ring *samples;
	const atomic_bool *serve; /* false: there are no zones yet, so the queue is not polled */
	const atomic_bool *stop;
	/* written by the lcore */
	_Atomic enum vly_worker_state state;
	int error; /* a positive errno */
	const char *error_what;
	pid_t tid;
	const struct vly_burst *burst;
};

/* Runs a struct vly_worker on the calling lcore. Returns 0 after *stop was set, or a negative errno
 * if the lcore could not allocate its state; worker->state says the same. */
int vly_worker_run(void *worker);

/* A number that changes with each turn of the lcore's loop, idle or not. Any thread, for a running
 * worker. Does not block. */
__attribute__((nonnull)) uint64_t vly_worker_progress(const struct vly_worker *worker);

/*
 * Copies the packets that the lcore is working on, and returns a static text for its stage that
 * follows "it is". For a running worker that hangs, from another thread: nothing is locked, so if
 * the lcore goes on meanwhile, the packets may be those of another burst.
 */
__attribute__((nonnull)) const char *vly_worker_held(const struct vly_worker *worker,
						     struct vly_evidence *evidence);

#endif
