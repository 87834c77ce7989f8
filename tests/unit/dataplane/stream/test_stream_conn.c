/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections on a loop of the test's own, by pairs of sockets. The policy is the test's, too: it
 * says when a client is denied. */
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/wire.h"
#include "message.h"
#include "ring_port.h"
#include "server.h"
#include "stream/stream_conn.h"

static const struct vly_test_zone zone = {"z.", VLY_TEST_APEX "a A 192.0.2.1\n"};
static const struct vly_stream_settings settings = {
	.state_ms = {10000, 10000, 10000},
	.open_max = 4,
	.buffers_max = 1 << 20,
	.udp_limit_max = 1232,
};

static struct vly_test_server server;
static struct vly_stream_counters counters;
static struct vly_stream_limits limits;
static struct vly_stream_policy policy;
static struct vly_stream_pool pool;
static uv_loop_t loop;
static unsigned asked_cnt;  /* how often the policy was asked */
static unsigned denied_idx; /* the time that it says yes; 0: never */

/* The linker puts it in place of vly_stream_policy_denies(). */
bool __wrap_vly_stream_policy_denies(struct vly_stream_policy *asked,
				     const struct vly_stream_source *source);

bool
__wrap_vly_stream_policy_denies(struct vly_stream_policy *asked,
				const struct vly_stream_source *source)
{
	(void)asked, (void)source;
	return ++asked_cnt == denied_idx;
}

static void
open_pool(void)
{
	ring_port_open(63, 256); /* not for its port: DPDK then knows how fast cycles are */
	cr_assert_eq(vly_test_server_open(&server, &zone, 1), 0);
	rcu_register_thread();
	rcu_thread_offline();
	vly_table_publish(server.table);
	cr_assert_eq(vly_stream_limits_create(&limits, settings.open_max, settings.open_max), 0);
	cr_assert_eq(uv_loop_init(&loop), 0);
	vly_stream_pool_open(&pool, &loop, &settings, &limits, &policy, &counters);
}

static void
close_pool(void)
{
	vly_stream_pool_close(&pool);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_expect_eq(uv_loop_close(&loop), 0);
	vly_stream_limits_destroy(&limits);
	rcu_unregister_thread();
	ring_port_close();
}

TestSuite(stream_conn, .init = open_pool, .fini = close_pool);

/* Returns the client's end. */
static int
connect_client(void)
{
	struct sockaddr_storage address = {.ss_family = AF_INET};
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	vly_stream_pool_add(&pool, ends[1], &address);
	return ends[0];
}

static void
send_queries(int fd, unsigned id, unsigned cnt)
{
	uint8_t octets[2 + 512];
	unsigned len = vly_test_question_write(
		octets + 2, &(struct vly_test_question){.name = "a.z.", .type = VLY_TYPE_A});

	vly_put_be16(octets, len);
	vly_put_be16(octets + 2, id);
	for (unsigned i = 0; i < cnt; i++)
		cr_assert_eq(send(fd, octets, 2 + len, 0), 2 + len);
}

/* What the client has got by now, after one turn of the loop. */
static ssize_t
receive(int fd, uint8_t *octets, size_t room)
{
	uv_run(&loop, UV_RUN_NOWAIT);
	return recv(fd, octets, room, 0);
}

Test(stream_conn, responses_of_a_client_that_is_denied_meanwhile_reach_nobody_else)
{
	uint8_t octets[1024];

	/* asked when it connects, and for each of two bursts */
	denied_idx = 3;
	int denied_fd = connect_client();
	send_queries(denied_fd, 0xaaaa, VLY_BURST_MAX + 1);
	cr_expect_leq(receive(denied_fd, octets, sizeof(octets)), 0);
	cr_expect_eq(counters.closed_denied, 1);

	int fd = connect_client();
	send_queries(fd, 0xbbbb, 1);
	ssize_t len = receive(fd, octets, sizeof(octets));
	cr_assert_geq(len, 2 + VLY_DNS_HEADER_BYTES);
	cr_expect_eq(vly_be16(octets + 2), 0xbbbb);
	cr_expect_eq(vly_be16(octets), len - 2, "one response, and nothing behind it");
	close(fd);
	close(denied_fd);
}
