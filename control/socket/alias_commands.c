/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ALIAS records: aliases, and their numbers in status. */
#include <arpa/inet.h>

#include "command_parts.h"
#include "zone/domain.h"

struct listing {
	json_t *list;
	uint32_t limit;
	bool is_cut;
	char next[2 * VLY_DOMAIN_TEXT_BYTES];
};

static json_t *
addresses_json(const struct vly_alias_state *state)
{
	static const int families[VLY_ALIAS_FAMILIES] = {AF_INET, AF_INET6};
	char text[INET6_ADDRSTRLEN];
	json_t *list = json_array();

	for (unsigned i = 0; i < VLY_ALIAS_FAMILIES; i++)
		for (unsigned j = 0; j < state->set[i].cnt; j++)
			if (inet_ntop(families[i], state->set[i].address[j], text, sizeof(text)))
				json_array_append_new(list, json_string(text));
	return list;
}

static void
add_time(json_t *json, const char *key, uint64_t time_s)
{
	if (time_s > 0)
		json_object_set_new(json, key, json_integer((json_int_t)time_s));
}

static bool
add(void *arg, const struct vly_alias_state *state)
{
	struct listing *listing = arg;

	if (json_array_size(listing->list) == listing->limit) {
		listing->is_cut = true;
		return false;
	}
	json_t *json = json_pack(
		"{s:o,s:o,s:o,s:o,s:I,s:s,s:b,s:b,s:o}", "zone", vly_command_text(state->zone),
		"name", vly_command_text(state->name), "target", vly_command_text(state->target),
		"addresses", addresses_json(state), "ttl", (json_int_t)state->ttl, "source",
		state->source, "missing", state->is_missing, "busy", state->is_busy, "error",
		vly_command_text(state->trouble));
	add_time(json, "resolved_unix_s", state->good_s);
	add_time(json, "missing_unix_s", state->missing_s);
	add_time(json, "next_unix_s", state->next_s);
	json_array_append_new(listing->list, json);
	snprintf(listing->next, sizeof(listing->next), "%s %s", state->zone, state->name);
	return true;
}

void
vly_command_aliases(const struct vly_commands *commands, struct vly_client *client,
		    struct vly_request *request)
{
	struct listing listing = {.list = json_array(), .limit = request->limit};

	if (!vly_aliases_list(commands->aliases, request->zone, request->name, add, &listing)) {
		json_decref(listing.list);
		vly_client_send(client,
				vly_command_error("failed", "the ALIAS records have changed "
							    "since the previous answer: "
							    "start again"));
		return;
	}
	json_t *answer = json_pack("{s:b,s:o}", "ok", 1, "aliases", listing.list);
	if (listing.is_cut)
		json_object_set_new(answer, "next", vly_command_text(listing.next));
	vly_client_send(client, answer);
}

void
vly_command_add_aliases(const struct vly_commands *commands, json_t *answer)
{
	struct vly_aliases_counts counts;

	if (!commands->aliases)
		return;
	vly_aliases_counts(commands->aliases, &counts);
	json_object_set_new(
		answer, "aliases",
		json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "records", (json_int_t)counts.cnt, "waiting",
			  (json_int_t)counts.waiting_cnt, "failing", (json_int_t)counts.failing_cnt,
			  "missing", (json_int_t)counts.missing_cnt, "attempts",
			  (json_int_t)counts.resolved_cnt, "attempts_failed",
			  (json_int_t)counts.failed_cnt));
}
