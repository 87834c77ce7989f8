/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The connection to the dataplane, with a real socket: many packets at once, each way. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "publish/publish_link.h"

/* More than are sent in one system call, or taken in one turn of the loop. */
#define PACKETS 150

static struct {
	uv_loop_t loop;
	struct vly_publish_link link;
	char directory[64];
	char path[100];
	int listen_fd;
	int fd; /* the dataplane's end */
	unsigned got_cnt;
	unsigned close_at; /* the link is closed by this packet */
	unsigned down_cnt;
	bool freed;
} test;

static void
on_message(void *arg, const void *message, size_t bytes, int *fd)
{
	unsigned number;

	(void)arg;
	cr_assert_eq(bytes, sizeof(number));
	cr_assert_eq(*fd, -1);
	memcpy(&number, message, sizeof(number));
	cr_assert_eq(number, test.got_cnt);
	if (++test.got_cnt == test.close_at)
		vly_publish_link_close(&test.link, "enough");
}

static void
on_down(void *arg, const char *reason)
{
	(void)arg;
	(void)reason;
	test.down_cnt++;
}

static void
on_appears(void *arg)
{
	(void)arg;
}

static void
on_freed(void *arg)
{
	(void)arg;
	test.freed = true;
}

static const struct vly_publish_link_events events = {on_message, on_down, on_appears};

static void
begin(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char reason[200];

	strcpy(test.directory, "/tmp/volley-link-XXXXXX");
	cr_assert_not_null(mkdtemp(test.directory));
	snprintf(test.path, sizeof(test.path), "%s/socket", test.directory);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", test.path);
	test.listen_fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	cr_assert_eq(bind(test.listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(test.listen_fd, 1), 0);
	uv_loop_init(&test.loop);
	vly_publish_link_init(&test.link, &test.loop, test.path, &events, NULL);
	cr_assert_eq(vly_publish_link_open(&test.link, reason, sizeof(reason)), 0);
	test.fd = accept(test.listen_fd, NULL, NULL);
	cr_assert_geq(test.fd, 0);
}

static void
end(void)
{
	vly_publish_link_free(&test.link, on_freed);
	while (uv_run(&test.loop, UV_RUN_DEFAULT) != 0)
		;
	cr_assert(test.freed);
	cr_assert_eq(uv_loop_close(&test.loop), 0);
	close(test.fd);
	close(test.listen_fd);
	unlink(test.path);
	rmdir(test.directory);
}

TestSuite(publish_link, .init = begin, .fini = end, .timeout = 30);

static void
send_to_link(void)
{
	for (unsigned i = 0; i < PACKETS; i++)
		cr_assert_eq(send(test.fd, &i, sizeof(i), 0), (ssize_t)sizeof(i));
}

Test(publish_link, takes_all_packets)
{
	send_to_link();
	while (test.got_cnt < PACKETS)
		uv_run(&test.loop, UV_RUN_ONCE);
	cr_assert_eq(test.down_cnt, 0);
}

Test(publish_link, takes_nothing_from_a_link_that_a_packet_has_closed)
{
	test.close_at = 3;
	send_to_link();
	while (test.down_cnt == 0)
		uv_run(&test.loop, UV_RUN_ONCE);
	uv_run(&test.loop, UV_RUN_NOWAIT);
	cr_assert_eq(test.got_cnt, 3);
	cr_assert_eq(test.down_cnt, 1);
}

/* The dataplane's end has these numbers next. */
static void
expect_numbers(unsigned from, unsigned to)
{
	for (; from < to; from++) {
		unsigned number = ~0u;
		cr_assert_eq(recv(test.fd, &number, sizeof(number), MSG_DONTWAIT),
			     (ssize_t)sizeof(number), "packet %u is not there", from);
		cr_assert_eq(number, from);
	}
}

Test(publish_link, sends_offers_before_the_loop_waits)
{
	unsigned number = 0;

	for (; number < PACKETS; number++)
		vly_publish_link_offer(&test.link, &number, sizeof(number));
	uv_run(&test.loop, UV_RUN_NOWAIT);
	expect_numbers(0, PACKETS);
}

Test(publish_link, sends_offers_before_what_is_sent)
{
	for (unsigned number = 0; number < 3; number++)
		vly_publish_link_offer(&test.link, &number, sizeof(number));
	unsigned last = 3;
	vly_publish_link_send(&test.link, &last, sizeof(last), NULL, 0);
	expect_numbers(0, 4);
}

/* Long ones fill the buffer of offers, and then the socket: a part of it stays free for what is sent. */
Test(publish_link, offers_leave_room)
{
	static uint8_t octets[65536 + 16];
	unsigned last = 7;

	for (unsigned i = 0; i < 20; i++)
		vly_publish_link_offer(&test.link, octets, sizeof(octets));
	vly_publish_link_send(&test.link, &last, sizeof(last), NULL, 0);
	cr_assert_eq(test.down_cnt, 0);
	unsigned cnt = 0;
	while (recv(test.fd, octets, sizeof(octets), MSG_DONTWAIT) == (ssize_t)sizeof(octets))
		cnt++;
	cr_assert_gt(cnt, 0);
	cr_assert_lt(cnt, 20);
	cr_assert_eq(memcmp(octets, &last, sizeof(last)), 0);
}

Test(publish_link, offers_of_a_closed_link_are_lost)
{
	char reason[200];
	unsigned number = 0;

	vly_publish_link_offer(&test.link, &number, sizeof(number));
	vly_publish_link_close(&test.link, "closed");
	vly_publish_link_offer(&test.link, &number, sizeof(number));
	close(test.fd);
	cr_assert_eq(vly_publish_link_open(&test.link, reason, sizeof(reason)), 0);
	test.fd = accept(test.listen_fd, NULL, NULL);
	uv_run(&test.loop, UV_RUN_NOWAIT);
	number = 5;
	vly_publish_link_offer(&test.link, &number, sizeof(number));
	uv_run(&test.loop, UV_RUN_NOWAIT);
	expect_numbers(5, 6);
}
