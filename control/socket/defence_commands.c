/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes of the defence at run time: settings, prefixes, secrets. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command_parts.h"

/* Lines of a file that are told: enough to mend it in a few rounds. */
#define ERRORS_MAX 20

/* A change that waits for its turn and its outcome. */
struct change {
	struct vly_pending pending;
	const struct vly_commands *commands;
	struct vly_request request; /* taken over */
	uint8_t action;             /* of its prefixes */
	size_t cnt;                 /* prefixes that were entered or forgotten */
};

static void
free_change(struct change *change)
{
	vly_request_clear(&change->request);
	free(change);
}

static void
answer(void *arg, const struct vly_defender_report *report)
{
	static const char *const codes[] = {
		[VLY_DEFENDER_FAILED] = "failed",
		[VLY_DEFENDER_NOT_KEPT] = "failed",
		[VLY_DEFENDER_NO_DATAPLANE] = "no-dataplane",
	};
	struct change *change = arg;
	struct vly_defender_view view = vly_defender_look(change->commands->defender);
	json_t *json =
		json_pack("{s:b,s:I,s:I}", "ok", report->code == VLY_DEFENDER_OK, "generation",
			  (json_int_t)view.generation, "prefixes", (json_int_t)change->cnt);

	if (report->code != VLY_DEFENDER_OK) {
		json_object_set_new(json, "code", json_string(codes[report->code]));
		json_object_set_new(json, "error", vly_command_text(report->text));
	}
	json_object_set_new(json, "changed", json_boolean(report->code != VLY_DEFENDER_FAILED));
	vly_pending_end(&change->pending, json);
	free_change(change);
}

static const char *
cancel(struct vly_pending *pending)
{
	struct change *change = (struct change *)pending; /* its first member */
	bool begun = vly_defender_forget(change->commands->defender, change);

	free_change(change);
	return begun ? "volley-control is stopping, and the change may not be in force: check with "
		       "volleyctl defence show after its next start"
		     : "volley-control is stopping: nothing was changed";
}

static struct change *
start(const struct vly_commands *commands, struct vly_client *client, struct vly_request *request)
{
	struct change *change = calloc(1, sizeof(*change));

	if (!change) {
		vly_client_send(client, vly_command_error("failed", "out of memory"));
		return NULL;
	}
	change->pending = (struct vly_pending){cancel, .goes_on = true};
	if (!vly_pending_begin(&change->pending, client)) {
		free(change);
		return NULL;
	}
	change->commands = commands;
	change->request = *request;
	memset(request, 0, sizeof(*request));
	return change;
}

/* Seconds from now, rounded up. */
static int64_t
end_of(const struct vly_request *request)
{
	return request->for_s ? (int64_t)time(NULL) + request->for_s + 1 : 0;
}

static int
set_value(void *arg, struct vly_defence_state *state, char *reason, size_t bytes)
{
	struct change *change = arg;
	const struct vly_request *request = &change->request;

	if (!request->value && !state->set.text[request->setting]) {
		snprintf(reason, bytes, "%s was not set at run time",
			 vly_defence_setting_name(request->setting));
		return -1;
	}
	return vly_defence_state_set(state, request->setting, request->value, end_of(request));
}

static int
enter_prefixes(void *arg, struct vly_defence_state *state, char *reason, size_t bytes)
{
	struct change *change = arg;
	struct vly_prefix_list *list = &change->request.prefixes;

	for (size_t i = 0; i < list->cnt; i++)
		list->rule[i].action = change->action;
	if (vly_defence_state_put(state, list, end_of(&change->request)) < 0)
		return -1;
	change->cnt = list->cnt;
	if (state->entry_cnt <= VLY_PREFIX_LIST_MAX)
		return 0;
	snprintf(reason, bytes,
		 "too many prefixes: there is room for %u, and with these there would be %zu",
		 VLY_PREFIX_LIST_MAX, state->entry_cnt);
	return -1;
}

static bool
is_configured(const struct vly_prefix_list *list, const struct vly_prefix_rule *rule)
{
	for (size_t i = 0; i < list->cnt; i++)
		if (vly_prefix_compare(&list->rule[i], rule) == 0)
			return true;
	return false;
}

static int
forget_prefixes(void *arg, struct vly_defence_state *state, char *reason, size_t bytes)
{
	struct change *change = arg;
	struct vly_defender_view view = vly_defender_look(change->commands->defender);
	struct vly_prefix_list *list = &change->request.prefixes;
	char text[VLY_PREFIX_TEXT_BYTES];

	change->cnt = vly_defence_state_forget(state, list);
	if (change->cnt > 0)
		return 0;
	if (list->cnt == 0) {
		snprintf(reason, bytes, "the list has no prefix");
		return -1;
	}
	const struct vly_config_defence *config = view.sources->config;
	bool configured = is_configured(&config->listed, &list->rule[0]) ||
			  is_configured(&config->in_file, &list->rule[0]);
	snprintf(reason, bytes, "%s was not entered at run time%s",
		 vly_prefix_format(&list->rule[0], text),
		 configured ? "; it is in the configuration" : "");
	return -1;
}

struct file_reading {
	const char *name;
	json_t *errors;
};

static void
hear(void *arg, unsigned line, const char *text)
{
	struct file_reading *reading = arg;
	char number[24];

	if (json_array_size(reading->errors) == ERRORS_MAX)
		return;
	snprintf(number, sizeof(number), ":%u: ", line);
	json_array_append_new(reading->errors, json_sprintf("%s%s%s", reading->name, number, text));
}

/* Returns NULL, or the answer that says what is wrong with the text. */
static json_t *
read_text(struct vly_request *request)
{
	struct file_reading reading = {request->name ? request->name : "text", json_array()};
	struct vly_prefix_complaints complaints = {hear, &reading};
	int wrong = vly_prefix_list_read(&request->prefixes, request->text, request->text_bytes,
					 VLY_PREFIX_NONE, &complaints);

	if (wrong == 0 && request->prefixes.cnt > 0) {
		json_decref(reading.errors);
		return NULL;
	}
	json_t *json =
		json_pack("{s:b,s:s,s:o,s:o}", "ok", 0, "code", "failed", "error",
			  json_sprintf(wrong == 0  ? "%s has no prefix"
				       : wrong < 0 ? "%s has too many prefixes; nothing was "
						     "changed"
						   : "%s has invalid lines; nothing was changed",
				       reading.name),
			  "errors", reading.errors);
	if (wrong > 0)
		json_object_set_new(json, "wrong_lines", json_integer(wrong));
	return json;
}

void
vly_command_defence_change(const struct vly_commands *commands, struct vly_client *client,
			   struct vly_request *request)
{
	static int (*const changes[VLY_COMMAND_CNT])(void *, struct vly_defence_state *, char *,
						     size_t) = {
		[VLY_COMMAND_DEFENCE_SET] = set_value,
		[VLY_COMMAND_DEFENCE_UNSET] = set_value,
		[VLY_COMMAND_DEFENCE_DENY] = enter_prefixes,
		[VLY_COMMAND_DEFENCE_ALLOW] = enter_prefixes,
		[VLY_COMMAND_DEFENCE_FORGET] = forget_prefixes,
	};
	enum vly_command command = request->command;
	json_t *wrong = request->text ? read_text(request) : NULL;

	if (wrong) {
		vly_client_send(client, wrong);
		return;
	}
	struct change *change = start(commands, client, request);
	if (!change)
		return;
	change->action = command == VLY_COMMAND_DEFENCE_ALLOW ? VLY_PREFIX_ALLOW : VLY_PREFIX_DENY;
	vly_defender_change(commands->defender, changes[command], answer, change);
}

void
vly_command_cookies_roll(const struct vly_commands *commands, struct vly_client *client,
			 struct vly_request *request)
{
	struct change *change = start(commands, client, request);

	if (change)
		vly_defender_roll(commands->defender,
				  change->request.has_next ? change->request.next : NULL, answer,
				  change);
}
