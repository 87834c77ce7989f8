/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One end of a connection under test, which records what it is called with; and a loop that runs
 * until something has happened.
 */
#ifndef VLY_TEST_SIDE_H
#define VLY_TEST_SIDE_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "session/session.h"

struct side {
	struct vly_session *session;
	unsigned opened_cnt;
	unsigned message_cnt;
	unsigned drained_cnt;
	unsigned ended_cnt;
	unsigned closed_cnt;
	struct vly_session_peer peer;
	enum vly_session_end end;
	char reason[512];
	uint8_t *octets; /* of all messages */
	size_t len;
	size_t last_len;
	/* what it does in its callbacks */
	bool echo;
	bool close_when_opened;
	bool pause_each;
	unsigned close_at; /* the message of this number */
	unsigned finish_at;
	void (*fill)(struct side *side); /* in `drained` */
	size_t left;
};

static void
side_opened(void *arg, const struct vly_session_peer *peer)
{
	struct side *side = arg;

	cr_expect_eq(side->closed_cnt, 0);
	side->opened_cnt++;
	side->peer = *peer;
	if (side->close_when_opened) {
		vly_session_close(side->session);
		side->session = NULL;
	}
}

static void
side_message(void *arg, const uint8_t *message, size_t len)
{
	struct side *side = arg;

	cr_assert_not_null(side->session, "a call after the end");
	cr_expect_eq(side->opened_cnt, 1);
	side->octets = realloc(side->octets, side->len + len + 1);
	cr_assert_not_null(side->octets);
	memcpy(side->octets + side->len, message, len);
	side->len += len;
	side->last_len = len;
	side->message_cnt++;
	if (side->echo)
		(void)vly_session_send(side->session, message, len);
	if (side->pause_each)
		vly_session_pause(side->session);
	if (side->finish_at == side->message_cnt)
		vly_session_finish(side->session);
	if (side->close_at == side->message_cnt) {
		vly_session_close(side->session);
		side->session = NULL;
	}
}

static void
side_drained(void *arg)
{
	struct side *side = arg;

	side->drained_cnt++;
	if (side->fill != NULL)
		side->fill(side);
}

static void
side_ended(void *arg)
{
	struct side *side = arg;

	side->ended_cnt++;
}

static void
side_closed(void *arg, enum vly_session_end end, const char *reason)
{
	struct side *side = arg;

	cr_expect_not_null(side->session);
	side->session = NULL;
	side->closed_cnt++;
	side->end = end;
	snprintf(side->reason, sizeof(side->reason), "%s", reason);
}

static const struct vly_session_callbacks side_callbacks = {
	.opened = side_opened,
	.message = side_message,
	.drained = side_drained,
	.closed = side_closed,
};

static const struct vly_session_callbacks side_half_callbacks = {
	.opened = side_opened,
	.message = side_message,
	.drained = side_drained,
	.ended = side_ended,
	.closed = side_closed,
};

static inline void
side_free(struct side *side)
{
	if (side->session != NULL)
		vly_session_close(side->session);
	side->session = NULL;
	free(side->octets);
	side->octets = NULL;
}

static void
on_tick(uv_timer_t *timer)
{
	(void)timer;
}

/* Runs the loop until the condition holds; fails after 20 s. */
#define RUN_UNTIL(loop, condition)                                                                 \
	do {                                                                                       \
		uv_timer_t tick_;                                                                  \
		const uint64_t end_ = uv_hrtime() + 20000000000u;                                  \
		cr_assert_eq(uv_timer_init(loop, &tick_), 0);                                      \
		uv_timer_start(&tick_, on_tick, 10, 10);                                           \
		while (!(condition) && uv_hrtime() < end_)                                         \
			uv_run(loop, UV_RUN_ONCE);                                                 \
		cr_assert((condition), "%s does not come true", #condition);                       \
		uv_close((uv_handle_t *)&tick_, NULL);                                             \
		uv_run(loop, UV_RUN_NOWAIT);                                                       \
	} while (0)

/* Ends what is left, and finds handles that were not closed. */
static inline void
loop_end(uv_loop_t *loop)
{
	uv_run(loop, UV_RUN_DEFAULT);
	cr_expect_eq(uv_loop_close(loop), 0);
}

static inline void
make_pair(int fd[2])
{
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd), 0);
}

/* A listening socket of loopback, and its address. */
static inline int
make_listener(struct sockaddr_storage *address, int backlog)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	cr_assert_eq(listen(fd, backlog), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	memset(address, 0, sizeof(*address));
	memcpy(address, &in, sizeof(in));
	return fd;
}

/* `fd` belongs to the side from now on. */
static inline void
side_adopt(struct side *side, uv_loop_t *loop, int fd, struct vly_credentials *credentials,
	   const struct vly_session_limits *limits)
{
	char reason[512] = "";

	side->session = vly_session_adopt(loop, fd, credentials, NULL, 0, limits, &side_callbacks,
					  side, reason, sizeof(reason));
	cr_assert_not_null(side->session, "%s", reason);
	cr_expect_eq(side->opened_cnt, 0);
}

#endif
