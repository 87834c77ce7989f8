/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volley-control: loads zones, compiles them and publishes them to the dataplane. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include <volley/retry.h>

#include "base/reason.h"
#include "base/state_file.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/plural.h"
#include "common/version.h"
#include "config/config.h"
#include "defence/defender.h"
#include "publish/publisher.h"
#include "reload/reload.h"
#include "socket/commands.h"
#include "socket/server.h"
#include "store/hash_key.h"

struct control {
	uv_loop_t *loop;
	uv_signal_t hup;
	uv_signal_t term;
	uv_signal_t intr;
	uv_timer_t alive; /* for systemd's watchdog */
	struct vly_server *server;
	struct vly_publisher *publisher;
	struct vly_defender *defender;
	struct vly_reloader *reloader;
	struct vly_commands commands;
	char key_trouble[VLY_TROUBLE_BYTES]; /* why the hash key is not kept, or "" */
};

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
on_first_load(void *arg, const struct vly_reload_report *report)
{
	const struct control *control = arg;
	const struct vly_served_zones *served = vly_reloader_served(control->reloader);

	if (report->zone_cnt > 0 && served->loaded_cnt == 0)
		vly_log_error(
			"no zone could be loaded: correct the files, then run volleyctl reload");
	vly_log_info("ready: %" PRIu32 " zone%s", served->loaded_cnt,
		     vly_plural(served->loaded_cnt));
	vly_notify_ready();
}

static void
on_reloaded(void *arg, const struct vly_reload_report *report)
{
	(void)arg;
	(void)report; /* the reloader has logged it */
}

static void
on_hup(uv_signal_t *signal, int number)
{
	struct control *control = signal->data;

	(void)number;
	if (!vly_reloader_request(control->reloader, NULL, 0, on_reloaded, NULL))
		vly_log_error("reload failed: out of memory");
}

static void
on_stop(uv_signal_t *signal, int number)
{
	struct control *control = signal->data;

	vly_log_info("stopping: received signal %s", strsignal(number));
	vly_server_free(control->server);
	control->server = NULL;
	uv_stop(control->loop);
}

static void
on_alive(uv_timer_t *timer)
{
	(void)timer;
	vly_notify_alive();
}

static void
start_alive(struct control *control)
{
	unsigned alive_ms = vly_notify_alive_ms();

	uv_timer_init(control->loop, &control->alive);
	if (alive_ms > 0)
		uv_timer_start(&control->alive, on_alive, 0, alive_ms);
}

static void
start_signals(struct control *control)
{
	signal(SIGPIPE, SIG_IGN);
	uv_signal_init(control->loop, &control->hup);
	uv_signal_init(control->loop, &control->term);
	uv_signal_init(control->loop, &control->intr);
	control->hup.data = control;
	control->term.data = control;
	control->intr.data = control;
	uv_signal_start(&control->hup, on_hup, SIGHUP);
	uv_signal_start(&control->term, on_stop, SIGTERM);
	uv_signal_start(&control->intr, on_stop, SIGINT);
}

static int
load_key(struct control *control, const struct vly_config *config, struct vly_hash_key *key)
{
	char reason[VLY_REASON_BYTES];
	int result = vly_hash_key_load(config->control->state_dir, key, reason, sizeof(reason));

	if (result < 0)
		vly_log_error("the kernel returned no random bits: %m");
	if (result > 0) {
		snprintf(control->key_trouble, sizeof(control->key_trouble),
			 "hash key not saved: each start makes a new one, so the image cache is "
			 "not used: %s",
			 reason);
		vly_log_warning("%s", control->key_trouble);
	}
	return result;
}

/* Those who keep files there report what they can't keep. */
static void
make_state_dir(const char *path)
{
	if (vly_state_dir_make(path) < 0)
		vly_log_warning("state-dir %s could not be created: %m", path);
}

/* A bad list must not keep the zones from being served. */
static void
read_lists(struct vly_config *config)
{
	struct vly_config_errors errors = {0};

	if (vly_config_read_lists(config, &errors) == 0)
		return;
	for (unsigned i = 0; i < errors.cnt; i++)
		vly_log_error("%s", errors.text[i]);
	vly_log_error("the prefixes of defence.deny-file are not denied: correct the file, then "
		      "run volleyctl reload");
	vly_config_errors_free(&errors);
}

/* Takes over `config`. Returns 0, or -1 after logging why not. */
static int
start(struct control *control, const char *config_path, struct vly_config *config)
{
	struct vly_hash_key key;
	char reason[VLY_REASON_BYTES] = "out of memory";

	read_lists(config);
	make_state_dir(config->control->state_dir);
	int key_result = load_key(control, config, &key);
	if (key_result < 0) {
		vly_config_free(config);
		return -1;
	}
	control->server = vly_server_new(control->loop, config->control->socket,
					 config->control->socket_group, vly_commands_handle,
					 &control->commands, reason, sizeof(reason));
	if (control->server)
		control->publisher = vly_publisher_new(control->loop, config->dataplane->socket);
	if (control->publisher)
		control->defender = vly_defender_new(control->loop, config->control->state_dir,
						     vly_config_take_defence(config),
						     control->publisher, reason, sizeof(reason));
	if (control->defender)
		control->reloader =
			vly_reloader_new(control->loop, config_path, config, &key, key_result == 0,
					 control->publisher, control->defender);
	if (!control->reloader) {
		vly_config_free(config);
		vly_log_error("%s", reason);
		return -1;
	}
	control->commands = (struct vly_commands){
		.loop = control->loop,
		.publisher = control->publisher,
		.reloader = control->reloader,
		.defender = control->defender,
		.config_path = config_path,
		.key_trouble = control->key_trouble,
		.start_ms = uv_now(control->loop),
	};
	vly_notify_status("Loads %u zone%s", config->zone_cnt, vly_plural(config->zone_cnt));
	start_signals(control);
	start_alive(control);
	return vly_reloader_request(control->reloader, NULL, 0, on_first_load, control) ? 0 : -1;
}

/* Work in threads can't be interrupted and may take long, so the exit does not wait for it. Files
 * are replaced as a whole, so nothing is left half written under its name. */
static void
stop(struct control *control)
{
	bool working = control->reloader && (vly_reloader_pending(control->reloader) > 0 ||
					     vly_reloader_is_storing(control->reloader) ||
					     vly_defender_is_busy(control->defender));

	vly_server_free(control->server);
	if (working) {
		fflush(NULL);
		_exit(0);
	}
	if (control->reloader) {
		uv_close((uv_handle_t *)&control->alive, NULL);
		uv_close((uv_handle_t *)&control->hup, NULL);
		uv_close((uv_handle_t *)&control->term, NULL);
		uv_close((uv_handle_t *)&control->intr, NULL);
	}
	vly_reloader_free(control->reloader);
	vly_defender_free(control->defender);
	vly_publisher_free(control->publisher);
	uv_run(control->loop, UV_RUN_DEFAULT);
	uv_loop_close(control->loop);
}

static void
say_started(void)
{
	unsigned failed_cnt = vly_retry_started(&vly_log_retry);

	if (failed_cnt > 0)
		vly_log_info("started after %u failed attempt%s", failed_cnt,
			     vly_plural(failed_cnt));
}

static int
run(const char *config_path, int log_level)
{
	struct vly_config_errors errors;
	struct control control = {.loop = uv_default_loop()};
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
	int failed = start(&control, config_path, config);
	if (!failed) {
		say_started();
		uv_run(control.loop, UV_RUN_DEFAULT);
	}
	stop(&control);
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
	vly_retry_begin(&vly_log_retry, argv);
	int status = run(config_path, log_level);
	return status == 0 ? 0 : start_again(argv, status);
}
