/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Notes whose file can't be read. pread64() of our own objects comes here first (ld's --wrap). */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/note_file.h"
#include "common/log.h"

/* Of which one read takes a part alone. */
#define ZONE_CNT 1000

static char path[] = "/tmp/volley-notes-XXXXXX";
static unsigned good_reads = 1000; /* then one fails */
static int read_error = EIO;
static unsigned log_cnt;

ssize_t __real_pread64(int fd, void *octets, size_t len, off_t at);
ssize_t __wrap_pread64(int fd, void *octets, size_t len, off_t at);

ssize_t
__wrap_pread64(int fd, void *octets, size_t len, off_t at)
{
	if (good_reads-- != 0)
		return __real_pread64(fd, octets, len, at);
	errno = read_error;
	return -1;
}

void
vly_log(enum vly_log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
	log_cnt++;
}

static struct vly_note_file *
open_notes(uv_loop_t *loop)
{
	const struct vly_note_file_settings settings = {
		.loop = loop, .path = path, .loss = "notes are lost"};
	struct vly_note_file *file = vly_note_file_open(&settings);

	cr_assert_not_null(file);
	return file;
}

static void
close_and_run(uv_loop_t *loop, struct vly_note_file *file)
{
	vly_note_file_close(file);
	uv_run(loop, UV_RUN_DEFAULT);
}

static void
put(struct vly_note_file *file, unsigned zone, uint8_t octet)
{
	const struct vly_note note = {{octet}};
	char name[16];

	snprintf(name, sizeof(name), "z%u.", zone);
	vly_note_file_put(file, name, &note);
}

/* How many zones have this note. */
static unsigned
count(const struct vly_note_file *file, uint8_t octet)
{
	struct vly_note note;
	char name[16];
	unsigned cnt = 0;

	for (unsigned i = 0; i < ZONE_CNT; i++) {
		snprintf(name, sizeof(name), "z%u.", i);
		cnt += vly_note_file_find(file, name, &note) && note.octet[0] == octet;
	}
	return cnt;
}

static void
write_notes(uv_loop_t *loop)
{
	cr_assert_eq(uv_loop_init(loop), 0);
	int fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	close(fd);
	struct vly_note_file *file = open_notes(loop);
	for (unsigned i = 0; i < ZONE_CNT; i++)
		put(file, i, 1);
	close_and_run(loop, file);
}

/* An error is not the end of the file, behind which new notes go. */
Test(note_file_errors, a_file_that_cannot_be_read_is_not_written)
{
	uv_loop_t loop;

	for (unsigned reads = 0; reads < 3; reads++) {
		strcpy(path + strlen(path) - 6, "XXXXXX");
		write_notes(&loop);
		log_cnt = 0;
		good_reads = reads;
		struct vly_note_file *file = open_notes(&loop);
		cr_expect_eq(log_cnt, 1, "it is logged");
		cr_expect_lt(count(file, 1), ZONE_CNT);
		for (unsigned i = 0; i < 2 * ZONE_CNT; i++)
			put(file, i, 2);
		cr_expect_eq(count(file, 2), ZONE_CNT, "in memory");
		close_and_run(&loop, file);

		good_reads = 1000;
		file = open_notes(&loop);
		cr_expect_eq(count(file, 1), ZONE_CNT, "the file has changed");
		close_and_run(&loop, file);
		uv_loop_close(&loop);
		unlink(path);
	}
}

Test(note_file_errors, a_read_that_a_signal_interrupts_is_repeated)
{
	uv_loop_t loop;

	write_notes(&loop);
	read_error = EINTR;
	good_reads = 1;
	struct vly_note_file *file = open_notes(&loop);
	cr_expect_eq(count(file, 1), ZONE_CNT);
	cr_expect_eq(log_cnt, 0);
	close_and_run(&loop, file);
	uv_loop_close(&loop);
	unlink(path);
}

Test(note_file_errors, half_a_record_at_the_end_counts_as_none)
{
	struct stat is;
	uv_loop_t loop;

	write_notes(&loop);
	cr_assert_eq(stat(path, &is), 0);
	cr_assert_eq(truncate(path, is.st_size - 1), 0);
	struct vly_note_file *file = open_notes(&loop);
	cr_expect_eq(count(file, 1), ZONE_CNT - 1);
	close_and_run(&loop, file);
	uv_loop_close(&loop);
	unlink(path);
}
