/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state of the defence as a file. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "defence_state.h"
#include "state_file.h"

#define STATE_VERSION 1

static const char *const actions[] = {
	[VLY_PREFIX_NONE] = "none",
	[VLY_PREFIX_DENY] = "deny",
	[VLY_PREFIX_ALLOW] = "allow",
};

static json_t *
with_end(json_t *object, int64_t until_s)
{
	if (until_s != 0)
		json_object_set_new(object, "until", json_integer(until_s));
	return object;
}

static json_t *
state_json(const struct vly_defence_state *state)
{
	json_t *set = json_object();
	json_t *prefixes = json_array();
	char text[VLY_PREFIX_TEXT_BYTES];

	for (unsigned i = 0; i < VLY_DEFENCE_SETTING_CNT; i++)
		if (state->set.text[i])
			json_object_set_new(
				set, vly_defence_setting_name(i),
				with_end(json_pack("{s:s}", "value", state->set.text[i]),
					 state->set_until_s[i]));
	for (size_t i = 0; i < state->entry_cnt; i++) {
		const struct vly_defence_entry *entry = &state->entry[i];
		json_t *object =
			json_pack("{s:s,s:s}", "prefix", vly_prefix_format(&entry->rule, text),
				  "action", actions[entry->rule.action]);
		json_array_append_new(prefixes, with_end(object, entry->until_s));
	}
	return json_pack("{s:i,s:o,s:o}", "version", STATE_VERSION, "set", set, "prefixes",
			 prefixes);
}

int
vly_defence_state_save(const struct vly_defence_state *state, const char *path, char *reason,
		       size_t reason_bytes)
{
	json_t *json = state_json(state);
	char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	int result = -1;

	json_decref(json);
	if (text)
		result = vly_state_file_write(path, text, strlen(text), reason, reason_bytes);
	else
		snprintf(reason, reason_bytes, "%s: out of memory", path);
	free(text);
	return result;
}

/* Returns false when there is an end that is none. */
static bool
read_end(const json_t *object, int64_t *until_s)
{
	const json_t *until = json_object_get(object, "until");

	*until_s = json_integer_value(until);
	return !until || *until_s > 0;
}

static const char *
read_settings(struct vly_defence_state *state, json_t *set)
{
	const char *name;
	json_t *object;
	char reason[200];

	json_object_foreach(set, name, object)
	{
		const char *value = json_string_value(json_object_get(object, "value"));
		int setting = vly_defence_setting_find(name);
		int64_t until_s;
		if (setting < 0)
			return "a setting that does not exist";
		if (!value || !read_end(object, &until_s) ||
		    vly_defence_setting_check(setting, value, reason, sizeof(reason)) < 0)
			return "a setting with a value that it can't have";
		if (vly_defence_state_set(state, setting, value, until_s) < 0)
			return "out of memory";
	}
	return NULL;
}

static const char *
read_entry(const json_t *object, struct vly_defence_entry *entry)
{
	const char *prefix = json_string_value(json_object_get(object, "prefix"));
	const char *action = json_string_value(json_object_get(object, "action"));
	char reason[VLY_PREFIX_REASON_BYTES];

	if (!prefix || vly_prefix_parse(prefix, &entry->rule, reason) != NULL)
		return "a prefix that is none";
	if (!action || !read_end(object, &entry->until_s))
		return "a prefix without an action, or with a wrong end";
	for (uint8_t i = VLY_PREFIX_DENY; i <= VLY_PREFIX_ALLOW; i++)
		if (strcmp(action, actions[i]) == 0) {
			entry->rule.action = i;
			return NULL;
		}
	return "an action that does not exist";
}

static const char *
read_prefixes(struct vly_defence_state *state, json_t *prefixes)
{
	size_t i;
	json_t *object;

	if (json_array_size(prefixes) > VLY_PREFIX_LIST_MAX)
		return "more prefixes than there is room for";
	state->entry = calloc(json_array_size(prefixes) + 1, sizeof(*state->entry));
	if (!state->entry)
		return "out of memory";
	json_array_foreach(prefixes, i, object)
	{
		struct vly_defence_entry *entry = &state->entry[i];
		const char *wrong = read_entry(object, entry);
		if (wrong)
			return wrong;
		if (i > 0 && vly_prefix_compare(&entry[-1].rule, &entry->rule) >= 0)
			return "prefixes that are not in order";
		state->entry_cnt++;
	}
	return NULL;
}

static const char *
read_state(struct vly_defence_state *state, json_t *json)
{
	json_t *set = json_object_get(json, "set");
	json_t *prefixes = json_object_get(json, "prefixes");

	if (json_integer_value(json_object_get(json, "version")) != STATE_VERSION)
		return "another version";
	if (!json_is_object(set) || !json_is_array(prefixes))
		return "no settings or no prefixes";
	const char *wrong = read_settings(state, set);
	return wrong ? wrong : read_prefixes(state, prefixes);
}

int
vly_defence_state_load(struct vly_defence_state *state, const char *path, char *reason,
		       size_t reason_bytes)
{
	json_error_t error;
	FILE *file = fopen(path, "re");

	if (!file) {
		snprintf(reason, reason_bytes, "%s: %s", path, strerror(errno));
		return errno == ENOENT || errno == ENOTDIR ? 1 : -1;
	}
	json_t *json = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	fclose(file);
	const char *wrong = json ? read_state(state, json) : NULL;
	if (!json)
		snprintf(reason, reason_bytes, "%s:%d: %s", path, error.line, error.text);
	else if (wrong)
		snprintf(reason, reason_bytes, "%s: damaged: it has %s", path, wrong);
	bool good = json && !wrong;
	json_decref(json);
	return good ? 0 : -1;
}
