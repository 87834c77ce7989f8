/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/state_file.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/plural.h"

static void
on_first_load(void *arg, const struct vly_reload_report *report)
{
	const struct vly_control *control = arg;
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
	struct vly_control *control = signal->data;

	(void)number;
	vly_steerer_reread(control->steerer);
	if (!vly_reloader_request(control->reloader, NULL, 0, on_reloaded, NULL))
		vly_log_error("reload failed: out of memory");
}

static void
on_stop(uv_signal_t *signal, int number)
{
	struct vly_control *control = signal->data;

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
start_alive(struct vly_control *control)
{
	unsigned alive_ms = vly_notify_alive_ms();

	uv_timer_init(control->loop, &control->alive);
	if (alive_ms > 0)
		uv_timer_start(&control->alive, on_alive, 0, alive_ms);
}

static void
start_signals(struct vly_control *control)
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
load_key(struct vly_control *control, const struct vly_config *config, struct vly_hash_key *key)
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

static void
set_commands(struct vly_control *control, const char *config_path)
{
	control->commands = (struct vly_commands){
		.loop = control->loop,
		.publisher = control->publisher,
		.reloader = control->reloader,
		.defender = control->defender,
		.living = control->living,
		.updater = control->updater,
		.catalogs = control->catalogs,
		.producers = control->producers,
		.aliases = control->aliases,
		.secondaries = control->secondaries,
		.transfers = control->transfers,
		.health = control->health,
		.transactions = &control->transactions,
		.steerer = control->steerer,
		.config_path = config_path,
		.key_trouble = control->key_trouble,
		.start_ms = uv_now(control->loop),
	};
}

int
vly_control_start(struct vly_control *control, const char *config_path, struct vly_config *config)
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
		control->secondaries =
			vly_control_new_secondaries(control, config->control->state_dir, &key);
	if (control->secondaries)
		control->transfers = vly_control_new_transfers(control, config->control->state_dir);
	if (control->transfers)
		control->health = vly_health_new(control->loop, config->control->state_dir);
	if (control->health)
		control->catalogs = vly_catalogs_new(control->loop, config->control->state_dir,
						     control->living);
	if (control->catalogs)
		control->producers = vly_producers_new(control->loop, &key, control->living);
	if (control->producers)
		control->aliases = vly_control_new_aliases(control, config->control->state_dir);
	if (control->aliases)
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
	struct vly_steer_model *steer = vly_reloader_served(control->reloader)->steer;
	vly_living_configure(control->living, config, steer);
	vly_control_configure_steering(control, config,
				       steer); /* it is faster than the zones, mostly */
	vly_control_join(control);
	set_commands(control, config_path);
	vly_notify_status("Loads %u zone%s", config->zone_cnt, vly_plural(config->zone_cnt));
	start_signals(control);
	start_alive(control);
	return vly_reloader_request(control->reloader, NULL, 0, on_first_load, control) ? 0 : -1;
}

/* Work in threads can't be interrupted and may take long, so the exit does not wait for it. Files
 * are replaced as a whole, so nothing is left half written under its name. */
void
vly_control_stop(struct vly_control *control)
{
	bool working =
		control->reloader &&
		(vly_reloader_pending(control->reloader) > 0 ||
		 vly_reloader_is_storing(control->reloader) ||
		 vly_living_is_busy(control->living) || vly_producers_is_busy(control->producers) ||
		 vly_secondaries_is_busy(control->secondaries) ||
		 vly_steerer_is_busy(control->steerer) || vly_defender_is_busy(control->defender));

	vly_server_free(control->server);
	vly_zone_transactions_free(&control->transactions);
	vly_health_free(control->health); /* saves the states */
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
	vly_aliases_free(control->aliases);
	vly_producers_free(control->producers);
	vly_catalogs_free(control->catalogs);
	vly_living_free(control->living);
	vly_updater_free(control->updater);
	vly_defender_free(control->defender);
	vly_publish_turns_free(control->turns);
	vly_publisher_free(control->publisher);
	vly_steer_checks_free(control->pool_checks);
	vly_steerer_free(control->steerer);
	uv_run(control->loop, UV_RUN_DEFAULT);
	uv_loop_close(control->loop);
}
