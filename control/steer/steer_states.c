/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "steer_states.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/reason.h"
#include "base/state_file.h"
#include "common/log.h"

/* 10 million members with a wish would be more than anybody has. */
#define FILE_BYTES_MAX (UINT64_C(1) << 30)

const char *const vly_steer_wish_name[VLY_STEER_WISH_CNT] = {
	[VLY_STEER_WISH_NONE] = "none",
	[VLY_STEER_WISH_UP] = "up",
	[VLY_STEER_WISH_DOWN] = "down",
	[VLY_STEER_WISH_DRAIN] = "drain",
};

struct vly_steer_states {
	char *path;
	void (*changed)(void *arg);
	void *arg;
	struct vly_steer_member_state *by_id;
	struct vly_steer_member_state **at; /* [cnt], as in the model */
	uint8_t *flags;                     /* [cnt] */
	unsigned cnt;
	uint64_t flip_cnt;
	bool spares_file; /* it could not be read, and may be good */
	char trouble[VLY_REASON_BYTES + 60];
};

static struct vly_steer_member_state *
find(const struct vly_steer_states *states, const char *id)
{
	struct vly_steer_member_state *state;

	HASH_FIND_STR(states->by_id, id, state);
	return state;
}

/* The member of that name, made when there is none; NULL without memory. */
static struct vly_steer_member_state *
enter(struct vly_steer_states *states, const char *id)
{
	struct vly_steer_member_state *state = find(states, id);

	if (state)
		return state;
	state = calloc(1, sizeof(*state));
	if (!state)
		return NULL;
	snprintf(state->id, sizeof(state->id), "%s", id);
	state->is_healthy = true;
	HASH_ADD_STR(states->by_id, id, state);
	if (state->hh.tbl)
		return state;
	free(state);
	return NULL;
}

static uint8_t
flags_of(const struct vly_steer_member_state *state)
{
	switch (state->wish) {
	case VLY_STEER_WISH_UP:
		return VLY_STEER_MEMBER_UP;
	case VLY_STEER_WISH_DOWN:
		return VLY_STEER_MEMBER_HELD;
	case VLY_STEER_WISH_DRAIN:
		return VLY_STEER_MEMBER_DRAINED | (state->is_healthy ? VLY_STEER_MEMBER_UP : 0);
	default:
		return state->is_healthy ? VLY_STEER_MEMBER_UP : 0;
	}
}

/* Logs what has become of a member. */
static void
log_flip(struct vly_steer_states *states, struct vly_steer_member_state *state, uint8_t before,
	 const char *reason)
{
	const uint8_t after = flags_of(state);

	if (before == after)
		return;
	if ((before ^ after) & VLY_STEER_MEMBER_UP) {
		state->flip_cnt++;
		states->flip_cnt++;
	}
	vly_log(after & VLY_STEER_MEMBER_UP ? VLY_LOG_INFO : VLY_LOG_WARNING,
		"pool member %s is %s%s%s%s", state->id,
		after & VLY_STEER_MEMBER_UP ? "up" : "down",
		after & VLY_STEER_MEMBER_DRAINED ? " and drained" : "", *reason ? ": " : "",
		reason);
}

/* Sets the flags of all members. Returns whether one has changed. */
static bool
renew_flags(struct vly_steer_states *states)
{
	bool changed = false;

	for (unsigned i = 0; i < states->cnt; i++) {
		const uint8_t flags = flags_of(states->at[i]);
		changed |= flags != states->flags[i];
		states->flags[i] = flags;
	}
	return changed;
}

static void
tell(struct vly_steer_states *states)
{
	if (renew_flags(states) && states->changed)
		states->changed(states->arg);
}

static int
read_wish(struct vly_steer_states *states, json_t *entry)
{
	const char *id = json_string_value(json_object_get(entry, "name"));
	const char *word = json_string_value(json_object_get(entry, "wish"));
	unsigned wish = VLY_STEER_WISH_UP;

	while (word && wish < VLY_STEER_WISH_CNT && strcmp(word, vly_steer_wish_name[wish]) != 0)
		wish++;
	if (!id || !word || wish == VLY_STEER_WISH_CNT || strlen(id) >= VLY_STEER_MEMBER_ID_BYTES)
		return -1;
	struct vly_steer_member_state *state = enter(states, id);
	if (!state)
		return -1;
	state->wish = (enum vly_steer_wish)wish;
	state->wish_since_s = json_integer_value(json_object_get(entry, "since"));
	state->wish_until_s = json_integer_value(json_object_get(entry, "until"));
	return 0;
}

static int
parse(struct vly_steer_states *states, const char *text, size_t bytes)
{
	json_t *object = json_loadb(text, bytes, 0, NULL);
	json_t *members = json_object_get(object, "members");
	int result = json_integer_value(json_object_get(object, "version")) == 1 &&
				     json_is_array(members)
			     ? 0
			     : -1;
	size_t i;
	json_t *entry;

	json_array_foreach(members, i, entry)
	{
		if (result == 0)
			result = read_wish(states, entry);
	}
	json_decref(object);
	return result;
}

static void
forget_wishes(struct vly_steer_states *states)
{
	for (struct vly_steer_member_state *state = states->by_id; state; state = state->hh.next)
		state->wish = VLY_STEER_WISH_NONE;
}

static void
load(struct vly_steer_states *states)
{
	char reason[VLY_REASON_BYTES];
	char aside[512];
	size_t bytes;
	char *text = NULL;
	enum vly_state_read read = vly_state_file_read(states->path, FILE_BYTES_MAX, &text, &bytes,
						       reason, sizeof(reason));

	if (read == VLY_STATE_READ && parse(states, text, bytes) != 0) {
		read = VLY_STATE_DAMAGED;
		snprintf(reason, sizeof(reason), "%s: it is damaged", states->path);
		forget_wishes(states);
	}
	free(text);
	if (read == VLY_STATE_READ || read == VLY_STATE_NONE)
		return;
	states->spares_file = read == VLY_STATE_UNREADABLE;
	vly_log_warning("what operators have set for pools is not known: %s", reason);
	if (states->spares_file)
		snprintf(states->trouble, sizeof(states->trouble),
			 "states of pools are not kept: %s", reason);
	else if (vly_state_file_set_aside(states->path, aside, sizeof(aside)) == 0)
		vly_log_warning("the damaged file is kept as %s", aside);
}

/* Writes the wishes of all members, also of those that are not configured at the moment. */
static void
save(struct vly_steer_states *states)
{
	char reason[VLY_REASON_BYTES] = "out of memory";
	json_t *members = json_array();

	if (states->spares_file)
		return;
	for (struct vly_steer_member_state *state = states->by_id; state; state = state->hh.next)
		if (state->wish != VLY_STEER_WISH_NONE)
			json_array_append_new(members,
					      json_pack("{s:s,s:s,s:I,s:I}", "name", state->id,
							"wish", vly_steer_wish_name[state->wish],
							"since", (json_int_t)state->wish_since_s,
							"until", (json_int_t)state->wish_until_s));
	json_t *object = json_pack("{s:i,s:o}", "version", 1, "members", members);
	char *text = object ? json_dumps(object, JSON_INDENT(1)) : NULL;
	states->trouble[0] = '\0';
	if (!text ||
	    vly_state_file_write(states->path, text, strlen(text), reason, sizeof(reason)) != 0) {
		snprintf(states->trouble, sizeof(states->trouble),
			 "states of pools are not kept: %s", reason);
		vly_log_warning("%s", states->trouble);
	}
	free(text);
	json_decref(object);
}

struct vly_steer_states *
vly_steer_states_new(const char *path, void (*changed)(void *arg), void *arg)
{
	struct vly_steer_states *states = calloc(1, sizeof(*states));

	if (!states)
		return NULL;
	states->path = strdup(path);
	states->changed = changed;
	states->arg = arg;
	if (!states->path) {
		free(states);
		return NULL;
	}
	load(states);
	return states;
}

void
vly_steer_states_free(struct vly_steer_states *states)
{
	struct vly_steer_member_state *state;
	struct vly_steer_member_state *next;

	if (!states)
		return;
	HASH_ITER(hh, states->by_id, state, next)
	{
		HASH_DEL(states->by_id, state);
		free(state);
	}
	free(states->at);
	free(states->flags);
	free(states->path);
	free(states);
}

/* What checks have said about a member is forgotten with it; a wish stays. */
static void
drop_others(struct vly_steer_states *states)
{
	struct vly_steer_member_state *state;
	struct vly_steer_member_state *next;

	HASH_ITER(hh, states->by_id, state, next)
	{
		if (state->is_configured || state->wish != VLY_STEER_WISH_NONE)
			continue;
		HASH_DEL(states->by_id, state);
		free(state);
	}
}

int
vly_steer_states_configure(struct vly_steer_states *states, const struct vly_steer_model *model)
{
	const struct vly_config_steer *config = model->config;
	const unsigned cnt = model->first_member[config->pool_cnt];
	struct vly_steer_member_state **at = calloc(cnt + 1, sizeof(*at));
	uint8_t *flags = calloc(cnt + 1, 1);
	char id[VLY_STEER_MEMBER_ID_BYTES];
	bool failed = !at || !flags;

	for (unsigned i = 0; !failed && i < config->pool_cnt; i++)
		for (unsigned n = 0; !failed && n < config->pools[i].member_cnt; n++) {
			snprintf(id, sizeof(id), "%s/%s", config->pools[i].name,
				 config->pools[i].members[n].name);
			at[model->first_member[i] + n] = enter(states, id);
			failed = !at[model->first_member[i] + n];
		}
	if (failed) {
		free(at);
		free(flags);
		return -1;
	}
	for (struct vly_steer_member_state *state = states->by_id; state; state = state->hh.next)
		state->is_configured = false;
	for (unsigned i = 0; i < cnt; i++)
		at[i]->is_configured = true;
	free(states->at);
	free(states->flags);
	states->at = at;
	states->flags = flags;
	states->cnt = cnt;
	drop_others(states);
	(void)renew_flags(states);
	return 0;
}

bool
vly_steer_states_set(struct vly_steer_states *states, const char *id, bool is_healthy,
		     const char *reason, int64_t now_s)
{
	struct vly_steer_member_state *state = find(states, id);

	if (!state || !state->is_configured)
		return false;
	const uint8_t before = flags_of(state);
	if (!state->is_known || state->is_healthy != is_healthy)
		state->since_s = now_s;
	state->is_known = true;
	state->is_healthy = is_healthy;
	snprintf(state->reason, sizeof(state->reason), "%s", reason);
	log_flip(states, state, before, reason);
	if (flags_of(state) != before)
		tell(states);
	return true;
}

void
vly_steer_states_forget(struct vly_steer_states *states, const char *id)
{
	struct vly_steer_member_state *state = find(states, id);

	if (!state || !state->is_known)
		return;
	const uint8_t before = flags_of(state);
	state->is_known = false;
	state->is_healthy = true;
	state->reason[0] = '\0';
	state->since_s = 0;
	log_flip(states, state, before, "it is not checked any more");
	if (flags_of(state) != before)
		tell(states);
}

/* Whether a member is the one that is named, or in that pool. */
static bool
is_named(const struct vly_steer_member_state *state, const char *name)
{
	const size_t len = strlen(name);

	return state->is_configured && strncmp(state->id, name, len) == 0 &&
	       (state->id[len] == '\0' || (state->id[len] == '/' && !strchr(name, '/')));
}

static void
set_wish(struct vly_steer_states *states, struct vly_steer_member_state *state,
	 enum vly_steer_wish wish, int64_t now_s, int64_t until_s, const char *reason)
{
	const uint8_t before = flags_of(state);

	state->wish = wish;
	state->wish_since_s = wish == VLY_STEER_WISH_NONE ? 0 : now_s;
	state->wish_until_s = wish == VLY_STEER_WISH_NONE ? 0 : until_s;
	log_flip(states, state, before, reason);
}

unsigned
vly_steer_states_wish(struct vly_steer_states *states, const char *name, enum vly_steer_wish wish,
		      int64_t now_s, int64_t until_s, char trouble[VLY_STEER_REASON_BYTES])
{
	unsigned cnt = 0;

	for (struct vly_steer_member_state *state = states->by_id; state; state = state->hh.next) {
		if (!is_named(state, name))
			continue;
		set_wish(states, state, wish, now_s, until_s, "set by an operator");
		cnt++;
	}
	if (cnt > 0) {
		save(states);
		tell(states);
	}
	snprintf(trouble, VLY_STEER_REASON_BYTES, "%.199s", states->trouble);
	return cnt;
}

int64_t
vly_steer_states_next_end(const struct vly_steer_states *states)
{
	int64_t next = 0;

	for (struct vly_steer_member_state *state = states->by_id; state; state = state->hh.next)
		if (state->wish_until_s > 0 && (next == 0 || state->wish_until_s < next))
			next = state->wish_until_s;
	return next;
}

void
vly_steer_states_expire(struct vly_steer_states *states, int64_t now_s)
{
	bool ended = false;

	for (struct vly_steer_member_state *state = states->by_id; state; state = state->hh.next) {
		if (state->wish_until_s == 0 || state->wish_until_s > now_s)
			continue;
		set_wish(states, state, VLY_STEER_WISH_NONE, now_s, 0,
			 "the time that an operator has set is over");
		ended = true;
	}
	if (!ended)
		return;
	save(states);
	tell(states);
}

const uint8_t *
vly_steer_states_flags(const struct vly_steer_states *states)
{
	return states->flags;
}

const struct vly_steer_member_state *
vly_steer_states_at(const struct vly_steer_states *states, unsigned idx)
{
	return states->at[idx];
}

uint64_t
vly_steer_states_flip_cnt(const struct vly_steer_states *states)
{
	return states->flip_cnt;
}

const char *
vly_steer_states_trouble(const struct vly_steer_states *states)
{
	return states->trouble;
}
