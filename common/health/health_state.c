/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "health_state.h"

#include <stdio.h>
#include <string.h>

const char *const vly_health_status_names[VLY_HEALTH_STATE_CNT] = {
#define X(id, name) name,
	VLY_HEALTH_STATES(X)
#undef X
};

/* Times beyond the year 3000 are damage. */
#define UNIX_MS_MAX INT64_C(32503680000000)

void
vly_health_reason_set(char reason[VLY_HEALTH_REASON_BYTES], const char *text)
{
	snprintf(reason, VLY_HEALTH_REASON_BYTES, "%s", text);
	for (char *at = reason; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
}

json_t *
vly_health_state_encode(const struct vly_health_state *state)
{
	return json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:b,s:s}", "id", state->id, "state",
			 vly_health_status_names[state->status], "since_ms",
			 (json_int_t)state->since_unix_ms, "last_ms",
			 (json_int_t)state->last_unix_ms, "latency_us",
			 (json_int_t)state->latency_us, "flaps", (json_int_t)state->flaps, "passed",
			 state->passed, "reason", state->reason);
}

static uint64_t
number_of(const json_t *object, const char *key, json_int_t max)
{
	const json_int_t number = json_integer_value(json_object_get(object, key));

	return number < 0 ? 0 : (uint64_t)(number > max ? max : number);
}

static bool
is_id(const char *text)
{
	return text && strlen(text) == VLY_HEALTH_ID_BYTES - 1 &&
	       strspn(text, "0123456789abcdef") == VLY_HEALTH_ID_BYTES - 1;
}

bool
vly_health_state_decode(const json_t *object, struct vly_health_state *state)
{
	const char *id = json_string_value(json_object_get(object, "id"));
	const char *word = json_string_value(json_object_get(object, "state"));
	const char *reason = json_string_value(json_object_get(object, "reason"));
	unsigned status = 0;

	while (word && status < VLY_HEALTH_STATE_CNT &&
	       strcmp(word, vly_health_status_names[status]) != 0)
		status++;
	if (!word || status == VLY_HEALTH_STATE_CNT || !is_id(id))
		return false;
	*state = (struct vly_health_state){
		.status = (enum vly_health_status)status,
		.since_unix_ms = number_of(object, "since_ms", UNIX_MS_MAX),
		.last_unix_ms = number_of(object, "last_ms", UNIX_MS_MAX),
		.latency_us = (uint32_t)number_of(object, "latency_us", UINT32_MAX),
		.flaps = (uint32_t)number_of(object, "flaps", 64),
		.passed = json_is_true(json_object_get(object, "passed")),
	};
	memcpy(state->id, id, VLY_HEALTH_ID_BYTES);
	vly_health_reason_set(state->reason, reason ? reason : "");
	return true;
}
