/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can't be read is not damaged, and what is damaged is set aside beside what was before. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/state_file.h"

static char directory[] = "/tmp/volley-file-XXXXXX";
static char path[64];
static char reason[400];
static char *text;
static size_t bytes;

static void
set_up(void)
{
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/file", directory);
}

static void
tear_down(void)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -r %s", directory);
	cr_expect_eq(system(command), 0);
}

TestSuite(state_file, .init = set_up, .fini = tear_down);

static enum vly_state_read
read_it(void)
{
	return vly_state_file_read(path, 100, &text, &bytes, reason, sizeof(reason));
}

static void
write_it(const char *what)
{
	cr_assert_eq(vly_state_file_write(path, what, strlen(what), reason, sizeof(reason)), 0);
}

Test(state_file, is_read_whole)
{
	write_it("some text");
	cr_assert_eq(read_it(), VLY_STATE_READ);
	cr_expect_str_eq(text, "some text");
	cr_expect_eq(bytes, 9);
	free(text);
	write_it("");
	cr_assert_eq(read_it(), VLY_STATE_READ);
	cr_expect_eq(bytes, 0);
	free(text);
}

Test(state_file, none)
{
	cr_expect_eq(read_it(), VLY_STATE_NONE);
	cr_expect_not_null(strstr(reason, "file: No such file"));
}

Test(state_file, without_descriptors)
{
	struct rlimit limit;

	write_it("good");
	int next = open("/dev/null", O_RDONLY);
	cr_assert_geq(next, 0);
	close(next);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)next;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_eq(read_it(), VLY_STATE_UNREADABLE);
	cr_expect_not_null(strstr(reason, "Too many open files"), "%s", reason);
	limit.rlim_cur = limit.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_eq(read_it(), VLY_STATE_READ);
	free(text);
}

Test(state_file, no_regular_file)
{
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_expect_eq(read_it(), VLY_STATE_UNREADABLE);
	cr_assert_eq(rmdir(path), 0);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_eq(read_it(), VLY_STATE_UNREADABLE);
	cr_expect_not_null(strstr(reason, "not a regular file"), "%s", reason);
}

Test(state_file, too_long)
{
	char long_text[102];

	memset(long_text, 'x', sizeof(long_text));
	long_text[101] = '\0';
	write_it(long_text);
	cr_expect_eq(read_it(), VLY_STATE_DAMAGED);
	cr_expect_not_null(strstr(reason, "too large"), "%s", reason);
}

Test(state_file, set_aside_never_overwrites)
{
	char aside[100];
	char wanted[100];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(wanted, sizeof(wanted), i ? "%s.damaged.%u" : "%s.damaged", path, i);
		write_it(wanted);
		cr_assert_eq(vly_state_file_set_aside(path, aside, sizeof(aside)), 0, "%u", i);
		cr_expect_str_eq(aside, wanted);
	}
	write_it("one more");
	cr_expect_eq(vly_state_file_set_aside(path, aside, sizeof(aside)), -1);
	cr_expect_eq(errno, EEXIST);
	cr_assert_eq(read_it(), VLY_STATE_READ);
	cr_expect_str_eq(text, "one more");
	free(text);
	snprintf(path, sizeof(path), "%s/file.damaged", directory);
	cr_assert_eq(read_it(), VLY_STATE_READ);
	cr_expect_str_eq(text, path, "the first one was overwritten");
	free(text);
}
