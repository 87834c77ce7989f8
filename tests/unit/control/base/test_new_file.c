/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/new_file.h"

static char directory[] = "/tmp/volley-new-file-XXXXXX";
static char path[64];
static char beside[80];
static struct vly_new_file file;

static void
make_directory(void)
{
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/state", directory);
	snprintf(beside, sizeof(beside), "%s.new", path);
}

/* Nothing is beside the file at the end of any test. */
static void
remove_directory(void)
{
	unlink(path);
	cr_expect_eq(rmdir(directory), 0, "something was left behind");
}

TestSuite(new_file, .init = make_directory, .fini = remove_directory);

static void
expect_contents(const char *wanted)
{
	char text[64] = "";
	struct stat status;
	FILE *in = fopen(path, "r");

	cr_assert_not_null(in);
	cr_expect(fgets(text, sizeof(text), in) || !*wanted);
	cr_expect_eq(fstat(fileno(in), &status), 0);
	cr_expect_eq(status.st_mode & 0777, 0600);
	fclose(in);
	cr_expect_str_eq(text, wanted);
}

static int
write_text(const char *text)
{
	cr_assert_eq(vly_new_file_open(&file, path, ".new"), 0, "%s", strerror(errno));
	return vly_new_file_write(&file, text, strlen(text));
}

Test(new_file, replaces)
{
	cr_assert_eq(write_text("one"), 0);
	cr_expect_eq(access(path, F_OK), -1);
	cr_expect_eq(vly_new_file_replace(&file), 0);
	expect_contents("one");
	cr_assert_eq(write_text("two"), 0);
	expect_contents("one");
	cr_expect_eq(vly_new_file_replace(&file), 0);
	expect_contents("two");
}

Test(new_file, adds_or_leaves_what_is_there)
{
	cr_assert_eq(write_text("one"), 0);
	cr_expect_eq(vly_new_file_add(&file), 0);
	cr_assert_eq(write_text("two"), 0);
	cr_expect_eq(vly_new_file_add(&file), -1);
	cr_expect_eq(errno, EEXIST);
	expect_contents("one");
}

Test(new_file, drops)
{
	cr_assert_eq(write_text("one"), 0);
	errno = EBADMSG;
	vly_new_file_drop(&file);
	cr_expect_eq(errno, EBADMSG);
	cr_expect_eq(access(path, F_OK), -1);
}

/* Left by a crash; a link must not lead elsewhere. */
Test(new_file, removes_what_stands_beside)
{
	cr_assert_eq(symlink("/dev/null", beside), 0);
	cr_assert_eq(write_text("one"), 0);
	cr_expect_eq(vly_new_file_replace(&file), 0);
	expect_contents("one");
}

Test(new_file, can_not_be_made)
{
	char longer[PATH_MAX];

	cr_assert_eq(mkdir(beside, 0700), 0);
	cr_expect_eq(vly_new_file_open(&file, path, ".new"), -1);
	cr_expect_eq(rmdir(beside), 0);
	cr_expect_eq(vly_new_file_open(&file, "/nowhere/state", ".new"), -1);
	cr_expect_eq(errno, ENOENT);
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	cr_expect_eq(vly_new_file_open(&file, longer, ".new"), -1);
	cr_expect_eq(errno, ENAMETOOLONG);
}

/* rename() over a directory fails. */
Test(new_file, can_not_be_moved)
{
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(write_text("one"), 0);
	cr_expect_eq(vly_new_file_replace(&file), -1);
	cr_expect_eq(errno, EISDIR);
	cr_expect_eq(rmdir(path), 0);
}

Test(new_file, can_not_be_written)
{
	struct rlimit limit = {.rlim_cur = 2, .rlim_max = RLIM_INFINITY};

	cr_assert_eq(write_text("one"), 0);
	cr_expect_eq(vly_new_file_replace(&file), 0);
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	int result = write_text("two");
	int error = errno;
	vly_new_file_drop(&file);
	limit.rlim_cur = RLIM_INFINITY;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_expect_eq(result, -1);
	cr_expect_eq(error, EFBIG);
	expect_contents("one");
}
