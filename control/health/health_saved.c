/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The last known states on disk: state-dir/health.json, a line as of <volley/health.h> for each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/state_file.h"
#include "common/health/health_lines.h"
#include "common/log.h"
#include "health_parts.h"

/* A line has at most 700 octets. */
#define FILE_BYTES_MAX ((size_t)VLY_HEALTH_CHECKS_MAX * 1024)

static void
keep(struct vly_health *health, const struct vly_health_state *state)
{
	struct vly_health_saved *saved;

	HASH_FIND_STR(health->saved, state->id, saved);
	if (saved || HASH_COUNT(health->saved) >= VLY_HEALTH_CHECKS_MAX)
		return;
	saved = calloc(1, sizeof(*saved));
	if (!saved)
		return;
	saved->state = *state;
	HASH_ADD_STR(health->saved, state.id, saved);
	if (!saved->hh.tbl)
		free(saved);
}

/* Returns whether all lines were good. */
static bool
read_lines(struct vly_health *health, const char *text, size_t text_bytes)
{
	const char *const end = text + text_bytes;
	struct vly_health_state state;
	bool good = true;

	while (text < end) { /* octets of 0, as a crash leaves them, are damage, and not the end */
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const size_t bytes = (size_t)((newline ? newline : end) - text);
		json_t *line = json_loadb(text, bytes, 0, NULL);
		if (vly_health_state_decode(json_object_get(line, "state"), &state))
			keep(health, &state);
		else
			good = false;
		json_decref(line);
		text += bytes + (newline != NULL);
	}
	return good;
}

void
vly_health_saved_load(struct vly_health *health)
{
	char reason[VLY_REASON_BYTES];
	char *text = NULL;
	size_t bytes;
	enum vly_state_read result = vly_state_file_read(health->file, FILE_BYTES_MAX, &text,
							 &bytes, reason, sizeof(reason));

	if (result == VLY_STATE_READ) {
		if (!read_lines(health, text, bytes))
			vly_log_warning("%s has damaged lines: these states of health checks are "
					"unknown until they have run",
					health->file);
		free(text);
	} else if (result != VLY_STATE_NONE) {
		vly_log_warning("%s: the states of health checks are unknown until they have run",
				reason);
	}
}

const struct vly_health_state *
vly_health_saved_find(const struct vly_health *health, const char *id)
{
	const struct vly_health_saved *saved;

	HASH_FIND_STR(health->saved, id, saved);
	return saved ? &saved->state : NULL;
}

void
vly_health_saved_touch(struct vly_health *health, uint64_t delay_ms)
{
	const uint64_t due_ms = uv_now(health->loop) + delay_ms;

	if (health->save_ms == 0 || due_ms < health->save_ms)
		health->save_ms = due_ms;
}

/* Writes all known states into health->text. Returns false without memory. */
static bool
write_text(struct vly_health *health)
{
	struct vly_health_entry *entry, *next;
	bool good = true;

	FILE *out = open_memstream(&health->text, &health->text_bytes);
	if (!out)
		return false;
	HASH_ITER(hh, health->table, entry, next)
	{
		size_t bytes;
		if (entry->state.last_unix_ms == 0)
			continue;
		char *line = vly_health_line_write("state", vly_health_state_encode(&entry->state),
						   &bytes);
		good &= line && fwrite(line, 1, bytes, out) == bytes;
		free(line);
	}
	good &= fclose(out) == 0;
	if (!good) {
		free(health->text);
		health->text = NULL;
	}
	return good;
}

/* In a thread, or at the end. */
static void
save(uv_work_t *work)
{
	struct vly_health *health = work->data;

	health->save_reason[0] = '\0';
	if (vly_state_file_write(health->file, health->text, health->text_bytes,
				 health->save_reason, sizeof(health->save_reason)) == 0)
		health->save_reason[0] = '\0';
}

static void
on_saved(uv_work_t *work, int status)
{
	struct vly_health *health = work->data;

	(void)status;
	health->is_saving = false;
	free(health->text);
	health->text = NULL;
	if (health->is_closed) {
		vly_health_finish(health);
		return;
	}
	const bool failed = health->save_reason[0] != '\0';
	if (failed && !health->is_save_failed)
		vly_log_warning("the states of health checks are not saved: %s",
				health->save_reason);
	health->is_save_failed = failed;
	if (failed)
		vly_health_saved_touch(health, 60000);
}

void
vly_health_saved_tick(struct vly_health *health, uint64_t now_ms)
{
	if (health->save_ms == 0 || now_ms < health->save_ms || health->is_saving)
		return;
	health->save_ms = 0;
	if (!write_text(health))
		return;
	health->is_saving = true;
	uv_queue_work(health->loop, &health->work, save, on_saved);
}

/* A save that is under way has the states of a second ago: that is good enough. */
void
vly_health_saved_end(struct vly_health *health)
{
	struct vly_health_saved *saved, *next;

	if (health->table && !health->is_saving && write_text(health)) {
		save(&health->work);
		free(health->text);
		health->text = NULL;
	}
	HASH_ITER(hh, health->saved, saved, next)
	{
		HASH_DELETE(hh, health->saved, saved);
		free(saved);
	}
}
