/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The connection to volley-health: the list of checks out, states in. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"
#include "health_parts.h"

/* A state that has not flipped may wait that long for the disk: only its age is lost with it. */
#define SAVE_RESULTS_MS 60000
#define SAVE_FLIPS_MS   1000

static json_t *
check_json(const struct vly_health_entry *entry)
{
	json_t *object = vly_health_check_encode(&entry->check);
	json_t *state = vly_health_state_encode(&entry->state);

	if (object && state && json_object_update(object, state) == 0) {
		json_decref(state);
		return object;
	}
	json_decref(object);
	json_decref(state);
	return NULL;
}

/* Sends what there is room for. */
static void
pump(struct vly_health *health)
{
	while (health->is_sending && health->stream && vly_health_stream_has_room(health->stream)) {
		if (health->next) {
			vly_health_stream_send(health->stream, "check", check_json(health->next));
			health->next = health->next->hh.next;
		} else {
			health->is_sending = false;
			vly_health_stream_send(health->stream, "end",
					       json_integer((json_int_t)health->list));
		}
	}
}

static void
begin_list(struct vly_health *health)
{
	vly_health_stream_send(health->stream, "list", json_integer((json_int_t)health->list));
	health->next = health->table;
	health->is_sending = true;
	pump(health);
}

void
vly_health_link_renew(struct vly_health *health)
{
	health->list++;
	if (health->stream)
		begin_list(health);
	else
		vly_health_link_tick(health, uv_now(health->loop));
}

static void
take_state(struct vly_health *health, const struct vly_health_state *state)
{
	struct vly_health_entry *entry;

	HASH_FIND_STR(health->table, state->id, entry);
	if (!entry)
		return; /* not wanted any more */
	const struct vly_health_state before = entry->state;
	entry->is_current = true;
	entry->refusal[0] = '\0';
	entry->state = *state;
	vly_health_saved_touch(health,
			       before.status != state->status ? SAVE_FLIPS_MS : SAVE_RESULTS_MS);
	if (before.status == state->status)
		return;
	health->flip_cnt++;
	vly_health_log_flip(health, entry, before.status,
			    before.since_unix_ms > 0 && state->since_unix_ms > before.since_unix_ms
				    ? state->since_unix_ms - before.since_unix_ms
				    : 0);
	if (health->changed)
		health->changed(health->changed_arg, &entry->state);
}

static void
take_refusal(struct vly_health *health, const json_t *value)
{
	const char *id = json_string_value(json_object_get(value, "id"));
	const char *reason = json_string_value(json_object_get(value, "reason"));
	struct vly_health_entry *entry = NULL;

	if (id)
		HASH_FIND_STR(health->table, id, entry);
	if (!entry || !reason)
		return;
	vly_health_reason_set(entry->refusal, reason);
	vly_log_error("check %s is not run: volley-health refuses it: %s", entry->name,
		      entry->refusal);
}

static long
number_at(const json_t *object, const char *key)
{
	const json_int_t number = json_integer_value(json_object_get(object, key));

	return number > 0 ? (long)number : 0;
}

static bool
take_hello(struct vly_health *health, const json_t *value)
{
	const char *version = json_string_value(json_object_get(value, "version"));
	const long protocol = number_at(value, "protocol");

	health->pid = number_at(value, "pid");
	if (protocol == VLY_HEALTH_PROTOCOL)
		return true;
	vly_log_error(
		"volley-health %.40s speaks version %ld of the protocol, and this program %d: "
		"install both from one package",
		version ? version : "", protocol, VLY_HEALTH_PROTOCOL);
	return false;
}

static bool
on_line(void *arg, const char *key, const json_t *value)
{
	struct vly_health *health = arg;
	struct vly_health_state state;

	health->heard_ms = uv_now(health->loop);
	if (strcmp(key, "hello") == 0)
		return take_hello(health, value);
	if (strcmp(key, "state") == 0) {
		if (!vly_health_state_decode(value, &state))
			return false;
		take_state(health, &state);
	} else if (strcmp(key, "refused") == 0) {
		take_refusal(health, value);
	} else if (strcmp(key, "alive") == 0) {
		health->running = (unsigned)number_at(value, "running");
		health->waiting = (unsigned)number_at(value, "waiting");
		health->late_ms = (uint64_t)number_at(value, "late_ms");
	}
	return true; /* a later version may say more */
}

static void
on_room(void *arg)
{
	pump(arg);
}

static void
lose(struct vly_health *health, const char *reason)
{
	struct vly_health_entry *entry, *next;

	health->stream = NULL;
	health->is_sending = false;
	health->running = health->waiting = 0;
	health->late_ms = 0;
	health->lost_ms = uv_now(health->loop);
	snprintf(health->trouble, sizeof(health->trouble), "%s", reason);
	HASH_ITER(hh, health->table, entry, next)
	{
		entry->is_current = false;
	}
}

static void
on_down(void *arg, const char *reason)
{
	struct vly_health *health = arg;

	lose(health, reason);
	health->is_told = true;
	vly_log_warning("the connection to volley-health is lost: %s; the last known states stay",
			reason);
}

/* Returns a connected socket, or -1 with a reason. */
static int
connect_to(const char *path, char *reason, size_t reason_bytes)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		snprintf(reason, reason_bytes, "could not connect to %s: %s", path,
			 errno == ENOENT ? "there is no such socket: is volley-health running?"
					 : strerror(errno));
	else if (!vly_health_peer_is_ours(fd))
		snprintf(reason, reason_bytes,
			 "the process behind %s is neither of our user nor of root", path);
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

void
vly_health_link_adopt(struct vly_health *health, int fd)
{
	static const struct vly_health_stream_events events = {on_line, on_room, on_down};

	health->stream = vly_health_stream_new(health->loop, fd, &events, health);
	if (!health->stream) {
		snprintf(health->trouble, sizeof(health->trouble), "out of memory");
		return;
	}
	health->heard_ms = uv_now(health->loop);
	health->is_told = false;
	vly_log_info("volley-health is connected");
	begin_list(health);
}

static void
try_connect(struct vly_health *health)
{
	int fd = connect_to(health->path, health->trouble, sizeof(health->trouble));

	if (fd >= 0)
		vly_health_link_adopt(health, fd);
	if (!health->stream && !health->is_told)
		vly_log_warning("volley-health is not connected: %s; until it is, the last known "
				"states stay",
				health->trouble);
	health->is_told = health->stream == NULL;
}

void
vly_health_link_tick(struct vly_health *health, uint64_t now_ms)
{
	if (health->stream && now_ms - health->heard_ms > 3 * VLY_HEALTH_ALIVE_MS) {
		vly_health_stream_close(health->stream);
		on_down(health, "volley-health says nothing any more");
	}
	/* without checks nobody needs volley-health */
	if (!health->stream && health->path && health->table && !health->is_ending)
		try_connect(health);
}

void
vly_health_link_end(struct vly_health *health)
{
	if (!health->stream)
		return;
	vly_health_stream_close(health->stream);
	lose(health, "closed");
}
