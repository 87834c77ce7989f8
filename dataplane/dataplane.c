/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dataplane.h"

#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_launch.h>

#include "eal.h"
#include "port.h"
#include "publish_server.h"
#include "retry.h"
#include "stream_server.h"
#include "worker.h"

/* How often the ports' own counters are copied: as often as anybody looks, at the cost of a few
 * system calls per port. */
#define READ_PORTS_MS 100

/* Octets in front of a DNS message, from the IP header on. */
#define HEADERS_IPV4 (VLY_IPV4_BYTES + VLY_UDP_BYTES)
#define HEADERS_IPV6 (VLY_IPV6_BYTES + VLY_UDP_BYTES)

struct dataplane {
	const struct vly_options *options;
	struct vly_lcores lcores;
	struct vly_port port[VLY_PORTS_MAX];
	unsigned port_cnt; /* planned, at least */
	struct vly_worker worker[VLY_LCORES_MAX];
	struct vly_counters_block block;
	struct vly_sampler xdp_sampler; /* of what XDP programs dropped */
	struct vly_publish_server server;
	struct vly_stream_server streams;
	atomic_bool stop_workers;
	uv_loop_t loop;
	uv_timer_t timer;
	uv_signal_t sigterm;
	uv_signal_t sigint;
	bool told_to_stop;
};

static void
on_signal(uv_signal_t *signal, int number)
{
	struct dataplane *dataplane = signal->data;

	vly_log_info("stopping: %s", number == SIGTERM ? "SIGTERM" : "SIGINT");
	dataplane->told_to_stop = true;
	uv_stop(&dataplane->loop);
}

/* A signal that came during the start waits for the loop to run. One that comes from here on ends
 * the process. */
static bool
was_told_to_stop(struct dataplane *dataplane)
{
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	uv_run(&dataplane->loop, UV_RUN_NOWAIT);
	return dataplane->told_to_stop;
}

static void
on_timer(uv_timer_t *timer)
{
	struct dataplane *dataplane = timer->data;

	uint32_t now = vly_rate_now(uv_hrtime());

	for (unsigned i = 0; i < dataplane->port_cnt; i++) {
		struct vly_port *port = &dataplane->port[i];
		vly_port_read(port, vly_counters_port(dataplane->block.counters, i));
		vly_port_sample(port, i, &dataplane->xdp_sampler, now);
	}
}

/* Before anything that must be taken down again, so that a signal can't come in between. */
static int
start_loop(struct dataplane *dataplane)
{
	if (uv_loop_init(&dataplane->loop) != 0)
		return -1;
	uv_timer_init(&dataplane->loop, &dataplane->timer);
	uv_signal_init(&dataplane->loop, &dataplane->sigterm);
	uv_signal_init(&dataplane->loop, &dataplane->sigint);
	dataplane->timer.data = dataplane;
	dataplane->sigterm.data = dataplane;
	dataplane->sigint.data = dataplane;
	if (uv_signal_start(&dataplane->sigterm, on_signal, SIGTERM) != 0)
		return -1;
	return uv_signal_start(&dataplane->sigint, on_signal, SIGINT);
}

static void
end_loop(struct dataplane *dataplane)
{
	uv_close((uv_handle_t *)&dataplane->timer, NULL);
	uv_close((uv_handle_t *)&dataplane->sigterm, NULL);
	uv_close((uv_handle_t *)&dataplane->sigint, NULL);
	uv_run(&dataplane->loop, UV_RUN_DEFAULT);
	uv_loop_close(&dataplane->loop);
}

static int
plan_ports(struct dataplane *dataplane, uint64_t *memory_bytes)
{
	const struct vly_options *options = dataplane->options;

	*memory_bytes = 0;
	for (unsigned i = 0; i < options->port_cnt; i++) {
		struct vly_port *port = &dataplane->port[i];
		dataplane->port_cnt++;
		if (vly_port_plan(port, &options->port[i]) != 0)
			return -1;
		*memory_bytes += options->port[i].queue_cnt * vly_pool_bytes(&port->plan);
	}
	return 0;
}

static int
open_ports(struct dataplane *dataplane)
{
	const char *xdp_program = NULL;

	for (unsigned i = 0; i < dataplane->port_cnt; i++) {
		if (dataplane->port[i].has_xdp && xdp_program == NULL) {
			xdp_program = vly_xdp_program_path(dataplane->options->xdp_program);
			if (xdp_program == NULL)
				return -1;
		}
		if (vly_port_open(&dataplane->port[i], i, xdp_program) != 0)
			return -1;
	}
	return 0;
}

static int
create_counters(struct dataplane *dataplane)
{
	int error = vly_counters_create(&dataplane->block, dataplane->lcores.cnt,
					dataplane->port_cnt, dataplane->streams.thread_cnt);

	if (error != 0) {
		vly_log_error("no shared memory for the counters: %s", strerror(-error));
		return -1;
	}
	struct vly_counters *counters = dataplane->block.counters;
	counters->tsc_hz = rte_get_tsc_hz();
	for (unsigned i = 0; i < dataplane->port_cnt; i++) {
		struct vly_port_counters *port = vly_counters_port(counters, i);
		memcpy(port->name, dataplane->port[i].spec->name, sizeof(port->name));
		port->xdp_attached = dataplane->port[i].has_xdp;
	}
	vly_sampler_start(&dataplane->xdp_sampler,
			  vly_counters_ring(counters, dataplane->lcores.cnt), 0);
	return 0;
}

static uint16_t
limit_max(const struct dataplane *dataplane, const struct vly_port *port, unsigned headers)
{
	unsigned by_mtu = port->mtu - headers;

	return (uint16_t)RTE_MIN(by_mtu, dataplane->options->udp_payload_max);
}

static void
plan_workers(struct dataplane *dataplane)
{
	unsigned lcore_idx = 0;

	for (unsigned i = 0; i < dataplane->port_cnt; i++) {
		const struct vly_port *port = &dataplane->port[i];
		for (unsigned queue = 0; queue < port->spec->queue_cnt; queue++, lcore_idx++) {
			struct vly_lcore_counters *counters =
				vly_counters_lcore(dataplane->block.counters, lcore_idx);
			counters->lcore_id = lcore_idx + 1;
			counters->port_idx = i;
			counters->queue_idx = queue;
			counters->cpu = dataplane->lcores.cpu[lcore_idx];
			dataplane->worker[lcore_idx] = (struct vly_worker){
				.port_id = port->port_id,
				.queue_idx = (uint16_t)queue,
				.limit_max_ipv4 = limit_max(dataplane, port, HEADERS_IPV4),
				.limit_max_ipv6 = limit_max(dataplane, port, HEADERS_IPV6),
				.spin = dataplane->options->spin,
				.wait_fd = port->wait_fd[queue],
				.has_xdp = port->has_xdp,
				.port_idx = (uint16_t)i,
				.tsc_hz = rte_get_tsc_hz(),
				.addresses = &dataplane->options->addresses,
				.counters = counters,
				.samples = vly_counters_ring(dataplane->block.counters, lcore_idx),
				.stop = &dataplane->stop_workers,
			};
		}
	}
}

static void
stop_workers(struct dataplane *dataplane)
{
	for (unsigned i = 0; i < dataplane->port_cnt; i++)
		vly_port_stop(&dataplane->port[i]);
	atomic_store(&dataplane->stop_workers, true);
	rte_eal_mp_wait_lcore();
}

static int
start_workers(struct dataplane *dataplane)
{
	plan_workers(dataplane);
	for (unsigned i = 0; i < dataplane->lcores.cnt; i++) {
		int error = rte_eal_remote_launch(vly_worker_run, &dataplane->worker[i], i + 1);
		if (error != 0) {
			vly_log_error("lcore %u does not start: %s", i + 1, strerror(-error));
			return -1;
		}
	}
	for (unsigned i = 0; i < dataplane->port_cnt; i++)
		if (vly_port_serve(&dataplane->port[i], &dataplane->options->addresses) != 0)
			return -1;
	return 0;
}

/* One CPU of these is for the main thread. */
static struct vly_image_helpers
helpers_on(const cpu_set_t *cpus)
{
	int cnt = CPU_COUNT(cpus) - 1;

	return (struct vly_image_helpers){(unsigned)RTE_MIN(RTE_MAX(cnt, 0), VLY_IMAGE_HELPERS_MAX),
					  *cpus};
}

static int
serve(struct dataplane *dataplane)
{
	const struct vly_options *options = dataplane->options;

	if (vly_publish_server_open(&dataplane->server, &dataplane->loop, options->socket_path,
				    &dataplane->block, dataplane->port, dataplane->port_cnt) != 0)
		return 1;
	/* as long as no image is live, the lcores have nothing to answer */
	dataplane->server.images.before = helpers_on(&dataplane->lcores.allowed);
	dataplane->server.images.beside = helpers_on(&dataplane->lcores.rest);
	int status = 1;
	if (start_workers(dataplane) == 0 &&
	    vly_stream_server_start(&dataplane->streams, dataplane->block.counters) == 0) {
		uv_timer_start(&dataplane->timer, on_timer, READ_PORTS_MS, READ_PORTS_MS);
		vly_log_info("ready: %u lcores, %u ports, listening on %s", dataplane->lcores.cnt,
			     dataplane->port_cnt, options->socket_path);
		vly_start_done();
		uv_run(&dataplane->loop, UV_RUN_DEFAULT);
		status = 0;
	}
	vly_stream_server_stop(&dataplane->streams);
	stop_workers(dataplane);
	vly_publish_server_close(&dataplane->server);
	vly_image_set_destroy(&dataplane->server.images);
	return status;
}

/* With the EAL running. */
static int
run_ports(struct dataplane *dataplane)
{
	if (open_ports(dataplane) != 0 || create_counters(dataplane) != 0)
		return 1;
	int status = serve(dataplane);
	vly_counters_destroy(&dataplane->block);
	return status;
}

static void
close_ports(struct dataplane *dataplane)
{
	for (unsigned i = 0; i < dataplane->port_cnt; i++)
		vly_port_close(&dataplane->port[i]);
}

static int
plan_lcores(struct dataplane *dataplane, struct vly_options *options)
{
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) {
		vly_log_error("can't ask for our CPUs: %m");
		return -1;
	}
	if (vly_lcores_plan(&dataplane->lcores, options, &allowed) != 0) {
		vly_log_error("%s", options->error);
		return -1;
	}
	if (dataplane->lcores.shared)
		vly_log_warning("%u lcores share CPUs: each wants its own", dataplane->lcores.cnt);
	return 0;
}

int
vly_dataplane_run(struct vly_options *options)
{
	struct dataplane *dataplane = calloc(1, sizeof(*dataplane));
	uint64_t memory_bytes;
	int status = 1;
	int started = -1;

	if (dataplane == NULL)
		return 1;
	dataplane->options = options;
	vly_identity = options->identity;
	if (start_loop(dataplane) != 0) {
		vly_log_error("can't make an event loop: %m");
		free(dataplane);
		return 1;
	}
	if (plan_lcores(dataplane, options) == 0 && plan_ports(dataplane, &memory_bytes) == 0 &&
	    vly_stream_server_open(&dataplane->streams, options) == 0)
		started = vly_eal_start(options, &dataplane->lcores, memory_bytes);
	if (started == 0) {
		status = run_ports(dataplane);
		close_ports(dataplane);
		vly_eal_stop();
	} else {
		close_ports(dataplane);
	}
	vly_stream_server_close(&dataplane->streams);
	if (status != 0 && was_told_to_stop(dataplane))
		status = 0;
	end_loop(dataplane);
	free(dataplane);
	return status != 0 && started == VLY_EAL_NO_HUGE_PAGES ? VLY_DATAPLANE_NO_HUGE_PAGES
							       : status;
}
