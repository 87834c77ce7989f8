/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "request/handovers.h"

static uv_loop_t loop;
static struct vly_handovers handovers;
static unsigned wake_cnt;
static int ends[2];

static void
on_wake(uv_async_t *wake)
{
	(void)wake;
	wake_cnt++;
}

static void
open_all(void)
{
	cr_assert_eq(uv_loop_init(&loop), 0);
	cr_assert_eq(vly_handovers_open(&handovers, &loop, on_wake), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
}

static void
close_all(void)
{
	vly_handovers_close(&handovers);
	cr_expect_eq(handovers.cnt, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_expect_eq(uv_loop_close(&loop), 0);
}

TestSuite(handovers, .init = open_all, .fini = close_all);

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0 || errno != EBADF;
}

static struct vly_handover *
make(void)
{
	return vly_handover_make(&handovers, ends[1], 5, (const uint8_t *)"octets", 6);
}

Test(handovers, wishes)
{
	cr_expect_not(vly_handovers_want(&handovers, VLY_WISH_TRANSFERS));
	atomic_store(&handovers.wishes, VLY_WISH_TLS);
	cr_expect_not(vly_handovers_want(&handovers, VLY_WISH_TRANSFERS));
	cr_expect(vly_handovers_want(&handovers, VLY_WISH_TLS));
}

Test(handovers, from_one_thread_to_the_other)
{
	struct vly_handover *made = make();

	cr_assert_not_null(made);
	cr_expect_null(vly_handovers_next(&handovers), "not put yet");
	vly_handovers_put(made, ends[1], 1);
	uv_run(&loop, UV_RUN_NOWAIT);
	cr_expect_eq(wake_cnt, 1);
	struct vly_handover *next = vly_handovers_next(&handovers);
	cr_assert_eq(next, made);
	cr_expect_eq(next->fd, ends[1]);
	cr_expect_eq(next->flags, 5);
	cr_expect_eq(next->octet_bytes, 6);
	cr_expect_eq(memcmp(next->octets, "octets", 6), 0);
	cr_expect_null(vly_handovers_next(&handovers));
	cr_expect(is_open(ends[1]));
	vly_handover_free(next);
	cr_expect_not(is_open(ends[1]), "it was sent, or is lost");
	vly_handover_free(NULL);
}

Test(handovers, the_socket_stays_the_threads_until_it_is_put)
{
	vly_handover_free(make());
	cr_expect(is_open(ends[1]));
	cr_expect_eq(handovers.cnt, 0);
}

Test(handovers, a_client_that_has_gone)
{
	int alone = socket(AF_INET, SOCK_STREAM, 0);

	cr_expect_null(vly_handover_make(&handovers, alone, 0, NULL, 0), "has no peer");
	cr_expect_eq(handovers.cnt, 0);
	close(alone);
}

Test(handovers, bound)
{
	struct vly_handover *made[VLY_HANDOVERS_MAX];

	for (unsigned i = 0; i < VLY_HANDOVERS_MAX; i++)
		cr_assert_not_null(made[i] = make());
	cr_expect_null(make());
	cr_expect_eq(handovers.full_cnt, 1);
	vly_handover_free(made[0]);
	cr_assert_not_null(made[0] = make());
	for (unsigned i = 0; i < VLY_HANDOVERS_MAX; i++)
		vly_handover_free(made[i]);
}

Test(handovers, late_ones_are_closed)
{
	vly_handovers_put(make(), dup(ends[1]), 1000);
	vly_handovers_put(make(), ends[1], 1001);
	vly_handovers_expire(&handovers, 10);
	vly_handovers_expire(&handovers, 1000 + VLY_HANDOVERS_MS);
	cr_expect_eq(handovers.late_cnt, 1);
	cr_expect(is_open(ends[1]));
	vly_handovers_drop(&handovers);
	cr_expect_eq(handovers.late_cnt, 2);
	cr_expect_not(is_open(ends[1]), "volley-control has gone");
}

Test(handovers, what_waits_at_the_end_is_closed)
{
	vly_handovers_put(make(), ends[1], 1);
}
