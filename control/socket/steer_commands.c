/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steering: pools, pool-show, pool-up, pool-down, pool-drain, steer. */
#include <limits.h>
#include <string.h>
#include <time.h>

#include "command_parts.h"

static const char *const pool_state_words[] = {
	[VLY_STEER_POOL_DOWN] = "down",
	[VLY_STEER_POOL_DRAINED] = "drained",
	[VLY_STEER_POOL_UP] = "up",
};

/* What its checks say together. */
static const char *
check_word(const struct vly_config_steer_member *member, const struct vly_steer_member_state *state)
{
	if (member->check_cnt == 0)
		return "none";
	if (!state->is_known)
		return "unknown";
	return state->is_healthy ? "up" : "down";
}

static json_t *
checks_json(const struct vly_health *health, const struct vly_config_steer_member *member)
{
	json_t *checks = json_array();
	struct vly_health_row row;

	for (unsigned i = 0; i < member->check_cnt; i++)
		if (vly_health_row_of(health, member->checks[i].id, &row))
			json_array_append_new(checks, vly_command_check_json(&row));
	return checks;
}

static json_t *
member_json(const struct vly_steerer_view *view, const struct vly_health *health, unsigned idx,
	    const struct vly_config_steer_member *member)
{
	const struct vly_steer_member_state *state = vly_steer_states_at(view->states, idx);
	const uint8_t flags = vly_steer_states_flags(view->states)[idx];
	json_t *json = json_pack("{s:s,s:b,s:b,s:s,s:o,s:i,s:I}", "name", member->name, "up",
				 (flags & VLY_STEER_MEMBER_UP) != 0, "drained",
				 (flags & VLY_STEER_MEMBER_DRAINED) != 0, "check",
				 check_word(member, state), "reason",
				 vly_command_text(state->reason), "weight",
				 (int)member->weight_number, "flips", (json_int_t)state->flip_cnt);

	if (state->since_s > 0)
		json_object_set_new(json, "since_unix_s", json_integer(state->since_s));
	if (state->wish != VLY_STEER_WISH_NONE) {
		json_object_set_new(json, "operator",
				    json_string(vly_steer_wish_name[state->wish]));
		json_object_set_new(json, "operator_since_unix_s",
				    json_integer(state->wish_since_s));
		if (state->wish_until_s > 0)
			json_object_set_new(json, "until", json_integer(state->wish_until_s));
	}
	json_t *records = json_object();
	for (unsigned type = 0; type < VLY_STEER_TYPE_CNT; type++)
		if (member->text[type])
			json_object_set_new(records, vly_steer_type_name[type],
					    vly_command_text(member->text[type]));
	json_object_set_new(json, "records", records);
	json_object_set_new(json, "checks", checks_json(health, member));
	return json;
}

/* How many members have checks, how many of these are down, and why the first one is. */
static void
add_checks(json_t *json, const struct vly_steerer_view *view, unsigned pool_idx)
{
	const struct vly_config_steer_pool *pool = &view->model->config->pools[pool_idx];
	const unsigned first = view->model->first_member[pool_idx];
	unsigned checked_cnt = 0, unknown_cnt = 0, down_cnt = 0;

	for (unsigned i = 0; i < pool->member_cnt; i++) {
		const struct vly_steer_member_state *state =
			vly_steer_states_at(view->states, first + i);
		if (pool->members[i].check_cnt == 0)
			continue;
		checked_cnt++;
		unknown_cnt += !state->is_known;
		if (!state->is_known || state->is_healthy || down_cnt++ > 0)
			continue;
		json_object_set_new(json, "down_member", json_string(pool->members[i].name));
		json_object_set_new(json, "down_reason", vly_command_text(state->reason));
	}
	json_object_set_new(json, "checked", json_integer(checked_cnt));
	json_object_set_new(json, "check_unknown", json_integer(unknown_cnt));
	json_object_set_new(json, "check_down", json_integer(down_cnt));
}

static json_t *
pool_json(const struct vly_steerer_view *view, const struct vly_health *health, unsigned pool_idx,
	  bool with_members)
{
	const struct vly_steer_model *model = view->model;
	const struct vly_config_steer_pool *pool = &model->config->pools[pool_idx];
	const uint8_t *flags = vly_steer_states_flags(view->states);
	const unsigned first = model->first_member[pool_idx];
	unsigned up_cnt = 0;
	json_t *members = json_array();

	for (unsigned i = 0; i < pool->member_cnt; i++) {
		up_cnt += (flags[first + i] & VLY_STEER_MEMBER_UP) != 0;
		if (with_members)
			json_array_append_new(
				members, member_json(view, health, first + i, &pool->members[i]));
	}
	json_t *json =
		json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:i}", "name", pool->name, "state",
			  pool_state_words[vly_steer_pool_state(model, pool_idx, flags)], "pick",
			  pool->pick, "members_cnt", (int)pool->member_cnt, "up", (int)up_cnt,
			  "min", (int)pool->min_up, "max", (int)pool->answer_max);
	add_checks(json, view, pool_idx);
	if (with_members)
		json_object_set(json, "members", members);
	json_decref(members);
	return json;
}

void
vly_command_pools(const struct vly_commands *commands, struct vly_client *client,
		  struct vly_request *request)
{
	const struct vly_steerer_view view = vly_steerer_look(commands->steerer);
	json_t *pools = json_array();

	for (unsigned i = 0; view.model && i < view.model->config->pool_cnt; i++)
		if (!request->name || strcmp(request->name, view.model->config->pools[i].name) == 0)
			json_array_append_new(pools, pool_json(&view, commands->health, i,
							       request->name != NULL));
	if (request->name && json_array_size(pools) == 0) {
		json_decref(pools);
		vly_client_send(client, vly_command_error("failed", "there is no such pool in the "
								    "configuration"));
		return;
	}
	vly_client_send(client, json_pack("{s:b,s:I,s:o}", "ok", 1, "flips",
					  (json_int_t)vly_steer_states_flip_cnt(view.states),
					  "pools", pools));
}

/* up without a time takes back what was set; with one, the member is up whatever checks say. */
static enum vly_steer_wish
wish_of(const struct vly_request *request)
{
	if (request->command == VLY_COMMAND_POOL_DOWN)
		return VLY_STEER_WISH_DOWN;
	if (request->command == VLY_COMMAND_POOL_DRAIN)
		return VLY_STEER_WISH_DRAIN;
	return request->for_s > 0 ? VLY_STEER_WISH_UP : VLY_STEER_WISH_NONE;
}

void
vly_command_pool_change(const struct vly_commands *commands, struct vly_client *client,
			struct vly_request *request)
{
	char trouble[VLY_STEER_REASON_BYTES];
	unsigned cnt = vly_steerer_wish(commands->steerer, request->name, wish_of(request),
					request->for_s, trouble);

	if (cnt == 0) {
		vly_client_send(client, vly_command_error("failed", "there is no such pool or "
								    "member: write POOL, or "
								    "POOL/MEMBER"));
		return;
	}
	json_t *json = json_pack("{s:b,s:i}", "ok", !*trouble, "members", (int)cnt);
	if (*trouble) {
		json_object_set_new(json, "code", json_string("failed"));
		json_object_set_new(
			json, "error",
			json_sprintf("it is in force, but not kept over a restart: %s", trouble));
	}
	vly_client_send(client, json);
}

static const struct vly_steer_map_block *
block_of_map(const struct vly_steerer_view *view, unsigned map)
{
	for (unsigned i = 0; view->is_made && view->maps && i < view->model->partition_cnt; i++)
		if (view->model->partition[i].map == map && view->maps->block[i])
			return view->maps->block[i];
	return NULL;
}

static bool
is_used(const struct vly_steer_model *model, unsigned map)
{
	for (unsigned i = 0; i < model->partition_cnt; i++)
		if (model->partition[i].map == map)
			return true;
	return false;
}

static json_t *
map_json(const struct vly_steerer_view *view, unsigned idx)
{
	const struct vly_config_steer_map *map = &view->model->config->maps[idx];
	const struct vly_steer_map_block *block = block_of_map(view, idx);
	const bool has_trouble = view->maps && idx < view->maps->map_cnt;
	json_t *json = json_pack("{s:s,s:o,s:b,s:o}", "name", map->name, "file",
				 vly_command_text(map->mmdb ? map->mmdb : map->file), "used",
				 is_used(view->model, idx), "error",
				 vly_command_text(has_trouble ? view->maps->trouble[idx] : ""));

	if (!block)
		return json;
	json_object_set_new(json, "prefixes", json_integer((json_int_t)block->prefix_cnt));
	json_object_set_new(json, "read_unix_s", json_integer((json_int_t)block->read_s));
	json_object_set_new(json, "file_unix_s",
			    json_integer((json_int_t)(block->stamp.mtime_ns / 1000000000)));
	if (block->built_s > 0)
		json_object_set_new(json, "built_unix_s", json_integer((json_int_t)block->built_s));
	return json;
}

static json_t *
policy_json(const struct vly_steerer_view *view, unsigned idx)
{
	const struct vly_steer_model *model = view->model;
	const struct vly_steer_policy_plan *plan = &model->policy[idx];
	const uint8_t *flags = vly_steer_states_flags(view->states);
	unsigned cnt[VLY_STEER_FROM_LAST_KNOWN + 1] = {0};

	for (uint32_t i = 0; i < plan->class_cnt; i++)
		cnt[vly_steer_decide(model, idx, i, flags).source]++;
	return json_pack("{s:s,s:i,s:i,s:i,s:i}", "name", model->config->policies[idx].name,
			 "classes", (int)plan->class_cnt, "steady", (int)cnt[VLY_STEER_FROM_FIRST],
			 "failed_over", (int)cnt[VLY_STEER_FROM_NEXT], "fallback",
			 (int)(cnt[VLY_STEER_FROM_FALLBACK] + cnt[VLY_STEER_FROM_LAST_KNOWN]));
}

void
vly_command_steer(const struct vly_commands *commands, struct vly_client *client,
		  struct vly_request *request)
{
	const struct vly_steerer_view view = vly_steerer_look(commands->steerer);
	json_t *maps = json_array();
	json_t *policies = json_array();

	(void)request;
	for (unsigned i = 0; view.model && i < view.model->config->map_cnt; i++)
		json_array_append_new(maps, map_json(&view, i));
	for (unsigned i = 0; view.model && i < view.model->config->policy_cnt; i++)
		if (view.model->policy[i].way)
			json_array_append_new(policies, policy_json(&view, i));
	json_t *trouble = json_array();
	vly_command_steer_trouble(commands, trouble);
	vly_client_send(client, json_pack("{s:b,s:I,s:b,s:o,s:o,s:o}", "ok", 1, "generation",
					  (json_int_t)view.generation, "is_made", view.is_made,
					  "maps", maps, "policies", policies, "trouble", trouble));
}

void
vly_command_steer_trouble(const struct vly_commands *commands, json_t *array)
{
	const struct vly_steerer_view view = vly_steerer_look(commands->steerer);
	struct vly_publisher_status status;

	vly_publisher_status(commands->publisher, &status);
	const char *const troubles[] = {view.trouble, vly_steer_states_trouble(view.states),
					status.steer_error};
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++)
		if (*troubles[i])
			json_array_append_new(array, vly_command_text(troubles[i]));
	for (unsigned i = 0; view.is_made && view.maps && i < view.maps->map_cnt; i++) {
		const struct vly_steer_map_block *block = block_of_map(&view, i);
		char age[64] = "its clients are of no region";
		if (!*view.maps->trouble[i])
			continue;
		if (block)
			snprintf(age, sizeof(age), "what was read %llu minutes ago stays",
				 (unsigned long long)(((uint64_t)time(NULL) - block->read_s) / 60));
		json_array_append_new(array, json_sprintf("map %s: %s; %s",
							  view.model->config->maps[i].name,
							  view.maps->trouble[i], age));
	}
}
