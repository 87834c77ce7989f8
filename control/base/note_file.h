/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A few octets for each of many zones, on disk: a file of records of 56 octets, each written in place.
 *
 * Use:
 *   1. vly_note_file_open() at start, which reads the file;
 *   2. vly_note_file_find(), _put() and _forget() at any time; what has changed goes to disk within a second, in a
 *      thread of the pool. A loss of power may take the last changes with it;
 *   3. to be rid of the notes of zones that are not there any more: vly_note_file_sweep(), vly_note_file_keep() for
 *      each zone that is there, vly_note_file_swept();
 *   4. vly_note_file_close().
 *
 * Zones are known by a hash of 128 bits of their names. A record that is damaged, or that the owner does not want any
 * more, counts as none, and its place is used again.
 *
 * Threads: the loop's. The file is read once, in vly_note_file_open(), which blocks for the disk.
 */
#ifndef VLY_CONTROL_NOTE_FILE_H
#define VLY_CONTROL_NOTE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#define VLY_NOTE_BYTES 32

struct vly_note {
	_Alignas(8) uint8_t octet[VLY_NOTE_BYTES];
};

struct vly_note_file;

struct vly_note_file_settings {
	uv_loop_t *loop;
	const char *path;
	const char *loss; /* what happens when the file can't be kept, for the log; stays valid */
	/* Whether a note that was read is still wanted; NULL: all are. */
	bool (*is_wanted)(void *arg, const struct vly_note *note);
	void *arg; /* used by vly_note_file_open() alone */
};

/* Returns NULL without memory. If the file can't be opened or read to its end, it stays as it is, and notes are kept
 * in memory alone, which is logged. */
__attribute__((nonnull, warn_unused_result)) struct vly_note_file *
vly_note_file_open(const struct vly_note_file_settings *settings);

/* The note of a zone; false: there is none. */
__attribute__((nonnull)) bool vly_note_file_find(const struct vly_note_file *file, const char *zone,
						 struct vly_note *note);

__attribute__((nonnull)) void vly_note_file_put(struct vly_note_file *file, const char *zone,
						const struct vly_note *note);

__attribute__((nonnull)) void vly_note_file_forget(struct vly_note_file *file, const char *zone);

/* Notes that were neither put nor kept since _sweep() are forgotten by _swept(), which looks at each. */
__attribute__((nonnull)) void vly_note_file_sweep(struct vly_note_file *file);
__attribute__((nonnull)) void vly_note_file_keep(struct vly_note_file *file, const char *zone);
__attribute__((nonnull)) void vly_note_file_swept(struct vly_note_file *file);

/* Writes what is not on disk yet, in the order in which it was put. The memory is freed when the loop has closed the handles. */
void vly_note_file_close(struct vly_note_file *file);

#endif
