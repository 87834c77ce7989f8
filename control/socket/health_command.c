/* SPDX-License-Identifier: GPL-3.0-or-later */
/* checks: the health checks by name, in pages. */
#include "command_parts.h"

json_t *
vly_command_check_json(const struct vly_health_row *row)
{
	char target[VLY_HEALTH_TARGET_BYTES];
	json_t *json = vly_health_state_encode(row->state);

	json_object_set_new(json, "name", vly_command_text(row->name));
	json_object_set_new(json, "target",
			    vly_command_text(vly_health_check_target(row->check, target)));
	json_object_set_new(json, "current", json_boolean(row->is_current));
	json_object_set_new(json, "refused", vly_command_text(row->refusal));
	return json;
}

void
vly_command_checks(const struct vly_commands *commands, struct vly_client *client,
		   struct vly_request *request)
{
	unsigned at = request->name ? vly_health_row_behind(commands->health, request->name) : 0;
	struct vly_health_row row = {0};
	json_t *checks = json_array();
	uint32_t cnt = 0;

	for (; cnt < request->limit && vly_health_row_next(commands->health, &at, &row); cnt++)
		json_array_append_new(checks, vly_command_check_json(&row));
	json_t *answer = json_pack("{s:b,s:o,s:o}", "ok", 1, "health",
				   vly_command_health_json(commands), "checks", checks);
	const char *last = row.name;
	if (cnt == request->limit && vly_health_row_next(commands->health, &at, &row))
		json_object_set_new(answer, "next", vly_command_text(last));
	vly_client_send(client, answer);
}

json_t *
vly_command_health_json(const struct vly_commands *commands)
{
	struct vly_health_counts counts;

	vly_health_count(commands->health, &counts);
	return json_pack("{s:b,s:i,s:i,s:i,s:i,s:i,s:I,s:i,s:i,s:I,s:I}", "connected",
			 counts.is_connected, "names", (int)counts.names, "checks",
			 (int)counts.checks, "up", (int)counts.status[VLY_HEALTH_UP], "down",
			 (int)counts.status[VLY_HEALTH_DOWN], "unknown",
			 (int)counts.status[VLY_HEALTH_UNKNOWN], "flips", (json_int_t)counts.flips,
			 "running", (int)counts.running, "waiting", (int)counts.waiting, "late_ms",
			 (json_int_t)counts.late_ms, "pid",
			 (json_int_t)(counts.is_connected ? counts.pid : 0));
}
