/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state of the defence as a file. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/state_file.h"
#include "defence_state.h"

#define STATE_VERSION 1

/* All prefixes that there is room for, each with an end, take 20 MiB. */
#define FILE_BYTES_MAX (64 << 20)

/* Whether what is wrong is in the file, or between us and the file. */
enum fault {
	DAMAGED,
	UNREADABLE,
};

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
	json_t *set = state->foreign ? json_copy(state->foreign) : json_object();
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

/* Another release has settings that this one has not: it gets them back when it reads the file
 * again. Returns NULL, or what is wrong. */
static const char *
keep_foreign(struct vly_defence_state *state, const char *name, json_t *object, enum fault *fault)
{
	if (!state->foreign)
		state->foreign = json_object();
	if (json_object_set(state->foreign, name, object) == 0)
		return NULL;
	*fault = UNREADABLE;
	return "out of memory";
}

static const char *
read_setting(struct vly_defence_state *state, int setting, const json_t *object, enum fault *fault)
{
	const char *value = json_string_value(json_object_get(object, "value"));
	char reason[200];
	int64_t until_s;

	if (!value || !read_end(object, &until_s) ||
	    vly_defence_setting_check(setting, value, reason, sizeof(reason)) < 0)
		return "a setting has an invalid value";
	if (vly_defence_state_set(state, setting, value, until_s) == 0)
		return NULL;
	*fault = UNREADABLE;
	return "out of memory";
}

static const char *
read_settings(struct vly_defence_state *state, json_t *set, enum fault *fault)
{
	const char *wrong = NULL;
	const char *name;
	json_t *object;

	json_object_foreach(set, name, object)
	{
		int setting = vly_defence_setting_find(name);
		if (!wrong)
			wrong = setting < 0 ? keep_foreign(state, name, object, fault)
					    : read_setting(state, setting, object, fault);
	}
	return wrong;
}

static const char *
read_entry(const json_t *object, struct vly_defence_entry *entry)
{
	const char *prefix = json_string_value(json_object_get(object, "prefix"));
	const char *action = json_string_value(json_object_get(object, "action"));
	char reason[VLY_PREFIX_REASON_BYTES];

	if (!prefix || vly_prefix_parse(prefix, &entry->rule, reason) != NULL)
		return "a prefix is invalid";
	if (!action || !read_end(object, &entry->until_s))
		return "a prefix has no action, or an invalid time of expiry";
	for (uint8_t i = VLY_PREFIX_DENY; i <= VLY_PREFIX_ALLOW; i++)
		if (strcmp(action, actions[i]) == 0) {
			entry->rule.action = i;
			return NULL;
		}
	return "a prefix has an unknown action";
}

static const char *
read_prefixes(struct vly_defence_state *state, json_t *prefixes, enum fault *fault)
{
	size_t i;
	json_t *object;

	if (json_array_size(prefixes) > VLY_PREFIX_LIST_MAX)
		return "there are too many prefixes";
	state->entry = calloc(json_array_size(prefixes) + 1, sizeof(*state->entry));
	if (!state->entry) {
		*fault = UNREADABLE;
		return "out of memory";
	}
	json_array_foreach(prefixes, i, object)
	{
		struct vly_defence_entry *entry = &state->entry[i];
		const char *wrong = read_entry(object, entry);
		if (wrong)
			return wrong;
		if (i > 0 && vly_prefix_compare(&entry[-1].rule, &entry->rule) >= 0)
			return "the prefixes are not sorted";
		state->entry_cnt++;
	}
	return NULL;
}

static const char *
read_state(struct vly_defence_state *state, json_t *json, enum fault *fault)
{
	const json_t *version = json_object_get(json, "version");
	json_t *set = json_object_get(json, "set");
	json_t *prefixes = json_object_get(json, "prefixes");

	if (!json_is_integer(version))
		return "the version is missing";
	if (json_integer_value(version) != STATE_VERSION) {
		*fault = UNREADABLE;
		return "it was written by another release of Volley: install that release, or move "
		       "the file away";
	}
	if (!json_is_object(set) || !json_is_array(prefixes))
		return "the settings or the prefixes are missing";
	const char *wrong = read_settings(state, set, fault);
	return wrong ? wrong : read_prefixes(state, prefixes, fault);
}

/* Returns VLY_STATE_READ, or what is wrong with a text that was read. */
static enum vly_state_read
read_text(struct vly_defence_state *state, const char *text, size_t bytes, const char *path,
	  char *reason, size_t reason_bytes)
{
	enum fault fault = DAMAGED;
	json_error_t error;
	json_t *json = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);

	if (!json) {
		snprintf(reason, reason_bytes, "%s:%d: %s", path, error.line, error.text);
		return json_error_code(&error) == json_error_out_of_memory ? VLY_STATE_UNREADABLE
									   : VLY_STATE_DAMAGED;
	}
	const char *wrong = read_state(state, json, &fault);
	json_decref(json);
	if (!wrong)
		return VLY_STATE_READ;
	snprintf(reason, reason_bytes, "%s: %s%s", path, fault == DAMAGED ? "damaged: " : "",
		 wrong);
	return fault == DAMAGED ? VLY_STATE_DAMAGED : VLY_STATE_UNREADABLE;
}

enum vly_state_read
vly_defence_state_load(struct vly_defence_state *state, const char *path, char *reason,
		       size_t reason_bytes)
{
	char *text;
	size_t bytes;
	enum vly_state_read result =
		vly_state_file_read(path, FILE_BYTES_MAX, &text, &bytes, reason, reason_bytes);

	if (result != VLY_STATE_READ)
		return result;
	result = read_text(state, text, bytes, path, reason, reason_bytes);
	free(text);
	return result;
}
