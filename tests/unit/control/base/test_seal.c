/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/seal.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)
#define PAGE  4096

static int
written_file(void)
{
	static const uint8_t page[PAGE] = {1};
	int fd = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	cr_assert_eq(write(fd, page, sizeof(page)), (ssize_t)sizeof(page));
	return fd;
}

/* A pipe that holds the file's page, as the kernel does when it moves one. */
static void
hold_page(int fd, int ends[2])
{
	loff_t off = 0;

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	cr_assert_eq(splice(fd, &off, ends[1], NULL, PAGE, 0), PAGE);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, SEALS), -1);
	cr_assert_eq(errno, EBUSY, "%s", strerror(errno));
}

static void
let_go(int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

Test(seal, seals_at_once)
{
	int fd = written_file();

	cr_expect_eq(vly_seal(fd), 0);
	cr_expect_eq(fcntl(fd, F_GET_SEALS), SEALS);
	close(fd);
}

static void *
let_go_later(void *arg)
{
	usleep(500 * 1000);
	let_go(arg);
	return NULL;
}

Test(seal, waits_for_a_page_that_is_held)
{
	int fd = written_file();
	pthread_t thread;
	int ends[2];

	hold_page(fd, ends);
	cr_assert_eq(pthread_create(&thread, NULL, let_go_later, ends), 0);
	cr_expect_eq(vly_seal(fd), 0, "%s", strerror(errno));
	cr_expect_eq(fcntl(fd, F_GET_SEALS), SEALS);
	pthread_join(thread, NULL);
	close(fd);
}

Test(seal, gives_up_when_a_page_stays_held)
{
	int fd = written_file();
	int ends[2];

	hold_page(fd, ends);
	cr_expect_eq(vly_seal(fd), -1);
	cr_expect_eq(errno, EBUSY, "%s", strerror(errno));
	cr_expect_eq(fcntl(fd, F_GET_SEALS), 0);
	let_go(ends);
	cr_expect_eq(vly_seal(fd), 0);
	close(fd);
}

Test(seal, says_what_is_wrong)
{
	int fd = written_file();

	cr_assert_eq(vly_seal(fd), 0);
	cr_expect_eq(vly_seal(fd), -1);
	cr_expect_eq(errno, EPERM);
	close(fd);
	cr_expect_eq(vly_seal(-1), -1);
	cr_expect_eq(errno, EBADF);
}
