/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When targets were last resolved, on disk: state-dir/aliases. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alias_parts.h"

#define YEAR_S (UINT64_C(366) * 86400)

struct note {
	uint64_t good_s;
	uint64_t missing_s;
	uint64_t next_s;
	uint64_t target; /* its hash: another target is another ALIAS */
};

_Static_assert(sizeof(struct note) == VLY_NOTE_BYTES, "a note has this size");

/* FNV-1a: the same in each process. */
static uint64_t
hash(const char *text)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++)
		sum = (sum ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return sum;
}

static bool
is_wanted(void *arg, const struct vly_note *octets)
{
	const uint64_t *now_s = arg;
	struct note note;

	memcpy(&note, octets, sizeof(note));
	return note.next_s + YEAR_S > *now_s;
}

struct vly_note_file *
vly_alias_notes_open(uv_loop_t *loop, const char *state_dir, uint64_t now_s)
{
	struct vly_note_file *file;
	char *path = NULL;

	if (asprintf(&path, "%s/aliases", state_dir) < 0)
		return NULL;
	const struct vly_note_file_settings settings = {
		.loop = loop,
		.path = path,
		.loss = "when the targets of ALIAS records were resolved can't be kept, so that "
			"all "
			"are resolved again after a restart: aliases",
		.is_wanted = is_wanted,
		.arg = &now_s,
	};
	file = vly_note_file_open(&settings);
	free(path);
	return file;
}

uint64_t
vly_alias_note_take(struct vly_aliases *aliases, struct vly_alias *alias)
{
	struct vly_note octets;
	struct note note;

	if (!vly_note_file_find(aliases->notes, alias->key, &octets))
		return 0;
	memcpy(&note, &octets, sizeof(note));
	if (note.target != hash(alias->target))
		return 0;
	alias->past.good_s = note.good_s;
	alias->past.missing_s = note.missing_s;
	alias->is_missing = note.missing_s != 0;
	return note.next_s;
}

void
vly_alias_note_put(struct vly_aliases *aliases, const struct vly_alias *alias)
{
	const struct note note = {
		.good_s = alias->past.good_s,
		.missing_s = alias->past.missing_s,
		.next_s = alias->next_s != 0 ? alias->next_s : (uint64_t)time(NULL),
		.target = hash(alias->target),
	};
	struct vly_note octets;

	memcpy(&octets, &note, sizeof(octets));
	vly_note_file_put(aliases->notes, alias->key, &octets);
}
