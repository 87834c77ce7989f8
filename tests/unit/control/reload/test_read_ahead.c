/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "reload/read_ahead.h"

#define FILE_CNT 40u

static char directory[] = "read-ahead-XXXXXX"; /* not in /tmp, which may be in memory */
static char path[FILE_CNT][64];
static unsigned asked[FILE_CNT];
static unsigned at;

static void
set_up(void)
{
	cr_assert_not_null(mkdtemp(directory));
	for (unsigned i = 0; i < FILE_CNT; i++)
		snprintf(path[i], sizeof(path[i]), "%s/%u", directory, i);
}

static void
tear_down(void)
{
	for (unsigned i = 0; i < FILE_CNT; i++)
		unlink(path[i]);
	cr_expect_eq(rmdir(directory), 0);
}

TestSuite(read_ahead, .init = set_up, .fini = tear_down);

/* Writes the files and has the kernel forget what is in them. */
static void
make_cold(void)
{
	for (unsigned i = 0; i < FILE_CNT; i++) {
		int fd = open(path[i], O_RDWR | O_CREAT, 0600);
		cr_assert_geq(fd, 0);
		cr_assert_eq(write(fd, "text", 4), 4);
		cr_assert_eq(sync_file_range(fd, 0, 0,
					     SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER),
			     0);
		cr_assert_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
		close(fd);
	}
}

static void
read_file(unsigned i)
{
	char text[8];
	int fd = open(path[i], O_RDONLY);

	cr_assert_geq(fd, 0);
	cr_assert_eq(read(fd, text, sizeof(text)), 4);
	close(fd);
}

static long
blocks_read(void)
{
	struct rusage usage;

	cr_assert_eq(getrusage(RUSAGE_THREAD, &usage), 0);
	return usage.ru_inblock;
}

/* Every third file is not wanted. */
static const char *
name(void *arg, uint32_t i)
{
	(void)arg;
	if (at + i >= FILE_CNT)
		return NULL;
	asked[at + i]++;
	return (at + i) % 3 == 0 ? "" : path[at + i];
}

static void
read_all(void)
{
	struct vly_read_ahead ahead;

	vly_read_ahead_begin(&ahead);
	for (at = 0; at < FILE_CNT; at++) {
		vly_read_ahead_next(&ahead, name, &at);
		read_file(at);
	}
}

Test(read_ahead, files_on_disk_are_asked_for_before_they_are_read)
{
	make_cold();
	long before = blocks_read();
	read_file(0);
	if (blocks_read() == before)
		cr_skip_test("this file system keeps its files in memory");
	make_cold();
	read_all();
	for (unsigned i = 0; i < FILE_CNT; i++)
		cr_expect_eq(asked[i], i >= VLY_READ_AHEAD_FIRST, "file %u", i);
}

Test(read_ahead, files_in_memory_are_not)
{
	make_cold();
	for (unsigned i = 0; i < FILE_CNT; i++)
		read_file(i);
	read_all();
	for (unsigned i = 0; i < FILE_CNT; i++)
		cr_expect_eq(asked[i], 0, "file %u", i);
}

Test(read_ahead, a_file_that_is_gone_is_passed_over)
{
	make_cold();
	read_file(0);
	unlink(path[FILE_CNT - 1]);
	struct vly_read_ahead ahead;
	vly_read_ahead_begin(&ahead);
	for (at = 0; at < FILE_CNT - 1; at++) {
		vly_read_ahead_next(&ahead, name, &at);
		read_file(at);
	}
}
