/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "session/datagram.h"
#include "side.h"

static const uint8_t query[] = {0x12, 0x34, 0x20, 0, 0,   1, 0, 0, 0, 0, 0,
				0,    1,    'a',  1, 'b', 0, 0, 6, 0, 1};

struct asker {
	struct vly_datagram *datagram;
	unsigned answer_cnt;
	unsigned failed_cnt;
	unsigned refuse; /* so many responses */
	bool cancel;
	uint8_t last; /* octet */
	char reason[512];
};

static bool
on_answer(void *arg, const uint8_t *message, size_t len)
{
	struct asker *asker = arg;

	asker->answer_cnt++;
	asker->last = message[len - 1];
	if (asker->cancel)
		vly_datagram_cancel(asker->datagram);
	if (asker->answer_cnt <= asker->refuse)
		return false;
	return true;
}

static void
on_failed(void *arg, const char *reason)
{
	struct asker *asker = arg;

	asker->failed_cnt++;
	snprintf(asker->reason, sizeof(asker->reason), "%s", reason);
}

static const struct vly_datagram_callbacks callbacks = {on_answer, on_failed};

static int
make_server(struct sockaddr_storage *address)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	memset(address, 0, sizeof(*address));
	memcpy(address, &in, sizeof(in));
	return fd;
}

static void
begin(struct asker *asker, uv_loop_t *loop, const struct sockaddr_storage *address, unsigned tries,
      uint64_t wait_ms)
{
	const struct vly_datagram_query asked = {.address = *address,
						 .message = query,
						 .len = sizeof(query),
						 .tries = tries,
						 .wait_ms = wait_ms};
	char reason[512] = "";

	asker->datagram =
		vly_datagram_send(loop, &asked, &callbacks, asker, reason, sizeof(reason));
	cr_assert_not_null(asker->datagram, "%s", reason);
	cr_expect_eq(asker->answer_cnt + asker->failed_cnt, 0);
}

/* Waits for a query, and returns from where it comes. */
static struct sockaddr_in
receive(uv_loop_t *loop, int fd)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t got[100];
	ssize_t bytes = -1;

	RUN_UNTIL(loop, bytes > 0 || (bytes = recvfrom(fd, got, sizeof(got), 0,
						       (struct sockaddr *)&from, &len)) > 0);
	cr_expect_eq(bytes, sizeof(query));
	cr_expect_arr_eq(got, query, sizeof(query));
	return from;
}

/* The query as a response, with `change` at an octet, and one octet more that names it. */
static void
respond(int fd, const struct sockaddr_in *to, size_t at, uint8_t change, uint8_t name)
{
	uint8_t response[sizeof(query) + 1];

	memcpy(response, query, sizeof(query));
	response[2] |= 0x84;
	response[at] ^= change;
	response[sizeof(query)] = name;
	cr_assert_gt(
		sendto(fd, response, sizeof(response), 0, (const struct sockaddr *)to, sizeof(*to)),
		0);
}

/* Responses that are not to this query are ignored, those with another spelling of the name not. */
Test(datagram, responses)
{
	static const struct {
		size_t at;
		uint8_t change;
	} wrong[] = {{0, 1}, {1, 1},  {2, 0x80}, {2, 0x08}, {5, 1},
		     {5, 2}, {13, 1}, {12, 1},   {18, 1},   {20, 2}};
	uv_loop_t loop;
	struct asker asker = {0};
	struct sockaddr_storage address, other;

	uv_loop_init(&loop);
	int fd = make_server(&address), stranger = make_server(&other);
	begin(&asker, &loop, &address, 1, 10000);
	struct sockaddr_in from = receive(&loop, fd);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		respond(fd, &from, wrong[i].at, wrong[i].change, 1);
	cr_assert_gt(sendto(fd, query, 5, 0, (struct sockaddr *)&from, sizeof(from)), 0);
	respond(stranger, &from, 0, 0, 2);
	respond(fd, &from, 13, 0x20, 3);
	RUN_UNTIL(&loop, asker.answer_cnt == 1);
	cr_expect_eq(asker.last, 3);
	loop_end(&loop);
	cr_expect_eq(asker.failed_cnt, 0);
	close(fd);
	close(stranger);
}

/* A server that can't read the query leaves the question out. */
Test(datagram, no_question)
{
	static const uint8_t formerr[] = {0x12, 0x34, 0xa0, 1, 0, 0, 0, 0, 0, 0, 0, 0};
	uv_loop_t loop;
	struct asker asker = {0};
	struct sockaddr_storage address;

	uv_loop_init(&loop);
	int fd = make_server(&address);
	begin(&asker, &loop, &address, 1, 10000);
	struct sockaddr_in from = receive(&loop, fd);
	sendto(fd, formerr, sizeof(formerr), 0, (struct sockaddr *)&from, sizeof(from));
	RUN_UNTIL(&loop, asker.answer_cnt == 1);
	close(fd);
	loop_end(&loop);
}

/* A lost query is repeated. A response that the caller refuses does not end the query. */
Test(datagram, repeated_and_refused)
{
	uv_loop_t loop;
	struct asker asker = {.refuse = 2};
	struct sockaddr_storage address;

	uv_loop_init(&loop);
	int fd = make_server(&address);
	begin(&asker, &loop, &address, 10, 5);
	(void)receive(&loop, fd);
	struct sockaddr_in from = receive(&loop, fd);
	respond(fd, &from, 0, 0, 1);
	respond(fd, &from, 0, 0, 2);
	respond(fd, &from, 0, 0, 3);
	RUN_UNTIL(&loop, asker.answer_cnt == 3);
	cr_expect_eq(asker.last, 3);
	loop_end(&loop);
	cr_expect_eq(asker.failed_cnt, 0);
	close(fd);
}

Test(datagram, nobody)
{
	uv_loop_t loop;
	struct asker closed = {0}, silent = {0};
	struct sockaddr_storage address, quiet;

	uv_loop_init(&loop);
	int fd = make_server(&address), quiet_fd = make_server(&quiet);
	close(fd);
	begin(&closed, &loop, &address, 3, 2);
	begin(&silent, &loop, &quiet, 3, 2);
	RUN_UNTIL(&loop, closed.failed_cnt == 1 && silent.failed_cnt == 1);
	cr_expect_str_eq(closed.reason, "there was no response: Connection refused");
	cr_expect_str_eq(silent.reason, "there was no response");
	unsigned cnt = 0;
	while (recv(quiet_fd, &address, sizeof(address), 0) > 0)
		cnt++;
	cr_expect_eq(cnt, 3);
	close(quiet_fd);
	loop_end(&loop);
}

/* A flood of wrong responses ends. */
Test(datagram, flood)
{
	uv_loop_t loop;
	struct asker asker = {0};
	struct sockaddr_storage address;

	uv_loop_init(&loop);
	int fd = make_server(&address);
	begin(&asker, &loop, &address, 1, 10000);
	struct sockaddr_in from = receive(&loop, fd);
	for (unsigned i = 0; i < VLY_DATAGRAM_IGNORED_MAX; i++) {
		cr_expect_eq(asker.failed_cnt, 0);
		respond(fd, &from, 0, 1, 1);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	RUN_UNTIL(&loop, asker.failed_cnt == 1);
	cr_expect_str_eq(asker.reason, "too many responses were wrong");
	close(fd);
	loop_end(&loop);
}

Test(datagram, cancel)
{
	uv_loop_t loop;
	struct asker at_once = {0}, in_callback = {.cancel = true, .refuse = 1};
	struct sockaddr_storage address;

	uv_loop_init(&loop);
	int fd = make_server(&address);
	begin(&at_once, &loop, &address, 1, 10000);
	(void)receive(&loop, fd);
	vly_datagram_cancel(at_once.datagram);
	begin(&in_callback, &loop, &address, 1, 10000);
	struct sockaddr_in from = receive(&loop, fd);
	respond(fd, &from, 0, 0, 1);
	loop_end(&loop);
	cr_expect_eq(at_once.failed_cnt + at_once.answer_cnt + in_callback.failed_cnt, 0);
	cr_expect_eq(in_callback.answer_cnt, 1);
	close(fd);
}

Test(datagram, refused)
{
	uv_loop_t loop;
	struct asker asker = {0};
	char reason[512];
	struct vly_datagram_query asked = {.message = query, .len = sizeof(query), .tries = 1};

	uv_loop_init(&loop);
	int fd = make_server(&asked.address);
	asked.len--;
	cr_expect_null(vly_datagram_send(&loop, &asked, &callbacks, &asker, reason, 512));
	cr_expect_str_eq(reason, "a query that can't be sent");
	asked.len++;
	asked.tries = 11;
	cr_expect_null(vly_datagram_send(&loop, &asked, &callbacks, &asker, reason, 512));
	asked.tries = 1;
	inet_pton(AF_INET, "192.0.2.77", &((struct sockaddr_in *)&asked.source)->sin_addr);
	asked.source.ss_family = AF_INET;
	cr_expect_null(vly_datagram_send(&loop, &asked, &callbacks, &asker, reason, 512));
	cr_expect_str_eq(reason,
			 "could not use the source address: Cannot assign requested address");
	close(fd);
	loop_end(&loop);
}

Test(datagram, ids_differ)
{
	const uint16_t first = vly_datagram_id();
	unsigned same = 0;

	for (unsigned i = 0; i < 8; i++)
		same += vly_datagram_id() == first;
	cr_expect_lt(same, 8);
}
