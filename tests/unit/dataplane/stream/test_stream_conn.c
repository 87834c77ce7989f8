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
#include <volley/publish.h>

#include "stream/stream_conn.h"

#define A10  "aaaaaaaaaa"
#define A100 A10 A10 A10 A10 A10 A10 A10 A10 A10 A10

static const struct vly_test_zone zone = {"z.", VLY_TEST_APEX "a A 192.0.2.1\n"
							      "b TXT " A100 " " A100 "\n"};
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
send_questions(int fd, unsigned id, unsigned cnt, const struct vly_test_question *question)
{
	uint8_t octets[2 + 512];
	unsigned len = vly_test_question_write(octets + 2, question);

	vly_put_be16(octets, len);
	vly_put_be16(octets + 2, id);
	for (unsigned i = 0; i < cnt; i++)
		cr_assert_eq(send(fd, octets, 2 + len, 0), 2 + len);
}

static void
send_queries(int fd, unsigned id, unsigned cnt)
{
	send_questions(fd, id, cnt,
		       &(struct vly_test_question){.name = "a.z.", .type = VLY_TYPE_A});
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

static void
on_wake(uv_async_t *wake)
{
	(void)wake;
}

static void
on_arrival(void *arg)
{
	(void)arg;
}

/* A query, and behind it an update, which finds no room among the requests. */
static void
send_query_and_update(int fd, unsigned id)
{
	static const uint8_t update[2 + VLY_DNS_HEADER_BYTES] = {
		[1] = VLY_DNS_HEADER_BYTES, [4] = VLY_OPCODE_UPDATE << 3};

	send_queries(fd, id, 1);
	cr_assert_eq(send(fd, update, sizeof(update), 0), (ssize_t)sizeof(update));
}

Test(stream_conn, responses_before_an_update_that_finds_no_room_reach_their_client_alone)
{
	static struct vly_requests requests;
	static struct vly_requests_client client;
	uint8_t octets[1024];

	cr_assert_eq(vly_requests_open(&requests, &loop, on_wake), 0);
	cr_assert_eq(vly_requests_join(&requests, &client, &loop, on_arrival, &client), 0);
	atomic_store(&requests.opcodes, 1u << VLY_OPCODE_UPDATE);
	requests.cnt = VLY_REQUESTS_MAX;
	pool.requests = &client;
	int refused_fd = connect_client();
	send_query_and_update(refused_fd, 0xaaaa);
	cr_assert_geq(receive(refused_fd, octets, sizeof(octets)), 2 + VLY_DNS_HEADER_BYTES);
	cr_expect_eq(vly_be16(octets + 2), 0xaaaa);
	cr_expect_leq(receive(refused_fd, octets, sizeof(octets)), 0, "closed");
	cr_expect_eq(requests.full_cnt, 1);
	cr_expect_eq(counters.closed_client, 1);

	int fd = connect_client();
	send_queries(fd, 0xbbbb, 1);
	ssize_t len = receive(fd, octets, sizeof(octets));
	cr_assert_geq(len, 2 + VLY_DNS_HEADER_BYTES);
	cr_expect_eq(vly_be16(octets + 2), 0xbbbb);
	cr_expect_eq(vly_be16(octets), len - 2, "one response, and nothing behind it");
	close(fd);
	close(refused_fd);
	requests.cnt = 0;
	vly_requests_leave(&client);
	vly_requests_close(&requests);
}

static struct vly_handovers handovers;

static void
open_handovers(uint32_t wishes)
{
	cr_assert_eq(vly_handovers_open(&handovers, &loop, on_wake), 0);
	atomic_store(&handovers.wishes, wishes);
	pool.handovers = &handovers;
}

static void
send_transfer(int fd)
{
	send_questions(fd, 0xcccc, 1,
		       &(struct vly_test_question){.name = "z.", .type = VLY_TYPE_AXFR});
}

/* The response to what was sent with this id, and nothing else. */
static void
expect_one(int fd, unsigned id, unsigned rcode)
{
	uint8_t octets[1024];
	ssize_t len = receive(fd, octets, sizeof(octets));

	cr_assert_geq(len, 2 + VLY_DNS_HEADER_BYTES);
	cr_expect_eq(vly_be16(octets + 2), id);
	cr_expect_eq(octets[5] & 15, (int)rcode);
	cr_expect_eq(vly_be16(octets), len - 2);
}

Test(stream_conn, a_transfer_leaves_the_pool_after_the_responses_before_it)
{
	open_handovers(VLY_WISH_TRANSFERS);
	int fd = connect_client();
	send_queries(fd, 0xaaaa, 1);
	send_transfer(fd);
	send_queries(fd, 0xbbbb, 1);
	expect_one(fd, 0xaaaa, VLY_RCODE_NOERROR);
	cr_expect_eq(pool.open, 0);
	cr_expect_eq(counters.handed_over, 1);
	struct vly_handover *handed = vly_handovers_next(&handovers);
	cr_assert_not_null(handed);
	cr_expect_eq(vly_be16(handed->octets + 2), 0xcccc);
	const unsigned behind = 2 + vly_be16(handed->octets);
	cr_assert_gt(handed->octet_bytes, behind + 4);
	cr_expect_eq(vly_be16(handed->octets + behind + 2), 0xbbbb);
	cr_expect_eq(handed->octet_bytes, behind + 2 + vly_be16(handed->octets + behind));

	/* the socket is nobody's but the hand-over's now */
	send_queries(fd, 0xdddd, 1);
	uv_run(&loop, UV_RUN_NOWAIT);
	uint8_t octets[512];
	cr_expect_eq(recv(handed->fd, octets, sizeof(octets), 0),
		     2 + vly_be16(handed->octets + behind));
	vly_handover_free(handed);
	cr_expect_eq(recv(fd, octets, sizeof(octets), 0), 0, "closed");
	close(fd);
	vly_handovers_close(&handovers);
}

Test(stream_conn, a_transfer_is_refused_without_a_wish_and_without_room)
{
	open_handovers(VLY_WISH_TLS);
	int fd = connect_client();
	send_transfer(fd);
	expect_one(fd, 0xcccc, VLY_RCODE_REFUSED);
	atomic_store(&handovers.wishes, VLY_WISH_TRANSFERS);
	handovers.cnt = VLY_HANDOVERS_MAX;
	send_transfer(fd);
	expect_one(fd, 0xcccc, VLY_RCODE_REFUSED);
	cr_expect_eq(pool.open, 1);
	cr_expect_eq(counters.handed_over, 0);
	send_queries(fd, 0xaaaa, 1);
	expect_one(fd, 0xaaaa, VLY_RCODE_NOERROR);
	handovers.cnt = 0;
	close(fd);
	vly_handovers_close(&handovers);
}

/* The client does not read: the transfer waits behind the responses that do. */
Test(stream_conn, a_transfer_waits_until_responses_are_read)
{
	const int small = 4096;
	uint8_t octets[4096];
	size_t got = 0;
	struct vly_handover *handed = NULL;

	open_handovers(VLY_WISH_TRANSFERS);
	int fd = connect_client();
	cr_assert_eq(setsockopt(TAILQ_FIRST(&pool.queue[VLY_STREAM_IDLE])->fd, SOL_SOCKET,
				SO_SNDBUF, &small, sizeof(small)),
		     0);
	send_questions(fd, 0xaaaa, 2 * VLY_BURST_MAX,
		       &(struct vly_test_question){.name = "b.z.", .type = VLY_TYPE_TXT});
	send_transfer(fd);
	uv_run(&loop, UV_RUN_NOWAIT);
	cr_expect_eq(pool.open, 1);
	cr_expect_null(vly_handovers_next(&handovers));
	for (unsigned i = 0; i < 1000 && handed == NULL; i++) {
		ssize_t len = receive(fd, octets, sizeof(octets));
		got += len > 0 ? (size_t)len : 0;
		handed = vly_handovers_next(&handovers);
	}
	cr_assert_not_null(handed);
	ssize_t len;
	while ((len = recv(fd, octets, sizeof(octets), 0)) > 0)
		got += (size_t)len;
	cr_expect_eq(got % (2 * VLY_BURST_MAX), 0, "responses of one length, all of them");
	cr_expect_gt(got, 2 * VLY_BURST_MAX * 200);
	cr_expect_eq(pool.open, 0);
	vly_handover_free(handed);
	close(fd);
	vly_handovers_close(&handovers);
}

static int
connect_tls(void)
{
	struct sockaddr_storage address = {.ss_family = AF_INET};
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	vly_stream_pool_pass_on(&pool, pair[1], &address);
	return pair[0];
}

Test(stream_conn, connections_to_the_port_of_tls)
{
	uint8_t octet;

	open_handovers(VLY_WISH_TRANSFERS);
	int fd = connect_tls();
	cr_expect_eq(recv(fd, &octet, 1, 0), 0, "volley-control does not want it");
	cr_expect_eq(counters.refused_tls, 1);
	close(fd);
	atomic_store(&handovers.wishes, VLY_WISH_TLS);
	denied_idx = asked_cnt + 1;
	fd = connect_tls();
	cr_expect_eq(recv(fd, &octet, 1, 0), 0, "denied");
	cr_expect_eq(counters.refused_denied, 1);
	close(fd);
	for (unsigned i = 0; i < 2 * settings.open_max; i++) {
		fd = connect_tls();
		struct vly_handover *handed = vly_handovers_next(&handovers);
		cr_assert_not_null(handed, "the limit is on those that are open here");
		cr_expect_eq(handed->flags, VLY_CONNECTION_TLS);
		cr_expect_eq(handed->octet_bytes, 0);
		vly_handover_free(handed);
		close(fd);
	}
	cr_expect_eq(counters.handed_over, 2 * settings.open_max);
	for (unsigned i = 0; i < settings.open_max; i++)
		(void)connect_client();
	fd = connect_tls();
	cr_expect_eq(recv(fd, &octet, 1, 0), 0, "the client has too many");
	cr_expect_eq(counters.refused_prefix, 1);
	close(fd);
	vly_handovers_close(&handovers);
}
