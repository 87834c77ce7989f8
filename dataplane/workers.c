/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "workers.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_launch.h>

#include "common/log.h"

/* Octets in front of a DNS message, from the IP header on. */
#define HEADERS_IPV4 (VLY_IPV4_BYTES + VLY_UDP_BYTES)
#define HEADERS_IPV6 (VLY_IPV6_BYTES + VLY_UDP_BYTES)

/* An lcore allocates its memory within milliseconds. One that has not done so after 30 s never
 * will, and the operator gets the reason before systemd's start timeout (90 s). */
#define START_MS_MAX 30000

static uint16_t
limit_max(const struct vly_options *options, const struct vly_port *port, unsigned headers)
{
	unsigned by_mtu = port->mtu - headers;

	return (uint16_t)RTE_MIN(by_mtu, options->udp_payload_max);
}

static struct vly_worker
plan_worker(const struct vly_options *options, const struct vly_port *port, unsigned queue)
{
	return (struct vly_worker){
		.port_name = port->spec->name,
		.port_id = port->port_id,
		.queue_idx = (uint16_t)queue,
		.limit_max_ipv4 = limit_max(options, port, HEADERS_IPV4),
		.limit_max_ipv6 = limit_max(options, port, HEADERS_IPV6),
		.spin = options->spin,
		.wait_fd = port->wait_fd[queue],
		.has_xdp = port->has_xdp,
		.exception = port->exception,
		.partial_sums = port->partial_sums,
		.checks_sums = port->checks_sums,
		.tsc_hz = rte_get_tsc_hz(),
		.addresses = &options->addresses,
		/* the XDP program has checked it */
		.mac = port->has_xdp ? NULL : &port->mac,
	};
}

void
vly_workers_plan(struct vly_workers *workers, const struct vly_options *options,
		 const struct vly_lcores *lcores, const struct vly_port *ports, unsigned port_cnt,
		 struct vly_counters *counters)
{
	unsigned idx = 0;

	for (unsigned i = 0; i < port_cnt; i++) {
		for (unsigned queue = 0; queue < ports[i].spec->queue_cnt; queue++, idx++) {
			struct vly_worker *worker = &workers->worker[idx];
			*worker = plan_worker(options, &ports[i], queue);
			worker->port_idx = (uint16_t)i;
			worker->counters = vly_counters_lcore(counters, idx);
			worker->samples = vly_counters_ring(counters, idx);
			worker->serve = &workers->serve;
			worker->stop = &workers->stop;
			worker->counters->lcore_id = idx + 1;
			worker->counters->port_idx = i;
			worker->counters->queue_idx = queue;
			worker->counters->cpu = lcores->cpu[idx];
		}
	}
	workers->cnt = idx;
}

static enum vly_worker_state
wait_for_state(const struct vly_worker *worker)
{
	for (unsigned ms = 0; ms < START_MS_MAX; ms++) {
		enum vly_worker_state state =
			atomic_load_explicit(&worker->state, memory_order_acquire);
		if (state != VLY_WORKER_STARTING)
			return state;
		usleep(1000);
	}
	return VLY_WORKER_STARTING;
}

static int
wait_for(const struct vly_worker *worker)
{
	unsigned id = worker->counters->lcore_id;

	switch (wait_for_state(worker)) {
	case VLY_WORKER_RUNNING:
	case VLY_WORKER_ENDED:
		return 0;
	case VLY_WORKER_FAILED:
		vly_log_error("lcore %u cannot start: port %s, queue %u: %s: %s", id,
			      worker->port_name, worker->queue_idx, worker->error_what,
			      strerror(worker->error));
		return -1;
	case VLY_WORKER_STARTING:
		break;
	}
	vly_log_error("lcore %u cannot start: port %s, queue %u: no memory within %d s", id,
		      worker->port_name, worker->queue_idx, START_MS_MAX / 1000);
	_exit(EXIT_FAILURE); /* it can't be waited for: it may never end */
}

int
vly_workers_start(struct vly_workers *workers)
{
	for (unsigned i = 0; i < workers->cnt; i++) {
		int error = rte_eal_remote_launch(vly_worker_run, &workers->worker[i], i + 1);
		if (error != 0) {
			vly_log_error("lcore %u cannot start: %s", i + 1, strerror(-error));
			return -1;
		}
		workers->launched_cnt++;
	}
	for (unsigned i = 0; i < workers->cnt; i++)
		if (wait_for(&workers->worker[i]) != 0)
			return -1;
	return 0;
}

void
vly_workers_serve(struct vly_workers *workers)
{
	atomic_store_explicit(&workers->serve, true, memory_order_release);
}

void
vly_workers_stop(struct vly_workers *workers)
{
	atomic_store_explicit(&workers->stop, true, memory_order_relaxed);
	for (unsigned i = 0; i < workers->launched_cnt; i++)
		rte_eal_wait_lcore(i + 1);
}
