/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volley-control: loads zones, compiles them and publishes them to the dataplane. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <volley/retry.h>

#include "common/log.h"
#include "common/notify.h"
#include "common/plural.h"
#include "common/version.h"
#include "control.h"

/* Of libuv's pool, instead of 4: loads, the store's readers, and transfers out may all be at work at the
 * same time, each with bounds of their own. More: more stacks. Fewer: one waits for the disk of another. */
#define THREADS "16"

static const char usage[] =
	"Usage: volley-control --config FILE [--log-level LEVEL] [--retry]\n"
	"Loads the zones of the configuration and publishes them to volley-dataplane.\n"
	"\n"
	"  --config FILE      the configuration file, such as /etc/volley/volley.yaml\n"
	"  --log-level LEVEL  error, warning, info or debug; overrides the configuration\n"
	"  --retry            retry a failed start until it succeeds\n"
	"  --help             show this help\n"
	"  --version          show the version\n"
	"\n"
	"Signals: SIGHUP reloads the configuration and all zones; SIGTERM and SIGINT stop\n"
	"volley-control, while volley-dataplane continues to answer.\n"
	"Exit status: 0 stopped by a signal, 1 could not start, 2 wrong usage.\n";

static void
say_started(void)
{
	unsigned failed_cnt = vly_retry_started(&vly_log_retry);

	if (failed_cnt > 0)
		vly_log_info("started after %u failed attempt%s", failed_cnt,
			     vly_plural(failed_cnt));
}

/* Connections of clients come from the dataplane, and each is a file. */
static void
allow_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int
run(const char *config_path, int log_level)
{
	struct vly_config_errors errors;
	struct vly_control control = {.loop = uv_default_loop()};
	if (!control.loop) {
		vly_log_error("the event loop could not be created: %m; allow more open files "
			      "(ulimit -n, LimitNOFILE=)");
		return 1;
	}
	struct vly_config *config = vly_config_load(config_path, &errors);

	for (unsigned i = 0; i < errors.cnt; i++)
		vly_log_error("%s", errors.text[i]);
	vly_config_errors_free(&errors);
	if (!config)
		return 1;
	if (log_level < 0)
		log_level = vly_log_level_find(config->control->log_level);
	vly_log_level_set((enum vly_log_level)log_level);
	int failed = vly_control_start(&control, config_path, config);
	if (!failed) {
		say_started();
		uv_run(control.loop, UV_RUN_DEFAULT);
	}
	if (failed)
		vly_retry_mask_signals(SIG_BLOCK);
	vly_control_stop(&control);
	return failed ? 1 : 0;
}

/* After a start that failed: waits and starts again, in this process, if that is wanted. */
static int
start_again(char **argv, int status)
{
	if (!vly_log_retry.starting)
		return status;
	vly_log_info(VLY_RETRY_NOTICE "; SIGTERM ends the program", VLY_RETRY_MAX_MS / 1000);
	vly_notify_status(VLY_RETRY_STATUS, vly_log_last_error());
	vly_retry_pause(&vly_log_retry);
	vly_retry_exec(&vly_log_retry, argv);
	vly_log_error("cannot start again: %m");
	return status;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"log-level", required_argument, NULL, 'l'},
		{"retry", no_argument, NULL, 'r'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{0},
	};
	const char *config_path = NULL;
	int log_level = -1;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c') {
			config_path = optarg;
		} else if (option == 'h') {
			fputs(usage, stdout);
			return 0;
		} else if (option == 'v') {
			printf("volley-control %s\n", vly_version);
			return 0;
		} else if (option == 'r') {
			continue; /* vly_retry_begin() looks for it */
		} else if (option != 'l' || (log_level = vly_log_level_find(optarg)) < 0) {
			fputs("volley-control: see volley-control --help\n", stderr);
			return 2;
		}
	}
	if (!config_path || optind < argc) {
		fputs("volley-control: --config FILE must be given, and no other argument; see "
		      "volley-control --help\n",
		      stderr);
		return 2;
	}
	(void)setenv("UV_THREADPOOL_SIZE", THREADS, 0); /* libuv reads it with the first job */
	vly_retry_begin(&vly_log_retry, argv);
	allow_files();
	int status = run(config_path, log_level);
	return status == 0 ? 0 : start_again(argv, status);
}
