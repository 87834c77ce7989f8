/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/note_file.h"
#include "notifier_parts.h"

/* The name of a note that is there when each zone of that time has one. A file without it is of a version that kept
 * no notes, or not of all zones: that one is missing says nothing then. */
#define MARK ""

/* What is kept of a zone. */
struct kept {
	uint32_t serial;
	uint32_t is_delivered; /* to all targets */
};

struct vly_note_file *
vly_notify_kept_open(const struct vly_transfers_settings *settings)
{
	struct vly_note_file *file;
	char *path = NULL;

	if (asprintf(&path, "%s/notified", settings->state_dir) < 0)
		return NULL;
	const struct vly_note_file_settings how = {
		.loop = settings->loop,
		.path = path,
		.loss = "a NOTIFY that nobody has answered may not be repeated after a restart: "
			"notified can't be read or written",
	};
	file = vly_note_file_open(&how);
	free(path);
	return file;
}

static void
put(struct vly_notifier *notifier, const char *zone, uint32_t serial, bool is_delivered)
{
	const struct kept kept = {serial, is_delivered};
	struct vly_note note = {{0}};

	memcpy(&note, &kept, sizeof(kept));
	vly_note_file_put(notifier->kept, zone, &note);
}

void
vly_notify_kept_begin(const struct vly_notify_zone *zone)
{
	put(zone->notifier, zone->name, zone->serial, false);
}

void
vly_notify_kept_end(const struct vly_notify_zone *zone)
{
	for (const struct vly_notify_target *target = zone->target; target != NULL;
	     target = target->next)
		if (target->progress != VLY_NOTIFY_DONE || target->is_wanted ||
		    target->serial != zone->serial)
			return;
	put(zone->notifier, zone->name, zone->serial, true);
}

bool
vly_notify_kept_is_complete(const struct vly_notifier *notifier)
{
	struct vly_note note;

	return vly_note_file_find(notifier->kept, MARK, &note);
}

void
vly_notifier_sweep(struct vly_notifier *notifier)
{
	vly_note_file_sweep(notifier->kept);
}

void
vly_notifier_keep(struct vly_notifier *notifier, const char *name)
{
	if (vly_notify_zone_feed(notifier, name) != NULL)
		vly_note_file_keep(notifier->kept, name);
}

void
vly_notifier_swept(struct vly_notifier *notifier)
{
	vly_note_file_keep(notifier->kept, MARK);
	vly_note_file_swept(notifier->kept);
	if (!vly_notify_kept_is_complete(notifier))
		put(notifier, MARK, 0, false); /* behind those of the zones */
}

void
vly_notifier_repeat(struct vly_notifier *notifier, const char *name)
{
	const struct vly_transfers_settings *settings = &notifier->settings;
	struct vly_living_state state;
	struct vly_note note;
	struct kept kept;

	if (vly_notify_zone_feed(notifier, name) == NULL ||
	    !vly_living_find(settings->living, name, &state) || state.record_cnt == 0)
		return;
	if (settings->is_ready != NULL && !settings->is_ready(settings->is_ready_arg, name))
		return;
	if (vly_note_file_find(notifier->kept, name, &note)) {
		memcpy(&kept, &note, sizeof(kept));
		if (kept.serial == state.serial && kept.is_delivered)
			return;
	}
	if (notifier->repeats)
		(void)vly_notifier_changed(notifier, name, state.serial);
	else if (!vly_note_file_find(notifier->kept, name, &note))
		put(notifier, name, state.serial, true);
}
