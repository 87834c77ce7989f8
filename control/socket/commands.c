/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command_parts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <volley/image.h>

#include "common/version.h"
#include "feed_json.h"
#include "reload/signature_watch.h"

/* A person reads it, on a line that is overwritten. */
#define PROGRESS_MS 250

struct waiting {
	struct vly_pending pending;
	struct vly_reload_asker *reload;
	uv_timer_t timer;
};

static json_t *
failure_json(const struct vly_served_zone *zone)
{
	return json_pack("{s:o,s:o,s:I,s:o,s:b}", "zone", vly_command_text(zone->name), "file",
			 vly_command_text(zone->error->file), "line", (json_int_t)zone->error->line,
			 "error", vly_command_text(zone->error->text), "old_version",
			 zone->image != NULL);
}

static void
add_failure(json_t *answer, const struct vly_served_zone *zone, uint32_t *left_off)
{
	json_t *failed = json_object_get(answer, "failed");

	if (json_array_size(failed) < VLY_COMMANDS_FAILED_MAX)
		json_array_append_new(failed, failure_json(zone));
	else
		json_object_set_new(answer, "failed_left_off", json_integer(++*left_off));
}

/* Lines about ports; the counters are another program's. */
static json_t *
troubles_json(const struct vly_counters *counters)
{
	static const char *const text[VLY_PORT_TROUBLE_CNT] = {
#define X(id, text) text,
		VLY_PORT_TROUBLES(X)
#undef X
	};
	struct vly_counters *block = (struct vly_counters *)(uintptr_t)counters;
	json_t *troubles = json_array();

	for (uint32_t i = 0; counters && i < counters->port_cnt; i++) {
		const struct vly_port_counters *port = vly_counters_port(block, i);
		uint64_t trouble = port->trouble;
		int name_max = (int)sizeof(port->name);
		if (port->unserved_queue_cnt > 0)
			json_array_append_new(
				troubles,
				json_sprintf("port %.*s: queries arrive on %llu of its queues that "
					     "no lcore serves, and are answered slowly; the log of "
					     "volley-dataplane has the remedy",
					     name_max, port->name,
					     (unsigned long long)port->unserved_queue_cnt));
		if (trouble != VLY_PORT_TROUBLE_none && trouble < VLY_PORT_TROUBLE_CNT)
			json_array_append_new(troubles,
					      json_sprintf("port %.*s: the interface %s", name_max,
							   port->name, text[trouble]));
	}
	return troubles;
}

static json_t *
dataplane_json(const struct vly_commands *commands)
{
	struct vly_publisher_status status;

	vly_publisher_status(commands->publisher, &status);
	json_t *json = json_pack("{s:b,s:b,s:s}", "connected", status.connected, "held_back",
				 status.held_back, "error", status.error);
	if (!status.connected)
		return json;
	uint64_t generation = status.counters ? status.counters->generation : status.generation;
	json_object_set_new(json, "pid", json_integer(status.hello.pid));
	json_object_set_new(json, "lcores", json_integer(status.hello.lcore_cnt));
	json_object_set_new(json, "generation", json_integer((json_int_t)generation));
	json_object_set_new(json, "start_unix_ns",
			    json_integer((json_int_t)status.hello.start_unix_ns));
	uint64_t zone_cnt = status.counters ? status.counters->zone_cnt : status.zone_cnt;
	json_object_set_new(json, "zones", json_integer((json_int_t)zone_cnt));
	json_object_set_new(json, "troubles", troubles_json(status.counters));
	return json;
}

static json_t *
images_json(const struct vly_commands *commands, const struct vly_served_zones *served)
{
	struct vly_living_images living;

	vly_living_images(commands->living, &living);
	return json_pack("{s:I,s:I}", "cnt", (json_int_t)(served->uses.cnt + living.cnt), "bytes",
			 (json_int_t)(served->uses.bytes + living.bytes));
}

/* Of living zones. */
static json_t *
living_json(const struct vly_commands *commands)
{
	struct vly_living_images images;

	vly_living_images(commands->living, &images);
	return json_pack("{s:I,s:I,s:I,s:I}", "zones", (json_int_t)images.zone_cnt, "changes",
			 (json_int_t)images.change_cnt, "waiting", (json_int_t)images.waiting_cnt,
			 "image_bytes", (json_int_t)images.bytes);
}

/* All that is wrong but does not show in answers yet. */
static json_t *
trouble_json(const struct vly_commands *commands)
{
	json_t *array = vly_command_defence_trouble(commands);
	char health[VLY_TROUBLE_BYTES];
	const char *const troubles[] = {
		commands->key_trouble,
		vly_reloader_trouble(commands->reloader),
		vly_living_trouble(commands->living),
		vly_living_behind(commands->living),
		vly_updater_added_trouble(commands->updater),
		vly_updater_disabled_trouble(commands->updater),
		commands->aliases ? vly_aliases_trouble(commands->aliases) : "",
	};

	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++)
		if (*troubles[i])
			json_array_append_new(array, vly_command_text(troubles[i]));
	vly_command_catalog_trouble(commands, array);
	if (*vly_health_trouble(commands->health, health))
		json_array_append_new(array, vly_command_text(health));
	vly_command_steer_trouble(commands, array);
	return array;
}

/* Of signed zones; also what metrics are made of. */
static json_t *
signatures_json(const struct vly_served_zones *served)
{
	struct vly_signature_summary summary;

	vly_signature_summarize(served, (uint64_t)time(NULL), &summary);
	json_t *json = json_pack("{s:i,s:i,s:i}", "zones", (int)summary.signed_cnt, "expire_soon",
				 (int)summary.soon_cnt, "expired", (int)summary.expired_cnt);
	if (summary.first) {
		json_object_set_new(json, "first_zone", vly_command_text(summary.first->name));
		json_object_set_new(json, "first_expiry_unix_s",
				    json_integer((json_int_t)summary.first->info.expiry_s));
	}
	return json;
}

static void
add_transfers(const struct vly_commands *commands, json_t *answer)
{
	struct vly_secondary_counts in;
	struct vly_transfers_counts out;

	vly_secondaries_counts(commands->secondaries, &in);
	vly_transfers_counts(commands->transfers, &out);
	json_object_set_new(answer, "secondaries", vly_feed_secondary_counts_json(&in));
	json_object_set_new(answer, "transfers", vly_feed_transfer_counts_json(&out));
}

static json_t *
status_json(const struct vly_commands *commands)
{
	const struct vly_served_zones *served = vly_reloader_served(commands->reloader);
	uint64_t uptime_ms = uv_now(commands->loop) - commands->start_ms;
	uint32_t left_off = 0;
	json_t *control =
		json_pack("{s:s,s:i,s:f,s:o,s:i,s:i,s:i}", "version", vly_version, "pid",
			  (int)getpid(), "uptime_s", (double)uptime_ms / 1000, "config",
			  vly_command_text(commands->config_path), "image_version",
			  VLY_IMAGE_VERSION, "publish_version", VLY_PUBLISH_VERSION,
			  "reloads_pending", (int)vly_reloader_pending(commands->reloader));
	json_t *zones = json_pack("{s:i,s:i,s:i,s:i}", "configured", (int)served->zone_cnt,
				  "loaded", (int)served->loaded_cnt, "from_cache",
				  (int)served->cached_cnt, "failed", (int)served->failed_cnt);
	json_t *answer =
		json_pack("{s:b,s:o,s:o,s:o,s:o,s:o,s:[],s:o}", "ok", 1, "control", control,
			  "dataplane", dataplane_json(commands), "zones", zones, "signatures",
			  signatures_json(served), "images", images_json(commands, served),
			  "failed", "trouble", trouble_json(commands));

	json_object_set_new(answer, "living", living_json(commands));
	add_transfers(commands, answer);
	json_object_set_new(answer, "health", vly_command_health_json(commands));
	vly_command_add_aliases(commands, answer);
	for (const struct vly_served_zone *zone = served->failed; zone; zone = zone->failed_next)
		add_failure(answer, zone, &left_off);
	return answer;
}

static void
add_signatures(json_t *json, const struct vly_zone_info *info)
{
	static const char *const words[] = {
		[VLY_SIGNATURES_GOOD] = "good",
		[VLY_SIGNATURES_SOON] = "expire soon",
		[VLY_SIGNATURES_URGENT] = "expire soon",
		[VLY_SIGNATURES_EXPIRED] = "expired",
	};
	enum vly_signature_level level = vly_signature_level(info, (uint64_t)time(NULL));

	if (level == VLY_SIGNATURES_NONE)
		return;
	json_object_set_new(json, "signatures", json_string(words[level]));
	json_object_set_new(json, "signatures_expire_unix_s",
			    json_integer((json_int_t)info->expiry_s));
}

static void
add_living(const struct vly_commands *commands, json_t *json, const struct vly_served_zone *zone)
{
	struct vly_living_state state;

	json_object_set_new(json, "living", json_boolean(zone->is_living));
	if (!zone->is_adopted || !vly_living_find(commands->living, zone->name, &state))
		return;
	json_object_set_new(json, "serial", json_integer(state.serial));
	json_object_set_new(json, "records", json_integer((json_int_t)state.record_cnt));
	json_object_set_new(json, "changes", json_integer((json_int_t)state.change_cnt));
	json_object_set_new(json, "layers", json_integer(state.layer_cnt));
}

/* A secondary is loaded when its primary says so. */
static void
add_feed(const struct vly_commands *commands, json_t *json, const struct vly_served_zone *zone)
{
	struct vly_secondary_state state;
	char text[VLY_FEED_TEXT_BYTES];

	if (!zone->is_living || !vly_secondaries_state(commands->secondaries, zone->name, &state))
		return;
	json_object_set_new(json, "state", json_string(vly_feed_secondary_word(&state, text)));
	json_object_set_new(json, "why", vly_command_text(text));
	if (state.contact_s > 0)
		json_object_set_new(json, "contact_unix_s",
				    json_integer((json_int_t)state.contact_s));
}

static json_t *
zone_json(const struct vly_commands *commands, const struct vly_served_zone *zone)
{
	json_t *json = json_pack("{s:o,s:o}", "name", vly_command_text(zone->name), "file",
				 vly_command_text(zone->file));

	if (zone->image) {
		json_object_set_new(json, "serial", json_integer(zone->info.serial));
		json_object_set_new(json, "records",
				    json_integer((json_int_t)zone->info.record_cnt));
		json_object_set_new(json, "loaded_unix_ns",
				    json_integer((json_int_t)zone->loaded_unix_ns));
		json_object_set_new(json, "image", json_integer((json_int_t)zone->image->id));
		add_signatures(json, &zone->info);
	}
	add_living(commands, json, zone);
	vly_command_add_catalog(commands, json, zone->name);
	json_object_set_new(json, "state",
			    json_string(!zone->error  ? (zone->image ? "loaded" : "loading")
					: zone->image ? "old version"
						      : "failed"));
	add_feed(commands, json, zone);
	if (zone->error)
		json_object_set_new(json, "failure", failure_json(zone));
	return json;
}

static json_t *
zones_json(const struct vly_commands *commands, const struct vly_request *request)
{
	const struct vly_served_zones *served = vly_reloader_served(commands->reloader);
	const struct vly_served_zone *zone;
	uint32_t at = 0;

	if (request->after) {
		const struct vly_served_zone *after = vly_served_zones_find(served, request->after);
		if (!after)
			return vly_command_error(
				"failed",
				"the zones have changed since the previous answer: start again");
		at = after->place + 1;
	}
	json_t *zones = json_array();
	const struct vly_served_zone *last = NULL;
	uint32_t cnt = 0;
	for (; cnt < request->limit && (zone = vly_served_zones_next(served, &at)); at++, cnt++) {
		json_array_append_new(zones, zone_json(commands, zone));
		last = zone;
	}
	json_t *answer = json_pack("{s:b,s:i,s:o}", "ok", 1, "signed", (int)served->signed_cnt,
				   "zones", zones);
	if (last && vly_served_zones_next(served, &at))
		json_object_set_new(answer, "next", vly_command_text(last->name));
	return answer;
}

static json_t *
report_json(const struct vly_reload_report *report)
{
	uint32_t left_off = 0;
	json_t *answer = json_pack(
		"{s:b,s:i,s:i,s:I,s:i,s:i,s:f,s:I,s:s?,s:[]}", "ok", report->code == VLY_RELOAD_OK,
		"zones", (int)report->zone_cnt, "loaded",
		(int)(report->zone_cnt - report->failed_cnt), "records",
		(json_int_t)report->record_cnt, "unchanged", (int)report->unchanged_cnt,
		"from_cache", (int)report->cached_cnt, "seconds",
		(double)report->duration_ms / 1000, "generation", (json_int_t)report->generation,
		"restart_needed", report->restart_needed, "failed");

	for (uint32_t i = 0; i < report->zone_cnt; i++)
		if (report->zones[i]->error)
			add_failure(answer, report->zones[i], &left_off);
	if (report->code == VLY_RELOAD_OK)
		return answer;
	bool absent = report->code == VLY_RELOAD_NO_DATAPLANE;
	json_object_set_new(answer, "code", json_string(absent ? "no-dataplane" : "failed"));
	json_object_set_new(answer, "error", vly_command_text(report->text));
	json_t *errors = json_array();
	for (uint32_t i = 0; i < report->config_errors->cnt; i++)
		json_array_append_new(errors, vly_command_text(report->config_errors->text[i]));
	json_object_set_new(answer, "config_errors", errors);
	return answer;
}

static void
on_progress(uv_timer_t *timer)
{
	struct waiting *waiting = timer->data;
	struct vly_reload_progress progress;

	vly_reload_progress(waiting->reload, &progress);
	json_t *line =
		json_pack("{s:{s:s,s:i,s:i,s:I,s:f}}", "progress", "phase", progress.phase, "zones",
			  (int)progress.load.zone_cnt, "zones_done", (int)progress.load.zones_done,
			  "records", (json_int_t)progress.load.record_cnt, "seconds",
			  (double)progress.duration_ms / 1000);
	if (progress.load.name)
		json_object_set_new(json_object_get(line, "progress"), "zone",
				    vly_command_text(progress.load.name));
	vly_pending_progress(&waiting->pending, line);
}

static void
on_waiting_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void
on_reloaded(void *arg, const struct vly_reload_report *report)
{
	struct waiting *waiting = arg;

	vly_pending_end(&waiting->pending, report_json(report));
	uv_close((uv_handle_t *)&waiting->timer, on_waiting_closed);
}

static const char *
cancel_reload(struct vly_pending *pending)
{
	struct waiting *waiting = (struct waiting *)pending; /* its first member */

	vly_reload_forget(waiting->reload);
	uv_close((uv_handle_t *)&waiting->timer, on_waiting_closed);
	return "volley-control is stopping before the reload is done; all zones are loaded at its "
	       "next start";
}

static void
start_reload(const struct vly_commands *commands, struct vly_client *client,
	     struct vly_request *request)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));

	if (!waiting) {
		vly_client_send(client, vly_command_error("failed", "out of memory"));
		return;
	}
	waiting->pending = (struct vly_pending){cancel_reload, .is_slow = true, .goes_on = true};
	if (!vly_pending_begin(&waiting->pending, client)) {
		free(waiting);
		return;
	}
	waiting->reload = vly_reloader_request(commands->reloader, request->zones,
					       request->zone_cnt, on_reloaded, waiting);
	if (!waiting->reload) {
		vly_pending_end(&waiting->pending, vly_command_error("failed", "out of memory"));
		free(waiting);
		return;
	}
	if (request->force)
		vly_reload_force(waiting->reload);
	if (request->zone_cnt == 0)
		vly_steerer_reread(commands->steerer);
	uv_timer_init(commands->loop, &waiting->timer);
	waiting->timer.data = waiting;
	uv_timer_start(&waiting->timer, on_progress, PROGRESS_MS, PROGRESS_MS);
}

static void
show_status(const struct vly_commands *commands, struct vly_client *client,
	    struct vly_request *request)
{
	(void)request;
	vly_client_send(client, status_json(commands));
}

static void
show_zones(const struct vly_commands *commands, struct vly_client *client,
	   struct vly_request *request)
{
	vly_client_send(client, zones_json(commands, request));
}

static void
show_stats(const struct vly_commands *commands, struct vly_client *client,
	   struct vly_request *request)
{
	json_t *error;
	const struct vly_counters *counters = vly_command_counters(commands, &error);

	(void)request;
	vly_client_send(client, counters ? vly_stats_json(counters) : error);
}

void
vly_commands_handle(void *arg, struct vly_client *client, struct vly_request *request)
{
	static void (*const handlers[VLY_COMMAND_CNT])(
		const struct vly_commands *, struct vly_client *, struct vly_request *) = {
		[VLY_COMMAND_STATUS] = show_status,
		[VLY_COMMAND_RELOAD] = start_reload,
		[VLY_COMMAND_ZONES] = show_zones,
		[VLY_COMMAND_STATS] = show_stats,
		[VLY_COMMAND_DEFENCE_SHOW] = vly_command_defence_show,
		[VLY_COMMAND_DEFENCE_SET] = vly_command_defence_change,
		[VLY_COMMAND_DEFENCE_UNSET] = vly_command_defence_change,
		[VLY_COMMAND_DEFENCE_DENY] = vly_command_defence_change,
		[VLY_COMMAND_DEFENCE_ALLOW] = vly_command_defence_change,
		[VLY_COMMAND_DEFENCE_FORGET] = vly_command_defence_change,
		[VLY_COMMAND_COOKIES_SHOW] = vly_command_cookies_show,
		[VLY_COMMAND_COOKIES_ROLL] = vly_command_cookies_roll,
		[VLY_COMMAND_DROPS] = vly_command_drops,
		[VLY_COMMAND_TOP] = vly_command_top,
		[VLY_COMMAND_ZONE_EDIT] = vly_command_zone_change,
		[VLY_COMMAND_ZONE_BEGIN] = vly_command_zone_change,
		[VLY_COMMAND_ZONE_COMMIT] = vly_command_zone_change,
		[VLY_COMMAND_ZONE_ABORT] = vly_command_zone_change,
		[VLY_COMMAND_ZONE_REVERT] = vly_command_zone_change,
		[VLY_COMMAND_ZONE_SHOW] = vly_command_zone_read,
		[VLY_COMMAND_ZONE_HISTORY] = vly_command_zone_read,
		[VLY_COMMAND_ZONE_DIFF] = vly_command_zone_read,
		[VLY_COMMAND_ZONE_STATUS] = vly_command_zone_status,
		[VLY_COMMAND_ZONE_REFRESH] = vly_command_zone_act,
		[VLY_COMMAND_ZONE_RETRANSFER] = vly_command_zone_act,
		[VLY_COMMAND_ZONE_NOTIFY] = vly_command_zone_act,
		[VLY_COMMAND_ZONE_ACCEPT] = vly_command_zone_act,
		[VLY_COMMAND_ZONE_REJECT] = vly_command_zone_act,
		[VLY_COMMAND_TRANSFERS] = vly_command_transfers,
		[VLY_COMMAND_TRANSFERS_PAST] = vly_command_transfers_past,
		[VLY_COMMAND_CHECKS] = vly_command_checks,
		[VLY_COMMAND_ALIASES] = vly_command_aliases,
		[VLY_COMMAND_POOLS] = vly_command_pools,
		[VLY_COMMAND_POOL_UP] = vly_command_pool_change,
		[VLY_COMMAND_POOL_DOWN] = vly_command_pool_change,
		[VLY_COMMAND_POOL_DRAIN] = vly_command_pool_change,
		[VLY_COMMAND_STEER] = vly_command_steer,
		[VLY_COMMAND_KEYS] = vly_command_keys,
		[VLY_COMMAND_KEY_ADD] = vly_command_key_add,
		[VLY_COMMAND_KEY_REMOVE] = vly_command_key_change,
		[VLY_COMMAND_KEY_DISABLE] = vly_command_key_change,
		[VLY_COMMAND_KEY_ENABLE] = vly_command_key_change,
	};

	handlers[request->command](arg, client, request);
}
