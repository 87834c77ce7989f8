/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When a primary last confirmed each zone, on disk, so that the expire time goes on over restarts:
 * state-dir/secondaries, a file of notes (base/note_file.h), which also says how it is closed and how a zone is
 * forgotten. The times of the SOA are there, too, so that the store need not be read at start.
 *
 * After a loss of power a zone may expire a second earlier, unless a primary is reached. Contacts are forgotten with the
 * records of their zones, or after a year.
 */
#ifndef VLY_CONTROL_CONTACTS_H
#define VLY_CONTROL_CONTACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/note_file.h"
#include "transfer_reader.h"

struct vly_contact {
	uint64_t time_s; /* since 1970 */
	uint64_t expires_s;
	struct vly_transfer_soa soa;
};

/* `now_s`: seconds since 1970. Returns NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_note_file *
vly_contacts_open(uv_loop_t *loop, const char *state_dir, uint64_t now_s);

/* The last contact of a zone; false: none is known. */
__attribute__((nonnull)) bool vly_contacts_find(const struct vly_note_file *contacts,
						const char *zone, struct vly_contact *contact);

__attribute__((nonnull)) void vly_contacts_note(struct vly_note_file *contacts, const char *zone,
						const struct vly_contact *contact);

#endif
