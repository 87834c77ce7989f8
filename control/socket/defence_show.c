/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of the defence is in force, and where it comes from. */
#include <string.h>

#include "command_parts.h"
#include "config/cookie_secrets.h"

/* Prefixes that an answer lists; a person reads them. */
#define ENTRIES_MAX 1000

static const char *const actions[] = {
	[VLY_PREFIX_NONE] = "none",
	[VLY_PREFIX_DENY] = "deny",
	[VLY_PREFIX_ALLOW] = "allow",
};

static json_t *
settings_json(const struct vly_defence_sources *sources)
{
	const struct vly_defence_state *state = sources->state;
	json_t *array = json_array();

	for (unsigned i = 0; i < VLY_DEFENCE_SETTING_CNT; i++) {
		const char *configured = sources->config->values.text[i];
		json_t *setting =
			json_pack("{s:s,s:s,s:s}", "key", vly_defence_setting_name(i), "value",
				  vly_defence_value(sources, i), "configured", configured);
		json_object_set_new(setting, "from",
				    json_string(state->set.text[i] ? "operator" : "configuration"));
		if (state->set_until_s[i])
			json_object_set_new(setting, "until", json_integer(state->set_until_s[i]));
		json_array_append_new(array, setting);
	}
	return array;
}

static json_t *
counts_json(const struct vly_prefix_list *list)
{
	json_int_t cnt[VLY_PREFIX_ALLOW + 1] = {0};

	for (size_t i = 0; i < list->cnt; i++)
		cnt[list->rule[i].action]++;
	return json_pack("{s:I,s:I}", "deny", cnt[VLY_PREFIX_DENY], "allow", cnt[VLY_PREFIX_ALLOW]);
}

static json_t *
entries_json(const struct vly_defence_state *state)
{
	json_t *array = json_array();
	char text[VLY_PREFIX_TEXT_BYTES];

	for (size_t i = 0; i < state->entry_cnt && i < ENTRIES_MAX; i++) {
		const struct vly_defence_entry *entry = &state->entry[i];
		json_t *json =
			json_pack("{s:s,s:s}", "prefix", vly_prefix_format(&entry->rule, text),
				  "action", actions[entry->rule.action]);
		if (entry->until_s)
			json_object_set_new(json, "until", json_integer(entry->until_s));
		json_array_append_new(array, json);
	}
	return array;
}

static json_t *
prefixes_json(const struct vly_defence_sources *sources)
{
	const struct vly_defence_state *state = sources->state;
	const char *file = sources->config->deny_file;
	struct vly_prefix_list all = {0};
	json_t *json =
		json_pack("{s:o,s:o,s:I,s:o}", "configured", counts_json(&sources->config->listed),
			  "in_file", counts_json(&sources->config->in_file), "entered",
			  (json_int_t)state->entry_cnt, "entries", entries_json(state));

	if (vly_defence_prefixes(sources, &all) == 0)
		json_object_set_new(json, "in_force", counts_json(&all));
	vly_prefix_list_free(&all);
	if (file)
		json_object_set_new(json, "file", vly_command_text(file));
	return json;
}

json_t *
vly_command_defence_trouble(const struct vly_commands *commands)
{
	struct vly_defender_view view = vly_defender_look(commands->defender);
	struct vly_publisher_status status;
	json_t *array = json_array();

	vly_publisher_status(commands->publisher, &status);
	const char *const troubles[] = {
		view.state_trouble,
		view.secrets_trouble,
		status.defence_error,
		view.sources->config->is_unread
			? "the prefixes of defence.deny-file are not denied: the log has the "
			  "reason; correct the file, then run volleyctl reload"
			: "",
	};
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++)
		if (*troubles[i])
			json_array_append_new(array, vly_command_text(troubles[i]));
	return array;
}

void
vly_command_defence_show(const struct vly_commands *commands, struct vly_client *client,
			 struct vly_request *request)
{
	struct vly_defender_view view = vly_defender_look(commands->defender);
	struct vly_publisher_status status;

	(void)request;
	vly_publisher_status(commands->publisher, &status);
	vly_client_send(client, json_pack("{s:b,s:I,s:b,s:b,s:o,s:o,s:o}", "ok", 1, "generation",
					  (json_int_t)view.generation, "connected",
					  status.connected, "in_force", status.defended, "settings",
					  settings_json(view.sources), "prefixes",
					  prefixes_json(view.sources), "trouble",
					  vly_command_defence_trouble(commands)));
}

void
vly_command_cookies_show(const struct vly_commands *commands, struct vly_client *client,
			 struct vly_request *request)
{
	static const char *const roles[] = {
		[VLY_COOKIE_CURRENT] = "current",
		[VLY_COOKIE_PREVIOUS] = "previous",
		[VLY_COOKIE_NEXT] = "next",
	};
	struct vly_defender_view view = vly_defender_look(commands->defender);
	const struct vly_cookie_secrets *secrets = &view.sources->secrets;
	const char *mode = vly_defence_value(view.sources, VLY_DEFENCE_cookie_mode);
	json_t *array = json_array();

	for (unsigned i = 0; i < VLY_COOKIE_SECRET_CNT; i++) {
		char fingerprint[VLY_COOKIE_FINGERPRINT_BYTES];
		char text[VLY_COOKIE_SECRET_TEXT_BYTES];
		if (!(secrets->secret_mask & 1u << i))
			continue;
		vly_cookie_secret_fingerprint(secrets->secret[i], fingerprint);
		json_t *secret =
			json_pack("{s:s,s:s}", "role", roles[i], "fingerprint", fingerprint);
		vly_cookie_secret_format(secrets->secret[i], text);
		if (request->reveal)
			json_object_set_new(secret, "secret", json_string(text));
		json_array_append_new(array, secret);
	}
	bool usable = secrets->secret_mask & 1u << VLY_COOKIE_CURRENT;
	vly_client_send(client, json_pack("{s:b,s:b,s:o,s:o,s:s}", "ok", 1, "enabled",
					  usable && strcmp(mode, "on") == 0, "file",
					  vly_command_text(view.secrets_path), "secrets", array,
					  "trouble", view.secrets_trouble));
}
