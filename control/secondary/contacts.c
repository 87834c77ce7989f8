/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "contacts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define YEAR_S (UINT64_C(366) * 86400)

_Static_assert(sizeof(struct vly_contact) == VLY_NOTE_BYTES, "a contact is a note");

static bool
is_wanted(void *arg, const struct vly_note *note)
{
	const uint64_t *now_s = arg;
	struct vly_contact contact;

	memcpy(&contact, note, sizeof(contact));
	return contact.time_s + YEAR_S > *now_s;
}

struct vly_note_file *
vly_contacts_open(uv_loop_t *loop, const char *state_dir, uint64_t now_s)
{
	struct vly_note_file *file;
	char *path = NULL;

	if (asprintf(&path, "%s/secondaries", state_dir) < 0)
		return NULL;
	const struct vly_note_file_settings settings = {
		.loop = loop,
		.path = path,
		.loss = "when primaries confirmed their zones can't be kept, so that the expire "
			"time "
			"begins anew with a restart: secondaries",
		.is_wanted = is_wanted,
		.arg = &now_s,
	};
	file = vly_note_file_open(&settings);
	free(path);
	return file;
}

bool
vly_contacts_find(const struct vly_note_file *contacts, const char *zone,
		  struct vly_contact *contact)
{
	struct vly_note note;

	if (!vly_note_file_find(contacts, zone, &note))
		return false;
	memcpy(contact, &note, sizeof(*contact));
	return true;
}

void
vly_contacts_note(struct vly_note_file *contacts, const char *zone,
		  const struct vly_contact *contact)
{
	struct vly_note note;

	memcpy(&note, contact, sizeof(note));
	vly_note_file_put(contacts, zone, &note);
}
