/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feed_json.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "command_parts.h"
#include "session/past.h"

#define TIME_BYTES    24
#define ADDRESS_BYTES (INET6_ADDRSTRLEN + 8)

/* Serials in the order of RFC 1982. */
static bool
is_newer(uint32_t serial, uint32_t than)
{
	return (int32_t)(serial - than) > 0;
}

static const char *
write_time(uint64_t time_s, char out[TIME_BYTES])
{
	time_t time = (time_t)time_s;
	struct tm tm;

	snprintf(out, TIME_BYTES, "an unknown time");
	if (gmtime_r(&time, &tm) != NULL)
		strftime(out, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}

/* The primary that knows of the newest version; or NULL. */
static const struct vly_secondary_primary *
find_newest(const struct vly_secondary_state *state)
{
	const struct vly_secondary_primary *newest = NULL;

	for (unsigned i = 0; i < state->primary_cnt; i++) {
		const struct vly_secondary_primary *primary = &state->primary[i];
		if (primary->said.time_s > 0 &&
		    (newest == NULL || is_newer(primary->said.serial, newest->said.serial)))
			newest = primary;
	}
	return newest;
}

/* Appends why the zone is not current, if that is known. */
static void
add_why(const struct vly_secondary_state *state, char text[VLY_FEED_TEXT_BYTES])
{
	const size_t len = strlen(text);

	if (*state->why)
		snprintf(text + len, VLY_FEED_TEXT_BYTES - len, "; %.300s", state->why);
}

static const char *
describe_stale(const struct vly_secondary_state *state, char text[VLY_FEED_TEXT_BYTES])
{
	const struct vly_secondary_primary *newest = find_newest(state);
	char since[TIME_BYTES];

	write_time(state->answered.time_s, since);
	if (newest != NULL)
		snprintf(text, VLY_FEED_TEXT_BYTES,
			 "primary %.60s says %u, we have answered %u since %s", newest->remote,
			 newest->said.serial, state->answered.serial, since);
	else
		snprintf(text, VLY_FEED_TEXT_BYTES,
			 "there is a newer version, we have answered %u since %s",
			 state->answered.serial, since);
	add_why(state, text);
	return "stale";
}

const char *
vly_feed_secondary_word(const struct vly_secondary_state *state, char text[VLY_FEED_TEXT_BYTES])
{
	char since[TIME_BYTES];

	*text = '\0';
	if (!state->is_loaded && state->answered.time_s != 0) {
		snprintf(text, VLY_FEED_TEXT_BYTES,
			 "%u is answered, and is being written to disk; a restart before that is "
			 "done transfers it again",
			 state->answered.serial);
		return "uncommitted";
	}
	if (!state->is_loaded) {
		snprintf(text, VLY_FEED_TEXT_BYTES, "%.300s",
			 *state->why ? state->why : "no primary has sent the zone yet");
		return "no data";
	}
	if (state->is_expired) {
		snprintf(text, VLY_FEED_TEXT_BYTES,
			 "no primary has confirmed %u since %s; queries get SERVFAIL",
			 state->committed.serial, write_time(state->contact_s, since));
		add_why(state, text);
		return "expired";
	}
	if (state->held.time_s > 0) {
		snprintf(text, VLY_FEED_TEXT_BYTES,
			 "%u waits for volleyctl zone accept, %u is answered%s%.300s",
			 state->held.serial, state->answered.serial, *state->review ? "; " : "",
			 state->review);
		return "held";
	}
	if (state->is_stale)
		return describe_stale(state, text);
	if (state->contact_s == 0 || *state->why) {
		snprintf(text, VLY_FEED_TEXT_BYTES, "no primary has confirmed %u since %s",
			 state->answered.serial,
			 state->contact_s > 0 ? write_time(state->contact_s, since) : "the start");
		add_why(state, text);
		return "unconfirmed";
	}
	return "current";
}

static const char *
phase_name(enum vly_secondary_phase phase)
{
	switch (phase) {
	case VLY_SECONDARY_WAITING:
		return "waiting";
	case VLY_SECONDARY_QUEUED:
		return "queued";
	case VLY_SECONDARY_ASKING:
		return "asking";
	case VLY_SECONDARY_RECEIVING:
		return "receiving";
	case VLY_SECONDARY_CHECKING:
		return "checking";
	case VLY_SECONDARY_REVIEWING:
		return "reviewing";
	case VLY_SECONDARY_COMMITTING:
		return "committing";
	}
	return "unknown";
}

static void
set_mark(json_t *json, const char *key, const struct vly_secondary_mark *mark)
{
	if (mark->time_s > 0)
		json_object_set_new(json, key,
				    json_pack("{s:I,s:I}", "serial", (json_int_t)mark->serial,
					      "time_unix_s", (json_int_t)mark->time_s));
}

static void
set_time(json_t *json, const char *key, uint64_t time_s)
{
	if (time_s > 0)
		json_object_set_new(json, key, json_integer((json_int_t)time_s));
}

static json_t *
primary_json(const struct vly_secondary_primary *primary)
{
	json_t *json =
		json_pack("{s:o,s:o,s:I,s:o}", "remote", vly_command_text(primary->remote),
			  "address", vly_command_text(primary->address), "failures",
			  (json_int_t)primary->failure_cnt, "why", vly_command_text(primary->why));

	set_mark(json, "said", &primary->said);
	return json;
}

/* The transfer under way, or the last one. */
static json_t *
transfer_json(const struct vly_secondary_state *state)
{
	return json_pack("{s:s,s:I,s:I,s:I,s:I}", "kind", state->is_incremental ? "IXFR" : "AXFR",
			 "bytes", (json_int_t)state->bytes, "messages",
			 (json_int_t)state->message_cnt, "records", (json_int_t)state->record_cnt,
			 "duration_ms", (json_int_t)state->duration_ms);
}

json_t *
vly_feed_secondary_json(const struct vly_secondary_state *state)
{
	char text[VLY_FEED_TEXT_BYTES];
	const char *word = vly_feed_secondary_word(state, text);
	json_t *primaries = json_array();
	json_t *json = json_pack("{s:s,s:o,s:s}", "state", word, "why", vly_command_text(text),
				 "phase", phase_name(state->phase));

	set_mark(json, "received", &state->received);
	set_mark(json, "committed", &state->committed);
	set_mark(json, "answered", &state->answered);
	set_mark(json, "held", &state->held);
	set_time(json, "contact_unix_s", state->contact_s);
	set_time(json, "next_unix_s", state->next_s);
	set_time(json, "expires_unix_s", state->expires_s);
	if (state->message_cnt > 0)
		json_object_set_new(json, "transfer", transfer_json(state));
	json_object_set_new(json, "axfr", json_integer((json_int_t)state->axfr_cnt));
	json_object_set_new(json, "ixfr", json_integer((json_int_t)state->ixfr_cnt));
	json_object_set_new(json, "notify", json_integer((json_int_t)state->notify_cnt));
	json_object_set_new(json, "refused", json_integer((json_int_t)state->refused_cnt));
	for (unsigned i = 0; i < state->primary_cnt; i++)
		json_array_append_new(primaries, primary_json(&state->primary[i]));
	json_object_set_new(json, "primaries", primaries);
	return json;
}

static const char *
write_address(const uint8_t address[16], unsigned port, char out[ADDRESS_BYTES])
{
	static const uint8_t ipv4_prefix[12] = {[10] = 0xff, [11] = 0xff};
	const bool ipv4 = memcmp(address, ipv4_prefix, sizeof(ipv4_prefix)) == 0;

	inet_ntop(ipv4 ? AF_INET : AF_INET6, address + (ipv4 ? 12 : 0), out, INET6_ADDRSTRLEN);
	snprintf(out + strlen(out), 8, "@%u", port);
	return out;
}

json_t *
vly_feed_in_json(const char *zone, const struct vly_secondary_state *state)
{
	const struct vly_secondary_primary *newest = find_newest(state);
	json_t *json = transfer_json(state);

	json_object_set_new(json, "zone", vly_command_text(zone));
	json_object_set_new(json, "direction", json_string("in"));
	json_object_set_new(json, "phase", json_string(phase_name(state->phase)));
	if (newest != NULL)
		json_object_set_new(json, "serial", json_integer(newest->said.serial));
	if (state->primary_cnt > 0)
		json_object_set_new(json, "peer",
				    vly_command_text(newest != NULL ? newest->address
								    : state->primary[0].address));
	return json;
}

json_t *
vly_feed_out_json(const struct vly_transfer_state *state, uint64_t now_ms)
{
	char peer[ADDRESS_BYTES];

	return json_pack("{s:s,s:o,s:s,s:s,s:b,s:o,s:s,s:I,s:I,s:I,s:I}", "direction", "out",
			 "zone", vly_command_text(state->zone), "peer",
			 write_address(state->peer.address, state->peer.port, peer), "kind",
			 state->is_incremental ? "IXFR" : "AXFR", "tls", state->peer.is_tls, "key",
			 vly_command_text(state->key), "phase", "sending", "serial",
			 (json_int_t)state->serial, "bytes", (json_int_t)state->octet_cnt,
			 "messages", (json_int_t)state->message_cnt, "duration_ms",
			 (json_int_t)(now_ms > state->start_ms ? now_ms - state->start_ms : 0));
}

json_t *
vly_feed_past_json(const struct vly_past_transfer *past)
{
	return json_pack(
		"{s:s,s:o,s:o,s:s,s:b,s:I,s:I,s:I,s:I,s:I,s:b,s:o}", "direction",
		past->is_in ? "in" : "out", "zone", vly_command_text(past->zone), "peer",
		vly_command_text(past->peer), "kind", past->is_incremental ? "IXFR" : "AXFR", "tls",
		past->is_tls, "serial", (json_int_t)past->serial, "bytes", (json_int_t)past->bytes,
		"messages", (json_int_t)past->message_cnt, "duration_ms",
		(json_int_t)past->duration_ms, "time_unix_s", (json_int_t)(past->time_ms / 1000),
		"failed", past->has_failed, "why", vly_command_text(past->why));
}

json_t *
vly_feed_notify_json(const struct vly_notify_state *state)
{
	static const char *const words[] = {
		[VLY_NOTIFY_WAITING] = "waiting",
		[VLY_NOTIFY_DONE] = "answered",
		[VLY_NOTIFY_DENIED] = "denied",
		[VLY_NOTIFY_LOST] = "lost",
	};
	char address[ADDRESS_BYTES];

	return json_pack("{s:o,s:s,s:s,s:I,s:i,s:i,s:I,s:o}", "remote",
			 vly_command_text(state->remote), "address",
			 write_address(state->address, state->port, address), "state",
			 words[state->progress], "serial", (json_int_t)state->serial, "rcode",
			 (int)state->rcode, "tries", (int)state->try_cnt, "time_unix_s",
			 (json_int_t)state->time_s, "why", vly_command_text(state->problem));
}

json_t *
vly_feed_secondary_counts_json(const struct vly_secondary_counts *counts)
{
	return json_pack(
		"{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "zones",
		(json_int_t)counts->zone_cnt, "loaded", (json_int_t)counts->loaded_cnt, "stale",
		(json_int_t)counts->stale_cnt, "expired", (json_int_t)counts->expired_cnt,
		"running", (json_int_t)counts->running_cnt, "queued",
		(json_int_t)counts->queued_cnt, "notify", (json_int_t)counts->notify_cnt,
		"notify_refused", (json_int_t)counts->notify_refused_cnt, "axfr",
		(json_int_t)counts->axfr_cnt, "ixfr", (json_int_t)counts->ixfr_cnt, "failed",
		(json_int_t)counts->failed_cnt, "bytes", (json_int_t)counts->bytes);
}

json_t *
vly_feed_transfer_counts_json(const struct vly_transfers_counts *counts)
{
	const struct {
		const char *name;
		uint64_t value;
	} number[] = {
		{"transfers", counts->transfers},
		{"connections", counts->connections},
		{"spools", counts->spools},
		{"spool_bytes", counts->spool_bytes},
		{"connections_total", counts->connection_cnt},
		{"axfr", counts->axfr_cnt},
		{"ixfr", counts->ixfr_cnt},
		{"current", counts->current_cnt},
		{"soa", counts->soa_cnt},
		{"refused", counts->refused_cnt},
		{"bad_signatures", counts->bad_signature_cnt},
		{"malformed", counts->malformed_cnt},
		{"busy", counts->busy_cnt},
		{"failed", counts->failed_cnt},
		{"slow", counts->slow_cnt},
		{"broken", counts->broken_cnt},
		{"bytes", counts->octet_cnt},
	};
	json_t *json = json_object();

	for (size_t i = 0; i < sizeof(number) / sizeof(number[0]); i++)
		json_object_set_new(json, number[i].name,
				    json_integer((json_int_t)number[i].value));
	return json;
}
