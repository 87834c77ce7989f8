/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volley-health: runs the checks that volley-control gives it, and tells it what comes of them. */
#include <curl/curl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "common/log.h"
#include "common/notify.h"
#include "common/number.h"
#include "common/version.h"
#include "server.h"

/* Runs at the same time: each is a socket and some 10 kB, with TLS 50 kB. Fewer: checks that wait for a timeout keep
 * others from their turn. */
#define RUNNING_MAX_DEFAULT 1000

/* Starts in a second: each costs some 60 us of a CPU, over HTTPS 2 to 3 ms. Fewer: many checks with short intervals are late. */
#define START_RATE_DEFAULT 1000

static const char usage[] =
	"Usage: volley-health [--socket PATH] [--running-max N] [--start-rate N] [--log-level "
	"LEVEL]\n"
	"Runs the health checks of volley-control's configuration and reports their states to it.\n"
	"\n"
	"  --socket PATH      where volley-control connects (default " VLY_HEALTH_SOCKET ")\n"
	"  --running-max N    checks that run at the same time, 1 to 100000 (default 1000)\n"
	"  --start-rate N     checks that begin in a second, 1 to 100000 (default 1000)\n"
	"  --log-level LEVEL  error, warning, info or debug (default info)\n"
	"  --help             show this help\n"
	"  --version          show the version\n"
	"\n"
	"SIGTERM and SIGINT stop volley-health; volley-control keeps the last states.\n"
	"Exit status: 0 stopped by a signal, 1 could not start, 2 wrong usage.\n";

struct health {
	uv_signal_t term;
	uv_signal_t intr;
	uv_timer_t alive; /* for systemd's watchdog */
	struct vly_health_server *server;
};

static void
on_stop(uv_signal_t *handle, int number)
{
	struct health *health = handle->data;

	vly_log_info("stopping: received signal %s", strsignal(number));
	vly_health_server_free(health->server);
	uv_close((uv_handle_t *)&health->term, NULL);
	uv_close((uv_handle_t *)&health->intr, NULL);
	uv_close((uv_handle_t *)&health->alive, NULL);
}

static void
on_alive(uv_timer_t *timer)
{
	(void)timer;
	vly_notify_alive();
}

/* Each run may have a socket. */
static void
allow_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int
run(struct vly_health_server_settings *settings)
{
	struct health health;
	char reason[512];
	const unsigned alive_ms = vly_notify_alive_ms();

	settings->loop = uv_default_loop();
	if (!settings->loop || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		vly_log_error("the event loop or libcurl could not be set up: %m");
		return 1;
	}
	health.server = vly_health_server_new(settings, reason, sizeof(reason));
	if (!health.server) {
		vly_log_error("%s", reason);
		uv_run(settings->loop, UV_RUN_DEFAULT);
		return 1;
	}
	uv_signal_init(settings->loop, &health.term);
	uv_signal_init(settings->loop, &health.intr);
	uv_timer_init(settings->loop, &health.alive);
	health.term.data = health.intr.data = &health;
	uv_signal_start(&health.term, on_stop, SIGTERM);
	uv_signal_start(&health.intr, on_stop, SIGINT);
	if (alive_ms > 0)
		uv_timer_start(&health.alive, on_alive, 0, alive_ms);
	vly_log_info("ready: waits for volley-control at %s", settings->path);
	vly_notify_ready();
	uv_run(settings->loop, UV_RUN_DEFAULT);
	uv_loop_close(settings->loop);
	curl_global_cleanup();
	return 0;
}

/* Returns whether the option is good. */
static bool
read_option(struct vly_health_server_settings *settings, int option, const char *value)
{
	uint64_t number = 0;
	int level;

	switch (option) {
	case 's':
		settings->path = value;
		return *value == '/';
	case 'm':
	case 'r':
		if (!vly_number_is(value, strlen(value), 1, 100000, &number))
			return false;
		*(option == 'm' ? &settings->running_max : &settings->start_rate) =
			(unsigned)number;
		return true;
	case 'l':
		level = vly_log_level_find(value);
		if (level >= 0)
			vly_log_level_set((enum vly_log_level)level);
		return level >= 0;
	default:
		return false;
	}
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"socket", required_argument, NULL, 's'},
		{"running-max", required_argument, NULL, 'm'},
		{"start-rate", required_argument, NULL, 'r'},
		{"log-level", required_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{0},
	};
	struct vly_health_server_settings settings = {
		.path = VLY_HEALTH_SOCKET,
		.running_max = RUNNING_MAX_DEFAULT,
		.start_rate = START_RATE_DEFAULT,
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (option == 'v') {
			printf("volley-health %s\n", vly_version);
			return 0;
		}
		if (!read_option(&settings, option, optarg)) {
			fputs("volley-health: see volley-health --help\n", stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fputs("volley-health: takes no argument; see volley-health --help\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* inherited as ignored, how commands end would be lost */
	allow_files();
	return run(&settings);
}
