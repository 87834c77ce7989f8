/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "burst.h"
#include "idle.h"

/* The delay until an lcore sees that there are zones; a thousand checks a second cost little. */
#define WAIT_FOR_ZONES_US 1000

/* Spins or sleeps after an empty poll. */
static void
rest(const struct vly_worker *worker, struct vly_idle *idle)
{
	unsigned us = vly_idle_next(idle, rte_rdtsc());

	worker->counters->polls_empty++;
	if (us == 0) {
		rte_pause();
		return;
	}
	worker->counters->sleeps++;
	vly_idle_sleep(idle, us);
}

static inline void
send_for_kernel(const struct vly_worker *worker)
{
	if (worker->exception == NULL || worker->queue_idx != 0)
		return;
	uint64_t start_tsc = rte_rdtsc();
	if (vly_exception_send(worker->exception))
		worker->counters->busy_tsc += rte_rdtsc() - start_tsc;
}

/* Receives and processes bursts until *until is set. */
static inline __attribute__((always_inline)) void
turn(const struct vly_worker *worker, struct vly_burst *burst, const atomic_bool *until,
     void (*process)(const struct vly_worker *, struct vly_burst *))
{
	struct vly_idle idle;

	vly_idle_start(&idle, worker->spin, worker->wait_fd, worker->tsc_hz);
	/* acquire: the first burst with zones must see the table, which was published before */
	while (!atomic_load_explicit(until, memory_order_acquire) &&
	       !atomic_load_explicit(worker->stop, memory_order_relaxed)) {
		vly_burst_enter(burst, VLY_BURST_RECEIVE);
		burst->received_cnt = vly_backlog_receive(&burst->backlog, burst->received);
		if (burst->received_cnt > 0) {
			vly_idle_end(&idle);
			process(worker, burst);
		} else {
			vly_burst_enter(burst, VLY_BURST_REST);
			rest(worker, &idle);
		}
		send_for_kernel(worker);
		rcu_quiescent_state();
	}
}

/* Without zones, every query would get REFUSED, which resolvers take for a lame server. They take
 * silence for a lost packet, and retry. */
static void
wait_for_zones(const struct vly_worker *worker)
{
	struct vly_idle idle;

	vly_idle_start(&idle, false, -1, worker->tsc_hz);
	/* acquire: the first burst must see the table, which was published before */
	while (!atomic_load_explicit(worker->serve, memory_order_acquire) &&
	       !atomic_load_explicit(worker->stop, memory_order_relaxed)) {
		worker->counters->sleeps++;
		vly_idle_sleep(&idle, WAIT_FOR_ZONES_US);
	}
}

static void
set_state(struct vly_worker *worker, enum vly_worker_state state)
{
	atomic_store_explicit(&worker->state, state, memory_order_release);
}

int
vly_worker_run(void *argument)
{
	struct vly_worker *worker = argument;
	struct vly_burst *burst = NULL;
	/* Here, so that the memory is that of the lcore's own NUMA node. */
	int error = vly_burst_create(worker, &burst);

	if (error != 0) {
		worker->error = -error;
		set_state(worker, VLY_WORKER_FAILED);
		return error;
	}
	/* By default the kernel adds up to 50 µs to each sleep, to wake up several threads at
	 * once. */
	prctl(PR_SET_TIMERSLACK, 1);
	worker->tid = gettid();
	worker->burst = burst;
	set_state(worker, VLY_WORKER_RUNNING);
	rcu_register_thread();
	if (worker->exception != NULL)
		/* the kernel has the port to itself, and refuses queries like those to any closed
		 * port */
		turn(worker, burst, worker->serve, vly_burst_pass);
	else
		wait_for_zones(worker);
	turn(worker, burst, worker->stop, vly_burst_answer);
	rcu_unregister_thread();
	set_state(worker, VLY_WORKER_ENDED);
	vly_burst_free(burst);
	return 0;
}

uint64_t
vly_worker_progress(const struct vly_worker *worker)
{
	const struct vly_lcore_counters *counters = worker->counters;

	return __atomic_load_n(&counters->bursts, __ATOMIC_RELAXED) +
	       __atomic_load_n(&counters->polls_empty, __ATOMIC_RELAXED) +
	       __atomic_load_n(&counters->sleeps, __ATOMIC_RELAXED);
}

const char *
vly_worker_held(const struct vly_worker *worker, struct vly_evidence *evidence)
{
	static const char *const text[] = {
		[VLY_BURST_RECEIVE] = "receiving from the port",
		[VLY_BURST_REST] = "idle",
		[VLY_BURST_CLASSIFY] = "classifying packets",
		[VLY_BURST_ADMIT] = "applying the rules",
		[VLY_BURST_ANSWER] = "answering queries",
		[VLY_BURST_WRITE] = "writing packets",
		[VLY_BURST_SEND] = "sending through the port",
	};
	const struct vly_burst *burst = worker->burst;
	enum vly_burst_stage stage = atomic_load_explicit(&burst->stage, memory_order_relaxed);

	vly_evidence_clear(evidence);
	for (unsigned i = 0;
	     stage >= VLY_BURST_CLASSIFY && i < burst->received_cnt && i < VLY_BURST_MAX; i++) {
		const struct rte_mbuf *mbuf = burst->received[i];
		vly_evidence_add_frame(evidence, rte_pktmbuf_mtod(mbuf, const void *),
				       mbuf->data_len);
	}
	return text[stage];
}
