/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Secondary zones and transfers: zone-status, zone-refresh, zone-retransfer, zone-notify, zone-accept,
 * zone-reject, transfers, transfers-past. */
#include <string.h>

#include "command_parts.h"
#include "feed_json.h"
#include "session/past.h"

struct listing {
	json_t *array;
	uint32_t left_off;
	uint64_t now_ms;
};

static bool
add(struct listing *listing, json_t *json)
{
	if (json_array_size(listing->array) < VLY_REQUEST_ZONES_MAX) {
		json_array_append_new(listing->array, json);
		return true;
	}
	json_decref(json);
	listing->left_off++;
	return true;
}

static bool
add_in(void *arg, const char *zone, const struct vly_secondary_state *state)
{
	return add(arg, vly_feed_in_json(zone, state));
}

static bool
add_out(void *arg, const struct vly_transfer_state *state)
{
	struct listing *listing = arg;

	return add(listing, vly_feed_out_json(state, listing->now_ms));
}

static bool
add_notify(void *arg, const struct vly_notify_state *state)
{
	return add(arg, vly_feed_notify_json(state));
}

void
vly_command_transfers(const struct vly_commands *commands, struct vly_client *client,
		      struct vly_request *request)
{
	struct listing listing = {json_array(), 0, uv_now(commands->loop)};
	struct vly_secondary_counts in;
	struct vly_transfers_counts out;

	(void)request;
	vly_secondaries_walk(commands->secondaries, add_in, &listing);
	vly_transfers_walk(commands->transfers, add_out, &listing);
	vly_secondaries_counts(commands->secondaries, &in);
	vly_transfers_counts(commands->transfers, &out);
	json_t *answer = json_pack("{s:b,s:o,s:o,s:o}", "ok", 1, "transfers", listing.array, "in",
				   vly_feed_secondary_counts_json(&in), "out",
				   vly_feed_transfer_counts_json(&out));
	if (listing.left_off > 0)
		json_object_set_new(answer, "left_off", json_integer(listing.left_off));
	vly_client_send(client, answer);
}

/* Both lists, joined by time. */
void
vly_command_transfers_past(const struct vly_commands *commands, struct vly_client *client,
			   struct vly_request *request)
{
	const struct vly_past *past[] = {vly_secondaries_past(commands->secondaries),
					 vly_transfers_past(commands->transfers)};
	json_t *array = json_array();
	uint64_t age[2] = {0};

	(void)request;
	for (unsigned i = 0; i < 2 * VLY_PAST_MAX; i++) {
		const struct vly_past_transfer *in = vly_past_at(past[0], age[0]);
		const struct vly_past_transfer *out = vly_past_at(past[1], age[1]);
		const bool is_out = !in || (out && out->time_ms >= in->time_ms);
		if (!in && !out)
			break;
		json_array_append_new(array, vly_feed_past_json(is_out ? out : in));
		age[is_out]++;
	}
	vly_client_send(client, json_pack("{s:b,s:o}", "ok", 1, "past", array));
}

static void
set_living(const struct vly_commands *commands, json_t *answer, const char *zone)
{
	struct vly_living_state state;

	if (!vly_living_find(commands->living, zone, &state))
		return;
	json_object_set_new(answer, "serial", json_integer(state.serial));
	json_object_set_new(answer, "records", json_integer((json_int_t)state.record_cnt));
	json_object_set_new(answer, "changes", json_integer((json_int_t)state.change_cnt));
}

void
vly_command_zone_status(const struct vly_commands *commands, struct vly_client *client,
			struct vly_request *request)
{
	const struct vly_served_zones *served = vly_reloader_served(commands->reloader);
	const struct vly_served_zone *zone = vly_served_zones_find(served, request->zone);
	struct listing notifies = {json_array(), 0, 0};
	struct vly_secondary_state state;

	if (!zone) {
		json_decref(notifies.array);
		vly_client_send(client, vly_command_error("failed", "the zone is not served"));
		return;
	}
	bool fed = vly_secondaries_state(commands->secondaries, request->zone, &state);
	json_t *answer =
		json_pack("{s:b,s:o,s:s,s:o}", "ok", 1, "zone", vly_command_text(request->zone),
			  "role", fed ? "secondary" : "primary", "file",
			  vly_command_text(zone->file ? zone->file : ""));
	if (fed)
		json_object_set_new(answer, "secondary", vly_feed_secondary_json(&state));
	if (zone->is_living)
		set_living(commands, answer, request->zone);
	else if (zone->image)
		json_object_set_new(answer, "serial", json_integer(zone->info.serial));
	if (zone->error)
		json_object_set_new(answer, "error_text", vly_command_text(zone->error->text));
	vly_transfers_walk_notifies(commands->transfers, request->zone, add_notify, &notifies);
	json_object_set_new(answer, "notifies", notifies.array);
	vly_client_send(client, answer);
}

/* Returns NULL, or why the command can't be done; `reason` is room for that. */
static const char *
act(const struct vly_commands *commands, const struct vly_request *request,
    char reason[VLY_REASON_BYTES])
{
	const struct vly_secondary_verdict verdict = {
		.accepts = request->command == VLY_COMMAND_ZONE_ACCEPT,
		.has_serial = request->has_serial,
		.serial = request->serial,
	};
	struct vly_secondary_state state;

	if (request->command == VLY_COMMAND_ZONE_NOTIFY)
		return vly_transfers_notify(commands->transfers, request->zone)
			       ? NULL
			       : "the zone has nobody to notify: it needs `notify` in the "
				 "configuration, and data";
	if (!vly_secondaries_state(commands->secondaries, request->zone, &state))
		return "the zone is no secondary: it has no `primaries` in the configuration";
	if (request->command == VLY_COMMAND_ZONE_REFRESH ||
	    request->command == VLY_COMMAND_ZONE_RETRANSFER) {
		bool force = request->command == VLY_COMMAND_ZONE_RETRANSFER;
		return vly_secondaries_refresh(commands->secondaries, request->zone, force)
			       ? NULL
			       : "the zone is no secondary any more";
	}
	return vly_secondaries_review(commands->secondaries, request->zone, &verdict, reason)
		       ? NULL
		       : reason;
}

void
vly_command_zone_act(const struct vly_commands *commands, struct vly_client *client,
		     struct vly_request *request)
{
	char reason[VLY_REASON_BYTES] = "there is no version that waits for a review";
	const char *why = act(commands, request, reason);

	vly_client_send(client,
			why ? vly_command_error("failed", why) : json_pack("{s:b}", "ok", 1));
}
