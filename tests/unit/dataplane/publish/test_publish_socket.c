/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gives the socket to another user, also when that user puts something else in its place just
 * before. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "publish/publish_socket.h"

#define USER 65534

static char directory[] = "/tmp/vly-socket-XXXXXX";
static char path[64], other[64];

/* What the user does between bind(2) and chown(2). */
static void (*intrude)(void);

int __real_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog);

int
__wrap_listen(int fd, int backlog)
{
	if (intrude != NULL)
		intrude();
	return __real_listen(fd, backlog);
}

static void
begin(void)
{
	cr_assert(mkdtemp(directory) != NULL);
	snprintf(path, sizeof(path), "%s/socket", directory);
	snprintf(other, sizeof(other), "%s/other", directory);
	int fd = open(other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	cr_assert(fd >= 0);
	close(fd);
}

static void
end(void)
{
	unlink(path);
	unlink(other);
	rmdir(directory);
}

TestSuite(publish_socket, .init = begin, .fini = end);

static uid_t
owner_of(const char *name)
{
	struct stat status;

	cr_assert(lstat(name, &status) == 0);
	return status.st_uid;
}

static void
listen_for_user(void)
{
	if (geteuid() != 0)
		cr_skip_test("only root can give files to another user");
	int fd = vly_publish_socket_listen(path, USER);
	cr_assert(fd >= 0);
	close(fd);
}

static void
put_link(void)
{
	cr_assert(unlink(path) == 0 && symlink(other, path) == 0);
}

static void
put_name_of_other_file(void)
{
	cr_assert(unlink(path) == 0 && link(other, path) == 0);
}

static void
add_name(void)
{
	char name[80];

	snprintf(name, sizeof(name), "%s.more", path);
	cr_assert(link(path, name) == 0);
}

Test(publish_socket, is_the_users)
{
	listen_for_user();
	cr_assert_eq(owner_of(path), USER);
	cr_assert_eq(owner_of(directory), 0);
}

Test(publish_socket, follows_no_link)
{
	intrude = put_link;
	listen_for_user();
	cr_assert_eq(owner_of(other), 0);
	cr_assert_eq(owner_of(path), 0);
}

Test(publish_socket, gives_no_other_file)
{
	intrude = put_name_of_other_file;
	listen_for_user();
	cr_assert_eq(owner_of(other), 0);
}

Test(publish_socket, gives_no_socket_with_another_name)
{
	char name[80];

	intrude = add_name;
	listen_for_user();
	cr_assert_eq(owner_of(path), 0);
	snprintf(name, sizeof(name), "%s.more", path);
	unlink(name);
}
