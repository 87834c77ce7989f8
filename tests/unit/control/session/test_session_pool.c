/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections that wait for their next use, over loopback. */
#include "session/session_pool.h"
#include "side.h"

static uv_loop_t loop;
static struct vly_session_pool *pool;
static struct vly_session_target target;
static int listener;
static struct side client;
static struct side server;

static void
set_up(void)
{
	cr_assert_eq(uv_loop_init(&loop), 0);
	pool = vly_session_pool_new(&loop);
	cr_assert_not_null(pool);
	listener = make_listener(&target.address, 10);
	server.echo = true;
}

static void
tear_down(void)
{
	vly_session_pool_free(pool);
	side_free(&client);
	side_free(&server);
	close(listener);
	loop_end(&loop);
}

TestSuite(session_pool, .init = set_up, .fini = tear_down);

static void
make_connection(void)
{
	char reason[512] = "";

	client.session = vly_session_connect(&loop, &target, NULL, &side_callbacks, &client, reason,
					     sizeof(reason));
	cr_assert_not_null(client.session, "%s", reason);
	RUN_UNTIL(&loop, client.opened_cnt == 1);
	side_adopt(&server, &loop, accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC),
		   NULL, NULL);
}

static void
exchange(unsigned cnt)
{
	(void)vly_session_send(client.session, (const uint8_t *)"hello", 5);
	RUN_UNTIL(&loop, client.message_cnt == cnt);
}

static void
put(void)
{
	vly_session_pool_put(pool, client.session, &target);
	client.session = NULL;
}

Test(session_pool, a_connection_is_used_for_one_exchange_after_the_other)
{
	make_connection();
	for (unsigned i = 1; i <= 3; i++) {
		exchange(i);
		put();
		cr_expect_eq(vly_session_pool_cnt(pool), 1);
		client.session = vly_session_pool_take(pool, &target, &side_callbacks, &client);
		cr_assert_not_null(client.session);
		cr_expect_eq(vly_session_pool_cnt(pool), 0);
	}
	cr_expect_null(vly_session_pool_take(pool, &target, &side_callbacks, &client));
	cr_expect_eq(client.opened_cnt, 1);
	cr_expect_eq(server.message_cnt, 3);
}

Test(session_pool, other_targets_get_none)
{
	struct vly_session_target other = target;
	struct vly_session_target from = target;
	struct sockaddr_in *in4 = (void *)&other.address;

	make_connection();
	put();
	in4->sin_port ^= 1;
	from.source = target.address;
	cr_expect_null(vly_session_pool_take(pool, &other, &side_callbacks, &client));
	cr_expect_null(vly_session_pool_take(pool, &from, &side_callbacks, &client));
	cr_expect_eq(vly_session_pool_cnt(pool), 1);
}

Test(session_pool, what_the_server_closes_is_forgotten)
{
	make_connection();
	put();
	vly_session_close(server.session);
	server.session = NULL;
	RUN_UNTIL(&loop, vly_session_pool_cnt(pool) == 0);
	cr_expect_null(vly_session_pool_take(pool, &target, &side_callbacks, &client));
}

Test(session_pool, a_server_that_sends_without_a_question_loses_the_connection)
{
	make_connection();
	put();
	(void)vly_session_send(server.session, (const uint8_t *)"forged", 6);
	RUN_UNTIL(&loop, vly_session_pool_cnt(pool) == 0 && server.closed_cnt == 1);
}

Test(session_pool, a_server_that_takes_one_exchange_gets_no_second)
{
	make_connection();
	put();
	vly_session_pool_spurn(pool, &target);
	cr_expect_eq(vly_session_pool_cnt(pool), 0);
	RUN_UNTIL(&loop, server.closed_cnt == 1);
	client = (struct side){0};
	server = (struct side){.echo = true};
	make_connection();
	put();
	cr_expect_eq(vly_session_pool_cnt(pool), 0);
	RUN_UNTIL(&loop, server.closed_cnt == 1);
}

Test(session_pool, it_is_emptied)
{
	make_connection();
	put();
	vly_session_pool_empty(pool);
	cr_expect_eq(vly_session_pool_cnt(pool), 0);
	RUN_UNTIL(&loop, server.closed_cnt == 1);
}

/* In pairs of a socket: no server has to accept them. */
Test(session_pool, it_holds_so_many)
{
	char reason[512];

	for (unsigned i = 0; i < VLY_SESSION_POOL_MAX + 5; i++) {
		struct vly_session *session = vly_session_connect(
			&loop, &target, NULL, &side_callbacks, &client, reason, sizeof(reason));
		cr_assert_not_null(session, "%s", reason);
		vly_session_pool_put(pool, session, &target);
	}
	cr_expect_eq(vly_session_pool_cnt(pool), VLY_SESSION_POOL_MAX);
}

Test(session_pool, a_full_one_closes_the_oldest)
{
	struct vly_session_target other = target;
	char reason[512];

	make_connection();
	put();
	other.source.ss_family = AF_INET;
	for (unsigned i = 0; i < VLY_SESSION_POOL_MAX; i++) {
		struct vly_session *session = vly_session_connect(
			&loop, &target, NULL, &side_callbacks, &client, reason, sizeof(reason));
		cr_assert_not_null(session, "%s", reason);
		vly_session_pool_put(pool, session, &other);
	}
	cr_expect_eq(vly_session_pool_cnt(pool), VLY_SESSION_POOL_MAX);
	cr_expect_null(vly_session_pool_take(pool, &target, &side_callbacks, &client));
	RUN_UNTIL(&loop, server.closed_cnt == 1);
}
