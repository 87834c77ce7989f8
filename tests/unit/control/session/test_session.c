/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "side.h"

static uint8_t big[65535];

/* Caps each send at so many octets and lets every other one wait: 0 sends as usual. */
static size_t send_max;
static unsigned send_cnt;

ssize_t __real_send(int fd, const void *octets, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *octets, size_t len, int flags);

ssize_t
__wrap_send(int fd, const void *octets, size_t len, int flags)
{
	if (send_max == 0)
		return __real_send(fd, octets, len, flags);
	if (send_cnt++ % 2 == 1) {
		errno = EAGAIN;
		return -1;
	}
	return __real_send(fd, octets, len < send_max ? len : send_max, flags);
}

static bool no_memory;

void *__real_realloc(void *old, size_t len);
void *__wrap_realloc(void *old, size_t len);

void *
__wrap_realloc(void *old, size_t len)
{
	return no_memory ? NULL : __real_realloc(old, len);
}

static void
write_all(int fd, const uint8_t *octets, size_t len)
{
	cr_assert_eq(__real_send(fd, octets, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void
fill_big(void)
{
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7 + i / 251);
}

/* Messages of all sorts of lengths go to the other side and back. */
Test(session, echo)
{
	static const size_t lens[] = {0, 1, 12, 511, 512, 513, 4096, 16384, 65534, 65535, 0, 65535};
	uv_loop_t loop;
	struct side client = {0}, server = {.echo = true};
	int fd[2];
	size_t total = 0;

	fill_big();
	uv_loop_init(&loop);
	make_pair(fd);
	side_adopt(&client, &loop, fd[0], NULL, NULL);
	side_adopt(&server, &loop, fd[1], NULL, NULL);
	for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		(void)vly_session_send(client.session, big, lens[i]);
		RUN_UNTIL(&loop, client.message_cnt == i + 1);
		cr_expect_eq(client.last_len, lens[i]);
		cr_expect_arr_eq(client.octets + total, big, lens[i]);
		total += lens[i];
	}
	struct vly_session_counts counts;
	vly_session_count(client.session, &counts);
	cr_expect_eq(counts.sent_bytes, total + 2 * server.message_cnt);
	cr_expect_eq(counts.received_bytes, total + 2 * server.message_cnt);
	cr_expect_eq(counts.received_cnt, server.message_cnt);
	cr_expect_eq(counts.queued_bytes, 0);
	cr_expect_not(client.peer.tls);
	side_free(&client);
	RUN_UNTIL(&loop, server.closed_cnt == 1);
	cr_expect_eq(server.end, VLY_SESSION_EOF);
	side_free(&server);
	loop_end(&loop);
}

/* Three messages arrive in two parts, cut at each offset; some of it before the session exists. */
Test(session, cut_anywhere)
{
	static const uint8_t stream[] = {0, 3, 'a', 'b', 'c', 0, 0, 0, 4, 'd', 'e', 'f', 'g'};
	char reason[512];

	for (unsigned mode = 0; mode < 2; mode++)
		for (size_t cut = 0; cut <= sizeof(stream); cut++) {
			uv_loop_t loop;
			struct side side = {0};
			int fd[2];
			uv_loop_init(&loop);
			make_pair(fd);
			if (mode == 0)
				write_all(fd[1], stream, cut);
			side.session = vly_session_adopt(&loop, fd[0], NULL, stream,
							 mode == 0 ? 0 : cut, NULL, &side_callbacks,
							 &side, reason, sizeof(reason));
			cr_assert_not_null(side.session);
			RUN_UNTIL(&loop, side.opened_cnt == 1);
			write_all(fd[1], stream + cut, sizeof(stream) - cut);
			RUN_UNTIL(&loop, side.message_cnt == 3);
			cr_expect_eq(side.len, 7);
			cr_expect_arr_eq(side.octets, "abcdefg", 7);
			side_free(&side);
			close(fd[1]);
			loop_end(&loop);
		}
}

/* The socket takes few octets at a time, and often none. */
Test(session, partial_writes)
{
	for (send_max = 1; send_max < 20; send_max++) {
		uv_loop_t loop;
		struct side client = {0}, server = {0};
		int fd[2];
		fill_big();
		uv_loop_init(&loop);
		make_pair(fd);
		side_adopt(&client, &loop, fd[0], NULL, NULL);
		side_adopt(&server, &loop, fd[1], NULL, NULL);
		for (size_t i = 0; i < 8; i++)
			(void)vly_session_send(client.session, big + i, i);
		(void)vly_session_send(client.session, big, 300);
		RUN_UNTIL(&loop, server.message_cnt == 9);
		cr_expect_eq(server.len, 28 + 300);
		cr_expect_arr_eq(server.octets + 28, big, 300);
		side_free(&client);
		side_free(&server);
		loop_end(&loop);
	}
	send_max = 0;
}

static void
fill_more(struct side *side)
{
	while (side->left > 0) {
		side->left--;
		if (!vly_session_send(side->session, big, 16000))
			return;
	}
}

/* The reader is paused: the sender learns that there is no room, holds little, and goes on later. */
Test(session, back_pressure)
{
	const struct vly_session_limits limits = {.queue_bytes_max = 40000};
	uv_loop_t loop;
	struct side client = {.fill = fill_more, .left = 200}, server = {0};
	struct vly_session_counts counts;
	int fd[2];

	fill_big();
	uv_loop_init(&loop);
	make_pair(fd);
	side_adopt(&client, &loop, fd[0], NULL, &limits);
	side_adopt(&server, &loop, fd[1], NULL, &limits);
	RUN_UNTIL(&loop, server.opened_cnt == 1 && client.opened_cnt == 1);
	vly_session_pause(server.session);
	fill_more(&client);
	cr_expect_gt(client.left, 0);
	vly_session_count(client.session, &counts);
	cr_expect_leq(counts.queued_bytes, 40000 + 16002);
	cr_expect_eq(server.message_cnt, 0);
	vly_session_resume(server.session);
	cr_expect_eq(server.message_cnt, 0, "called from within");
	RUN_UNTIL(&loop, server.message_cnt == 200);
	cr_expect_eq(server.len, 200 * 16000);
	cr_expect_gt(client.drained_cnt, 0);
	side_free(&client);
	side_free(&server);
	loop_end(&loop);
}

/* Pausing in a callback keeps back the messages that are there already. */
Test(session, pause_in_the_middle)
{
	static const uint8_t stream[] = {0, 1, 'a', 0, 1, 'b', 0, 1, 'c', 0};
	uv_loop_t loop;
	struct side side = {.pause_each = true};
	int fd[2];

	uv_loop_init(&loop);
	make_pair(fd);
	side_adopt(&side, &loop, fd[0], NULL, NULL);
	write_all(fd[1], stream, sizeof(stream));
	for (unsigned i = 1; i <= 3; i++) {
		RUN_UNTIL(&loop, side.message_cnt == i);
		for (unsigned j = 0; j < 5; j++)
			uv_run(&loop, UV_RUN_NOWAIT);
		cr_expect_eq(side.message_cnt, i);
		vly_session_resume(side.session);
	}
	side_free(&side);
	close(fd[1]);
	loop_end(&loop);
}

/* No callback is called after the session was closed in one. */
Test(session, close_in_callbacks)
{
	static const uint8_t stream[] = {0, 1, 'a', 0, 1, 'b', 0, 1, 'c'};

	for (unsigned at = 0; at < 3; at++) {
		uv_loop_t loop;
		struct side side = {.close_when_opened = at == 0, .close_at = at};
		int fd[2];
		uv_loop_init(&loop);
		make_pair(fd);
		side_adopt(&side, &loop, fd[0], NULL, NULL);
		write_all(fd[1], stream, sizeof(stream));
		RUN_UNTIL(&loop, side.session == NULL);
		loop_end(&loop);
		cr_expect_eq(side.message_cnt, at);
		cr_expect_eq(side.closed_cnt, 0);

		side_free(&side);
		close(fd[1]);
	}
}

struct limit_case {
	struct vly_session_limits limits;
	const char *stream;
	size_t len;
	const char *reason;
};

Test(session, limits)
{
	static const struct limit_case cases[] = {
		{{.message_ms = 20},
		 "\0",
		 1,
		 "a message of the peer was not complete within 20 ms"},
		{{.message_ms = 20},
		 "\0\2a",
		 3,
		 "a message of the peer was not complete within 20 ms"},
		{{.idle_ms = 20}, "", 0, "nothing was received or sent for 20 ms"},
		{{.idle_ms = 20}, "\0\1a", 3, "nothing was received or sent for 20 ms"},
		{{.life_ms = 20, .idle_ms = 5000},
		 "\0\1a",
		 3,
		 "the session lasted longer than 20 ms"},
		{{.receive_bytes_max = 5}, "\0\1a\0\1b", 6, "the peer sent more than 5 octets"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uv_loop_t loop;
		struct side side = {0};
		int fd[2];
		uv_loop_init(&loop);
		make_pair(fd);
		side_adopt(&side, &loop, fd[0], NULL, &cases[i].limits);
		write_all(fd[1], (const uint8_t *)cases[i].stream, cases[i].len);
		RUN_UNTIL(&loop, side.closed_cnt == 1);
		cr_expect_str_eq(side.reason, cases[i].reason);
		cr_expect_eq(side.end, VLY_SESSION_LIMIT);
		side_free(&side);
		close(fd[1]);
		loop_end(&loop);
	}
}

/* Limits that are set later count from then on; octets count from the beginning. */
Test(session, other_limits)
{
	const struct vly_session_limits bytes = {.receive_bytes_max = 4}, idle = {.idle_ms = 20};

	for (unsigned mode = 0; mode < 2; mode++) {
		uv_loop_t loop;
		struct side side = {0};
		int fd[2];
		uv_loop_init(&loop);
		make_pair(fd);
		side_adopt(&side, &loop, fd[0], NULL, NULL);
		write_all(fd[1], (const uint8_t *)"\0\1a", 3);
		RUN_UNTIL(&loop, side.message_cnt == 1);
		vly_session_limit(side.session, mode == 0 ? &bytes : &idle);
		if (mode == 0)
			write_all(fd[1], (const uint8_t *)"\0\0", 2);
		RUN_UNTIL(&loop, side.closed_cnt == 1);
		cr_expect_str_eq(side.reason, mode == 0 ? "the peer sent more than 4 octets"
							: "nothing was received or sent for 20 ms");
		side_free(&side);
		close(fd[1]);
		loop_end(&loop);
	}
}

static uv_timer_t dripping;
static int drip_fd;

static void
drip(uv_timer_t *timer)
{
	(void)timer;
	(void)!__real_send(drip_fd, "\1", 1, MSG_NOSIGNAL);
}

/* One octet now and then keeps the session from being idle, and does not complete the message. */
Test(session, drip)
{
	const struct vly_session_limits limits = {.message_ms = 120, .idle_ms = 100};
	uv_loop_t loop;
	struct side side = {0};
	int fd[2];

	uv_loop_init(&loop);
	make_pair(fd);
	side_adopt(&side, &loop, fd[0], NULL, &limits);
	drip_fd = fd[1];
	uv_timer_init(&loop, &dripping);
	uv_timer_start(&dripping, drip, 0, 10);
	RUN_UNTIL(&loop, side.closed_cnt == 1);
	cr_expect_str_eq(side.reason, "a message of the peer was not complete within 120 ms");
	uv_close((uv_handle_t *)&dripping, NULL);
	side_free(&side);
	close(fd[1]);
	loop_end(&loop);
}

/* While the caller has paused, the peer can't be blamed for being slow. */
Test(session, no_blame_while_paused)
{
	const struct vly_session_limits limits = {.message_ms = 20, .idle_ms = 20};
	uv_loop_t loop;
	struct side side = {.pause_each = true};
	int fd[2];

	uv_loop_init(&loop);
	make_pair(fd);
	side_adopt(&side, &loop, fd[0], NULL, &limits);
	write_all(fd[1], (const uint8_t *)"\0\1a\0\1", 5);
	RUN_UNTIL(&loop, side.message_cnt == 1);
	const uint64_t begin_ns = uv_hrtime();
	RUN_UNTIL(&loop, uv_hrtime() - begin_ns > 60000000);
	cr_expect_eq(side.closed_cnt, 0);
	vly_session_resume(side.session);
	write_all(fd[1], (const uint8_t *)"b", 1);
	RUN_UNTIL(&loop, side.message_cnt == 2);
	side_free(&side);
	close(fd[1]);
	loop_end(&loop);
}

/* A peer that does not read. */
Test(session, no_progress)
{
	const struct vly_session_limits limits = {.send_ms = 30, .queue_bytes_max = 100000};
	uv_loop_t loop;
	struct side side = {0};
	int fd[2];

	uv_loop_init(&loop);
	make_pair(fd);
	side_adopt(&side, &loop, fd[0], NULL, &limits);
	RUN_UNTIL(&loop, side.opened_cnt == 1);
	while (vly_session_send(side.session, big, sizeof(big)))
		;
	RUN_UNTIL(&loop, side.closed_cnt == 1);
	cr_expect_eq(side.end, VLY_SESSION_LIMIT);
	cr_expect_str_eq(side.reason, "the peer took no octet for 30 ms");
	cr_expect_eq(side.drained_cnt, 0);
	side_free(&side);
	close(fd[1]);
	loop_end(&loop);
}

Test(session, send_limit)
{
	const struct vly_session_limits limits = {.send_bytes_max = 10};
	uv_loop_t loop;
	struct side side = {0};
	int fd[2];

	uv_loop_init(&loop);
	make_pair(fd);
	side_adopt(&side, &loop, fd[0], NULL, &limits);
	cr_expect(vly_session_send(side.session, big, 8));
	cr_expect_not(vly_session_send(side.session, big, 0));
	cr_expect_eq(side.closed_cnt, 0, "called from within");
	RUN_UNTIL(&loop, side.closed_cnt == 1);
	cr_expect_str_eq(side.reason, "more than 10 octets were to be sent");
	side_free(&side);
	close(fd[1]);
	loop_end(&loop);
}

Test(session, too_long)
{
	uv_loop_t loop;
	struct side side = {0};
	int fd[2];

	uv_loop_init(&loop);
	make_pair(fd);
	side_adopt(&side, &loop, fd[0], NULL, NULL);
	cr_expect_not(vly_session_send(side.session, big, 65536));
	RUN_UNTIL(&loop, side.closed_cnt == 1);
	cr_expect_str_eq(side.reason, "a message has more than 65535 octets");
	side_free(&side);
	close(fd[1]);
	loop_end(&loop);
}

/* The peer closes between messages, in a length, and in a message. */
Test(session, end_of_stream)
{
	static const char *const middle =
		"the peer closed the connection in the middle of a message";

	for (size_t len = 0; len <= 6; len++) {
		uv_loop_t loop;
		struct side side = {0};
		int fd[2];
		uv_loop_init(&loop);
		make_pair(fd);
		side_adopt(&side, &loop, fd[0], NULL, NULL);
		write_all(fd[1], (const uint8_t *)"\0\1a\0\1b", len);
		close(fd[1]);
		RUN_UNTIL(&loop, side.closed_cnt == 1);
		cr_expect_eq(side.message_cnt, len / 3);
		cr_expect_eq(side.end, len % 3 == 0 ? VLY_SESSION_EOF : VLY_SESSION_BROKEN);
		cr_expect_str_eq(side.reason,
				 len % 3 == 0 ? "the peer closed the connection" : middle);
		side_free(&side);
		loop_end(&loop);
	}
}

/* The peer has shut its side down, and still gets its answers. */
Test(session, half_closed)
{
	char reason[512];
	uint8_t got[16];
	uv_loop_t loop;
	struct side side = {0};
	int fd[2];

	uv_loop_init(&loop);
	make_pair(fd);
	side.session = vly_session_adopt(&loop, fd[0], NULL, NULL, 0, NULL, &side_half_callbacks,
					 &side, reason, sizeof(reason));
	write_all(fd[1], (const uint8_t *)"\0\1a", 3);
	shutdown(fd[1], SHUT_WR);
	RUN_UNTIL(&loop, side.ended_cnt == 1);
	cr_expect_eq(side.message_cnt, 1);
	cr_expect(vly_session_send(side.session, (const uint8_t *)"answer", 6));
	vly_session_finish(side.session);
	RUN_UNTIL(&loop, side.closed_cnt == 1);
	cr_expect_eq(side.end, VLY_SESSION_FINISHED);
	cr_expect_eq(recv(fd[1], got, sizeof(got), 0), 8);
	cr_expect_arr_eq(got, "\0\6answer", 8);
	cr_expect_eq(recv(fd[1], got, sizeof(got), 0), 0);
	cr_expect_eq(side.ended_cnt, 1);
	side_free(&side);
	close(fd[1]);
	loop_end(&loop);
}

/* All of a long queue arrives at a slow reader, and then the end; messages that cross are dropped. */
Test(session, finish)
{
	uv_loop_t loop;
	struct side client = {0}, server = {0};
	int fd[2];

	fill_big();
	uv_loop_init(&loop);
	make_pair(fd);
	side_adopt(&client, &loop, fd[0], NULL, NULL);
	side_adopt(&server, &loop, fd[1], NULL, NULL);
	RUN_UNTIL(&loop, server.opened_cnt == 1 && client.opened_cnt == 1);
	vly_session_pause(client.session);
	for (unsigned i = 0; i < 20; i++)
		(void)vly_session_send(server.session, big, sizeof(big));
	vly_session_finish(server.session);
	cr_expect_not(vly_session_send(server.session, big, 5));
	(void)vly_session_send(client.session, big, 5);
	for (unsigned i = 0; i < 5; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
	cr_expect_eq(server.closed_cnt, 0);
	vly_session_resume(client.session);
	RUN_UNTIL(&loop, client.closed_cnt == 1 && server.closed_cnt == 1);
	cr_expect_eq(server.end, VLY_SESSION_FINISHED);
	cr_expect_eq(server.message_cnt, 0);
	cr_expect_eq(client.end, VLY_SESSION_EOF);
	cr_expect_eq(client.message_cnt, 20);
	side_free(&client);
	side_free(&server);
	loop_end(&loop);
}

/* The peer has all, and never closes. */
Test(session, finish_without_the_peers_end)
{
	const struct vly_session_limits limits = {.send_ms = 30};
	uint8_t got[16];
	uv_loop_t loop;
	struct side side = {0};
	int fd[2];

	uv_loop_init(&loop);
	make_pair(fd);
	side_adopt(&side, &loop, fd[0], NULL, &limits);
	(void)vly_session_send(side.session, (const uint8_t *)"abc", 3);
	vly_session_finish(side.session);
	RUN_UNTIL(&loop, recv(fd[1], got, 1, MSG_PEEK) == 1);
	cr_expect_eq(recv(fd[1], got, sizeof(got), 0), 5);
	cr_expect_eq(recv(fd[1], got, sizeof(got), 0), 0, "the stream has not ended");
	cr_expect_eq(side.closed_cnt, 0);
	RUN_UNTIL(&loop, side.closed_cnt == 1);
	cr_expect_eq(side.end, VLY_SESSION_FINISHED);
	side_free(&side);
	close(fd[1]);
	loop_end(&loop);
}

/* Without memory a session ends, and says so. */
Test(session, out_of_memory)
{
	for (unsigned mode = 0; mode < 3; mode++) {
		uv_loop_t loop;
		struct side side = {0};
		char reason[512] = "";
		int fd[2];
		uv_loop_init(&loop);
		make_pair(fd);
		no_memory = mode == 2;
		if (mode == 2) {
			cr_expect_null(vly_session_adopt(&loop, fd[0], NULL, big, 5, NULL,
							 &side_callbacks, &side, reason,
							 sizeof(reason)));
			cr_expect_str_eq(reason, "out of memory");
		} else {
			side_adopt(&side, &loop, fd[0], NULL, NULL);
			RUN_UNTIL(&loop, side.opened_cnt == 1);
			no_memory = true;
			if (mode == 0) /* all that is there, and more to come */
				write_all(fd[1], (const uint8_t *)memset(big, 4, 600), 600);
			if (mode == 1)
				cr_expect_not(vly_session_send(side.session, big, 5));
			RUN_UNTIL(&loop, side.closed_cnt == 1);
			cr_expect_str_eq(side.reason, "out of memory");
			cr_expect_eq(side.end, VLY_SESSION_MEMORY);
		}
		no_memory = false;
		side_free(&side);
		close(fd[1]);
		loop_end(&loop);
	}
}

static struct side
connected(uv_loop_t *loop, const struct vly_session_target *target,
	  const struct vly_session_limits *limits, struct side *side)
{
	char reason[512] = "";

	side->session = vly_session_connect(loop, target, limits, &side_callbacks, side, reason,
					    sizeof(reason));
	cr_assert_not_null(side->session, "%s", reason);
	return *side;
}

/* A message that was queued before the connection is made arrives; then the peer resets. */
Test(session, connect_and_reset)
{
	const struct linger linger = {.l_onoff = 1};
	uv_loop_t loop;
	struct side side = {0};
	struct vly_session_target target = {0};
	struct sockaddr_in *source = (struct sockaddr_in *)&target.source;
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	uint8_t got[5];

	uv_loop_init(&loop);
	int listener = make_listener(&target.address, 5);
	source->sin_family = AF_INET;
	source->sin_addr.s_addr = htonl(INADDR_LOOPBACK + 8);
	connected(&loop, &target, NULL, &side);
	cr_expect(vly_session_send(side.session, (const uint8_t *)"abc", 3));
	RUN_UNTIL(&loop, side.opened_cnt == 1);
	int fd = accept(listener, (struct sockaddr *)&from, &from_len);
	cr_expect_eq(from.sin_addr.s_addr, source->sin_addr.s_addr);
	cr_expect_eq(recv(fd, got, 5, MSG_WAITALL), 5);
	write_all(fd, (const uint8_t *)"\0\1a", 3);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
	RUN_UNTIL(&loop, side.closed_cnt == 1);
	cr_expect_eq(side.message_cnt, 1, "what came before the reset is lost");
	cr_expect_eq(side.end, VLY_SESSION_BROKEN);
	cr_expect_str_eq(side.reason, "the peer reset the connection");
	close(listener);
	side_free(&side);
	loop_end(&loop);
}

/* IPv6; and the session is closed before anything is called. */
Test(session, connect_ipv6_and_close)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	socklen_t len = sizeof(in6);
	uv_loop_t loop;

	for (unsigned mode = 0; mode < 2; mode++) {
		struct side side = {0};
		struct vly_session_target target = {0};
		int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
		uv_loop_init(&loop);
		in6.sin6_port = 0;
		cr_assert_eq(bind(listener, (struct sockaddr *)&in6, sizeof(in6)), 0);
		cr_assert_eq(listen(listener, 5), 0);
		cr_assert_eq(getsockname(listener, (struct sockaddr *)&in6, &len), 0);
		memcpy(&target.address, &in6, sizeof(in6));
		target.source.ss_family = AF_INET6;
		memcpy(&((struct sockaddr_in6 *)&target.source)->sin6_addr, &in6.sin6_addr, 16);
		connected(&loop, &target, NULL, &side);
		if (mode == 0)
			RUN_UNTIL(&loop, side.opened_cnt == 1);
		side_free(&side);
		close(listener);
		loop_end(&loop);
		cr_expect_eq(side.opened_cnt, mode == 0);
		cr_expect_eq(side.closed_cnt, 0);
	}
}

Test(session, connect_failures)
{
	const struct vly_session_limits limits = {.connect_ms = 50};
	char reason[512] = "";
	uv_loop_t loop;
	struct side side = {0};
	struct side full[4] = {0};
	struct vly_session_target target = {0};

	uv_loop_init(&loop);
	int listener = make_listener(&target.address, 0);
	for (unsigned i = 0; i < 4; i++) /* nobody accepts: the third finds the queue full */
		connected(&loop, &target, &limits, &full[i]);
	RUN_UNTIL(&loop, full[3].closed_cnt == 1);
	cr_expect_eq(full[3].end, VLY_SESSION_UNREACHABLE);
	cr_expect_str_eq(full[3].reason, "no connection was made within 50 ms");
	close(listener);
	connected(&loop, &target, NULL, &side);
	cr_expect_eq(side.closed_cnt, 0);
	RUN_UNTIL(&loop, side.closed_cnt == 1);
	cr_expect_eq(side.end, VLY_SESSION_UNREACHABLE);
	cr_expect_str_eq(side.reason, "the connection could not be made: Connection refused");
	inet_pton(AF_INET, "192.0.2.77", &((struct sockaddr_in *)&target.source)->sin_addr);
	target.source.ss_family = AF_INET;
	cr_expect_null(vly_session_connect(&loop, &target, NULL, &side_callbacks, &side, reason,
					   sizeof(reason)));
	cr_expect_str_eq(reason,
			 "could not use the source address: Cannot assign requested address");
	for (unsigned i = 0; i < 4; i++)
		side_free(&full[i]);
	side_free(&side);
	loop_end(&loop);
}

/* A descriptor that is no socket is refused, and closed all the same. */
Test(session, adopt_failures)
{
	char reason[512] = "";
	uv_loop_t loop;
	struct side side = {0};
	FILE *file = tmpfile();
	int fd[2];

	uv_loop_init(&loop);
	int taken = dup(fileno(file));
	cr_expect_null(vly_session_adopt(&loop, taken, NULL, NULL, 0, NULL, &side_callbacks, &side,
					 reason, sizeof(reason)));
	cr_expect_str_eq(reason, "could not begin a session: operation not permitted");
	cr_expect_eq(close(taken), -1);
	make_pair(fd);
	uint8_t *much = calloc(1, (1 << 20) + 1);
	cr_expect_null(vly_session_adopt(&loop, fd[0], NULL, much, (1 << 20) + 1, NULL,
					 &side_callbacks, &side, reason, sizeof(reason)));
	cr_expect_str_eq(reason, "too much had been read from the connection");
	free(much);
	fclose(file);
	loop_end(&loop);
	cr_expect_eq(recv(fd[1], reason, 1, 0), 0, "the descriptor is open still");
	close(fd[1]);
}
