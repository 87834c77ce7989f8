/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/note_file.h"

#define RECORD_BYTES 56

static char dir[] = "/tmp/volley-notes-XXXXXX";
static char path[64];
static uv_loop_t loop;

static void
set_up(void)
{
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/notes", dir);
	uv_loop_init(&loop);
}

static void
tear_down(void)
{
	cr_expect_eq(uv_loop_close(&loop), 0);
	unlink(path);
	rmdir(dir);
}

TestSuite(note_file, .init = set_up, .fini = tear_down);

static struct vly_note_file *
open_at(const char *where)
{
	const struct vly_note_file_settings settings = {
		.loop = &loop, .path = where, .loss = "notes are lost"};
	struct vly_note_file *file = vly_note_file_open(&settings);

	cr_assert_not_null(file);
	return file;
}

static void
close_file(struct vly_note_file *file)
{
	vly_note_file_close(file);
	uv_run(&loop, UV_RUN_DEFAULT);
}

static void
put(struct vly_note_file *file, const char *zone, uint8_t octet)
{
	struct vly_note note = {{octet}};

	vly_note_file_put(file, zone, &note);
}

/* The note's first octet; -1: there is none. */
static int
get(const struct vly_note_file *file, const char *zone)
{
	struct vly_note note;

	return vly_note_file_find(file, zone, &note) ? note.octet[0] : -1;
}

static off_t
file_bytes(void)
{
	struct stat is;

	cr_assert_eq(stat(path, &is), 0);
	return is.st_size;
}

Test(note_file, notes_of_zones_that_are_gone_are_swept)
{
	struct vly_note_file *file = open_at(path);

	put(file, "gone.", 1);
	put(file, "kept.", 2);
	put(file, "put.", 3);
	put(file, "forgotten.", 4);
	close_file(file);
	cr_expect_eq(file_bytes(), 4 * RECORD_BYTES);

	file = open_at(path);
	vly_note_file_sweep(file);
	vly_note_file_keep(file, "kept.");
	vly_note_file_keep(file, "new."); /* has no note */
	put(file, "put.", 5);
	vly_note_file_forget(file, "forgotten.");
	vly_note_file_swept(file);
	cr_expect_eq(get(file, "gone."), -1);
	cr_expect_eq(get(file, "kept."), 2);
	close_file(file);

	file = open_at(path);
	cr_expect_eq(get(file, "gone."), -1);
	cr_expect_eq(get(file, "forgotten."), -1);
	cr_expect_eq(get(file, "kept."), 2);
	cr_expect_eq(get(file, "put."), 5);
	put(file, "first.", 6);
	put(file, "second.", 7);
	vly_note_file_sweep(file); /* nothing is kept */
	put(file, "third.", 8);
	vly_note_file_swept(file);
	cr_expect_eq(get(file, "first."), -1);
	cr_expect_eq(get(file, "third."), 8);
	close_file(file);
	file = open_at(path);
	cr_expect_eq(get(file, "kept."), -1);
	cr_expect_eq(get(file, "third."), 8);
	close_file(file);
	cr_expect_leq(file_bytes(), 5 * RECORD_BYTES, "places are used again");
}

Test(note_file, without_a_file_nothing_is_left_of_what_is_forgotten)
{
	char nowhere[80];

	snprintf(nowhere, sizeof(nowhere), "%s/none/notes", dir);
	struct vly_note_file *file = open_at(nowhere);
	put(file, "a.", 1);
	put(file, "b.", 2);
	vly_note_file_forget(file, "a.");
	cr_expect_eq(get(file, "a."), -1);
	vly_note_file_sweep(file);
	vly_note_file_swept(file);
	cr_expect_eq(get(file, "b."), -1);
	put(file, "b.", 3);
	cr_expect_eq(get(file, "b."), 3);
	close_file(file);
}
