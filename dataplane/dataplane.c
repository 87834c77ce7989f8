/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dataplane.h"

#include <stdlib.h>

#include <rte_cycles.h>

#include <volley/retry.h>

#include "common/notify.h"
#include "common/plural.h"
#include "port/port.h"
#include "publish/publish_server.h"
#include "setup/eal.h"
#include "setup/machine.h"
#include "start.h"
#include "stream/stream_server.h"
#include "watchdog.h"
#include "workers.h"

/* The interval at which the ports' counters are copied: short enough for an operator who watches,
 * at the cost of a few system calls per port. */
#define READ_PORTS_MS 100

struct dataplane {
	const struct vly_options *options;
	struct vly_lcores lcores;
	struct vly_port port[VLY_PORTS_MAX];
	unsigned port_cnt; /* ports that are at least planned */
	struct vly_workers workers;
	struct vly_counters_block block;
	struct vly_sampler xdp_sampler; /* for the drops of XDP programs */
	struct vly_publish_server server;
	struct vly_stream_server streams;
	struct vly_watchdog watchdog;
	int status; /* exit status */
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

/* Without a working port, lcores get no packets: a restart may find the port again, and logs the
 * reason if it does not. */
static void
end_without_ports(struct dataplane *dataplane)
{
	for (unsigned i = 0; i < dataplane->port_cnt; i++)
		if (!vly_port_is_lost(&dataplane->port[i]))
			return;
	vly_log_error("no port works any more: exiting, so that volley-dataplane is restarted");
	dataplane->status = 1;
	uv_stop(&dataplane->loop);
}

/* A signal that arrived during the start is handled when the loop runs. A later one ends the
 * process. */
static bool
was_told_to_stop(struct dataplane *dataplane)
{
	vly_retry_mask_signals(SIG_BLOCK);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	uv_run(&dataplane->loop, UV_RUN_NOWAIT);
	return dataplane->told_to_stop;
}

static void
on_timer(uv_timer_t *timer)
{
	struct dataplane *dataplane = timer->data;
	uint64_t start_ns = uv_hrtime();
	uint32_t now = vly_rate_now(start_ns);

	vly_watchdog_beat(&dataplane->watchdog);
	vly_publish_server_tick(&dataplane->server);
	for (unsigned i = 0; i < dataplane->port_cnt; i++) {
		struct vly_port *port = &dataplane->port[i];
		vly_port_read(port, vly_counters_port(dataplane->block.counters, i));
		vly_port_sample(port, i, &dataplane->xdp_sampler, now);
	}
	dataplane->block.counters->ports_read_ns = start_ns;
	end_without_ports(dataplane);
}

/* Handles signals from now on. Called before anything that must be taken down again, so that a
 * signal can't prevent that. */
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
		int error = vly_port_open(&dataplane->port[i], i, &dataplane->options->addresses,
					  xdp_program);
		if (error != 0)
			return error;
	}
	return 0;
}

static int
create_counters(struct dataplane *dataplane)
{
	int error = vly_counters_create(&dataplane->block, dataplane->lcores.cnt,
					dataplane->port_cnt, dataplane->streams.thread_cnt);

	if (error != 0) {
		vly_log_error("cannot create shared memory for the counters: %s", strerror(-error));
		return -1;
	}
	struct vly_counters *counters = dataplane->block.counters;
	counters->tsc_hz = rte_get_tsc_hz();
	for (unsigned i = 0; i < dataplane->port_cnt; i++) {
		struct vly_port_counters *port = vly_counters_port(counters, i);
		memcpy(port->name, dataplane->port[i].spec->name, sizeof(port->name));
		port->xdp_attached = dataplane->port[i].has_xdp;
		memcpy(port->kernel, dataplane->port[i].spec->kernel, sizeof(port->kernel));
	}
	vly_sampler_start(&dataplane->xdp_sampler,
			  vly_counters_ring(counters, dataplane->lcores.cnt), 0);
	return 0;
}

static int
start_workers(struct dataplane *dataplane)
{
	vly_workers_plan(&dataplane->workers, dataplane->options, &dataplane->lcores,
			 dataplane->port, dataplane->port_cnt, dataplane->block.counters);
	return vly_workers_start(&dataplane->workers);
}

static void
stop_workers(struct dataplane *dataplane)
{
	for (unsigned i = 0; i < dataplane->port_cnt; i++)
		vly_port_stop(&dataplane->port[i]);
	vly_workers_stop(&dataplane->workers);
}

/* Helpers for these CPUs, one of which is for the main thread. */
static struct vly_image_helpers
helpers_on(const cpu_set_t *cpus)
{
	int cnt = CPU_COUNT(cpus) - 1;

	return (struct vly_image_helpers){(unsigned)RTE_MIN(RTE_MAX(cnt, 0), VLY_IMAGE_HELPERS_MAX),
					  *cpus};
}

static void
log_state(const struct dataplane *dataplane, const char *state)
{
	unsigned lcore_cnt = dataplane->lcores.cnt;
	unsigned port_cnt = dataplane->port_cnt;

	vly_log_info("%s: %u lcore%s, %u port%s, listening on %s", state, lcore_cnt,
		     vly_plural(lcore_cnt), port_cnt, vly_plural(port_cnt),
		     dataplane->options->socket_path);
}

/* There are zones now: starts to answer on all ways in. */
static void
on_first_commit(void *argument)
{
	struct dataplane *dataplane = argument;
	int error = 0;

	vly_workers_serve(&dataplane->workers);
	for (unsigned i = 0; error == 0 && i < dataplane->port_cnt; i++)
		error = vly_port_serve(&dataplane->port[i], &dataplane->options->addresses);
	if (error == 0)
		error = vly_stream_server_start(&dataplane->streams, dataplane->block.counters,
						&dataplane->server.requests,
						&dataplane->server.handovers);
	if (error != 0) {
		dataplane->status = 1;
		uv_stop(&dataplane->loop);
		return;
	}
	log_state(dataplane, "ready");
	vly_start_done();
	vly_notify_status("Answers queries on %u ports with %u lcores", dataplane->port_cnt,
			  dataplane->lcores.cnt);
	vly_notify_ready();
}

static int
open_publish_server(struct dataplane *dataplane)
{
	struct vly_publish_server *server = &dataplane->server;

	if (vly_publish_server_open(server, &dataplane->loop, dataplane->options->socket_path,
				    dataplane->options->socket_user, &dataplane->block,
				    dataplane->port, dataplane->port_cnt) != 0)
		return -1;
	/* While no image is live, lcores do not answer, so their CPUs can help. */
	server->images.before = helpers_on(&dataplane->lcores.allowed);
	server->images.beside = helpers_on(&dataplane->lcores.rest);
	server->on_first_commit = on_first_commit;
	server->argument = dataplane;
	return 0;
}

static int
serve(struct dataplane *dataplane)
{
	if (open_publish_server(dataplane) != 0)
		return 1;
	dataplane->status = 1;
	if (start_workers(dataplane) == 0 &&
	    vly_watchdog_start(&dataplane->watchdog, dataplane->options, &dataplane->workers,
			       &dataplane->streams) == 0) {
		dataplane->status = 0;
		uv_timer_start(&dataplane->timer, on_timer, READ_PORTS_MS, READ_PORTS_MS);
		log_state(dataplane, "waiting for zones");
		vly_notify_status("Waiting for zones from volley-control");
		uv_run(&dataplane->loop, UV_RUN_DEFAULT);
		uv_timer_stop(&dataplane->timer);
	}
	vly_stream_server_stop(&dataplane->streams);
	stop_workers(dataplane);
	vly_watchdog_stop(&dataplane->watchdog);
	vly_publish_server_close(&dataplane->server);
	vly_image_set_destroy(&dataplane->server.images);
	return dataplane->status;
}

/* Runs while the EAL is running. */
static int
run_ports(struct dataplane *dataplane)
{
	int error = open_ports(dataplane);
	if (error != 0)
		return error == VLY_EAL_NO_HUGE_PAGES ? VLY_DATAPLANE_NO_HUGE_PAGES : 1;
	if (create_counters(dataplane) != 0)
		return 1;
	/* A start that fails has said why by now, and in fewer lines. */
	vly_machine_check(dataplane->options, &dataplane->lcores);
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

	int error = vly_lcores_allowed(&allowed, sched_getaffinity);
	if (error != 0) {
		vly_log_error(
			"cannot get the CPUs that volley-dataplane may use: %s",
			error == -ERANGE
				? "it may use none of CPUs 0 to 1023, and DPDK knows no others"
				: strerror(-error));
		return -1;
	}
	if (vly_lcores_plan(&dataplane->lcores, options, &allowed) != 0) {
		vly_log_error("%s", options->error);
		return -1;
	}
	if (dataplane->lcores.shared)
		vly_log_warning("%u lcores share CPUs: each should have its own (--cpus)",
				dataplane->lcores.cnt);
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
		vly_log_error("cannot create an event loop: %m");
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
