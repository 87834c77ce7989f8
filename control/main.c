/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volley-control: loads zones, compiles them and publishes them to the dataplane. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include <volley/retry.h>

#include "base/reason.h"
#include "base/state_file.h"
#include "catalog/catalogs.h"
#include "catalog/producers.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/plural.h"
#include "common/version.h"
#include "config/config.h"
#include "defence/defender.h"
#include "living/living.h"
#include "publish/publish_turns.h"
#include "reload/reload.h"
#include "secondary/secondary.h"
#include "socket/commands.h"
#include "socket/server.h"
#include "steerer/steerer.h"
#include "store/hash_key.h"
#include "transfer/transfer.h"
#include "update/updater.h"

struct control {
	uv_loop_t *loop;
	uv_signal_t hup;
	uv_signal_t term;
	uv_signal_t intr;
	uv_timer_t alive; /* for systemd's watchdog */
	struct vly_server *server;
	struct vly_publisher *publisher;
	struct vly_publish_turns *turns;
	struct vly_defender *defender;
	struct vly_living *living;
	struct vly_updater *updater;
	struct vly_catalogs *catalogs;
	struct vly_producers *producers;
	struct vly_secondaries *secondaries;
	struct vly_transfers *transfers;
	struct vly_reloader *reloader;
	struct vly_steerer *steerer;
	struct vly_commands commands;
	struct vly_zone_transactions transactions;
	char key_trouble[VLY_TROUBLE_BYTES]; /* why the hash key is not kept, or "" */
};

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
on_config(void *arg, const struct vly_config *config)
{
	const struct control *control = arg;

	vly_updater_configure(control->updater, config);
	vly_secondaries_configure(control->secondaries, config);
	vly_transfers_configure(control->transfers, config);
	vly_catalogs_configure(control->catalogs, config);
	vly_producers_configure(control->producers, config);
	vly_steerer_configure(control->steerer, vly_reloader_served(control->reloader)->steer);
}

/* Requests of clients, by their opcode. The publisher has checked that there is a header. */
static void
on_request(void *arg, const struct vly_publish_client_request *request)
{
	const struct control *control = arg;

	if ((request->message[2] >> 3 & 15) == VLY_OPCODE_NOTIFY)
		vly_secondaries_on_request(control->secondaries, request);
	else
		vly_updater_on_request(control->updater, request);
}

static const struct vly_tsig_key *
find_key(void *arg, const uint8_t *name, unsigned name_len)
{
	const struct control *control = arg;

	return vly_updater_find_key(control->updater, name, name_len);
}

static bool
is_expired(void *arg, const char *zone)
{
	const struct control *control = arg;

	return vly_secondaries_has_expired(control->secondaries, zone);
}

static struct vly_secondaries *
new_secondaries(struct control *control, const char *state_dir, const struct vly_hash_key *key)
{
	const struct vly_secondaries_settings settings = {
		.loop = control->loop,
		.state_dir = state_dir,
		.key = key,
		.living = control->living,
		.publisher = control->publisher,
		.find_key = find_key,
		.find_key_arg = control,
	};

	return vly_secondaries_new(&settings);
}

/* What has expired is not given away. */
static bool
is_ready(void *arg, const char *zone)
{
	const struct control *control = arg;
	struct vly_secondary_state state;

	return !vly_secondaries_state(control->secondaries, zone, &state) ||
	       (state.is_loaded && !state.is_expired);
}

/* A member of a catalog is served, or is about to go. */
static void
on_member(void *arg, const struct vly_config_zone *zone, bool is_there)
{
	struct control *control = arg;
	const struct vly_served_zone *served =
		vly_served_zones_find(vly_reloader_served(control->reloader), zone->name);
	int result = 0;

	if (!is_there && served && !served->is_member)
		; /* the configuration has a zone of this name now */
	else if (!is_there || !vly_config_is_secondary(zone))
		vly_secondaries_remove(control->secondaries, zone->name);
	else
		result = vly_secondaries_add(control->secondaries, zone);
	if (!is_there)
		vly_transfers_remove_zone(control->transfers, zone->name);
	else if (result == 0)
		result = vly_transfers_add_zone(control->transfers, zone);
	if (result != 0)
		vly_log_error("zone %s is not transferred: out of memory", zone->name);
}

/* Secondaries that get a NOTIFY ask the dataplane. */
static bool
is_served(void *arg)
{
	const struct control *control = arg;
	struct vly_publisher_status status;

	vly_publisher_status(control->publisher, &status);
	return status.connected && !status.held_back && status.generation != 0;
}

static struct vly_transfers *
new_transfers(struct control *control, const char *state_dir)
{
	const struct vly_transfers_settings settings = {
		.loop = control->loop,
		.living = control->living,
		.state_dir = state_dir,
		.find_key = find_key,
		.find_key_arg = control,
		.is_ready = is_ready,
		.is_ready_arg = control,
		.is_served = is_served,
		.is_served_arg = control,
	};

	return vly_transfers_new(&settings);
}

static void
on_zone_change(void *arg, const char *zone, uint32_t serial)
{
	const struct control *control = arg;

	vly_transfers_changed(control->transfers, zone, serial);
}

/* A connection that the dataplane hands over. */
static void
on_connection(void *arg, int socket, const struct vly_publish_connection *connection)
{
	const struct control *control = arg;
	struct vly_transfer_peer peer = {
		.port = connection->client_port,
		.is_tls = (connection->flags & VLY_CONNECTION_TLS) != 0,
	};

	memcpy(peer.address, connection->client, sizeof(peer.address));
	vly_transfers_connection(control->transfers, socket, &peer, connection->octets,
				 connection->octet_bytes);
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
		control->turns = vly_publish_turns_new(control->publisher);
	if (control->turns)
		control->living = vly_living_new(control->loop, config->control->state_dir, &key,
						 control->turns, reason, sizeof(reason));
	if (control->living)
		control->updater = vly_updater_new(control->publisher, control->living,
						   config->control->state_dir);
	if (control->updater)
		control->secondaries = new_secondaries(control, config->control->state_dir, &key);
	if (control->secondaries)
		control->transfers = new_transfers(control, config->control->state_dir);
	if (control->transfers)
		control->catalogs = vly_catalogs_new(control->loop, config->control->state_dir,
						     control->living);
	if (control->catalogs)
		control->producers = vly_producers_new(control->loop, &key, control->living);
	if (control->producers)
		control->defender = vly_defender_new(control->loop, config->control->state_dir,
						     vly_config_take_defence(config),
						     control->publisher, reason, sizeof(reason));
	if (control->defender)
		control->steerer = vly_steerer_new(control->loop, config->control->state_dir,
						   control->publisher);
	if (control->steerer)
		control->reloader = vly_reloader_new(
			control->loop, config_path, config, &key, key_result == 0,
			control->publisher, control->turns, control->defender, control->living);
	if (!control->reloader) {
		vly_config_free(config);
		vly_log_error("%s", reason);
		return -1;
	}
	const struct vly_served_zones *served = vly_reloader_served(control->reloader);
	vly_living_configure(control->living, config, served->steer);
	vly_steerer_configure(control->steerer,
			      served->steer); /* it is faster than the zones, mostly */
	vly_catalogs_attach(control->catalogs, control->reloader);
	vly_catalogs_on_member(control->catalogs, on_member, control);
	vly_reloader_on_config(control->reloader, on_config, control);
	vly_reloader_on_expired(control->reloader, is_expired, control);
	vly_publisher_on_request(control->publisher, on_request, control);
	vly_publisher_on_connection(control->publisher, on_connection, control);
	vly_living_on_change(control->living, on_zone_change, control);
	control->commands = (struct vly_commands){
		.loop = control->loop,
		.publisher = control->publisher,
		.reloader = control->reloader,
		.defender = control->defender,
		.living = control->living,
		.updater = control->updater,
		.catalogs = control->catalogs,
		.producers = control->producers,
		.secondaries = control->secondaries,
		.transfers = control->transfers,
		.transactions = &control->transactions,
		.steerer = control->steerer,
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
					     vly_living_is_busy(control->living) ||
					     vly_secondaries_is_busy(control->secondaries) ||
					     vly_steerer_is_busy(control->steerer) ||
					     vly_defender_is_busy(control->defender));

	vly_server_free(control->server);
	vly_zone_transactions_free(&control->transactions);
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
	if (control->publisher) {
		vly_publisher_on_request(control->publisher, NULL, NULL);
		vly_publisher_on_connection(control->publisher, NULL, NULL);
	}
	vly_transfers_free(control->transfers);
	vly_secondaries_free(control->secondaries);
	vly_reloader_free(control->reloader);
	vly_producers_free(control->producers);
	vly_catalogs_free(control->catalogs);
	vly_living_free(control->living);
	vly_updater_free(control->updater);
	vly_defender_free(control->defender);
	vly_publish_turns_free(control->turns);
	vly_publisher_free(control->publisher);
	vly_steerer_free(control->steerer);
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
	if (failed)
		vly_retry_mask_signals(SIG_BLOCK);
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
	(void)setenv("UV_THREADPOOL_SIZE", THREADS, 0); /* libuv reads it with the first job */
	vly_retry_begin(&vly_log_retry, argv);
	allow_files();
	int status = run(config_path, log_level);
	return status == 0 ? 0 : start_again(argv, status);
}
