/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All connections of a thread: their queues, their time limits, and which one is closed for
 * another. */
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <rte_cycles.h>

#include <volley/publish.h>

#include "stream_conn.h"

/* The delay with which an expired limit is noticed, and the interval at which the watchdog sees
 * that the thread is alive. Ten wake-ups a second cost little. */
#define TICK_MS 100

uint32_t
vly_stream_pool_idle_ms(const struct vly_stream_pool *pool)
{
	return vly_stream_idle_ms(pool->settings->state_ms[VLY_STREAM_IDLE], pool->open,
				  pool->settings->open_max);
}

/* RST frees the kernel's memory of the connection at once, and leaves nothing in TIME-WAIT. */
static void
close_socket(int fd, bool reset)
{
	const struct linger linger = {.l_onoff = 1};

	if (reset)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void
set_open(struct vly_stream_pool *pool, uint32_t open)
{
	pool->open = open;
	pool->counters->open = open;
}

/* The connection leaves the pool; its socket stays open, and is not watched any more. */
static void
leave_pool(struct vly_stream_conn *conn)
{
	struct vly_stream_pool *pool = conn->pool;

	if (conn->request != NULL)
		vly_requests_forget(pool->requests, conn->request);
	TAILQ_REMOVE(&pool->queue[conn->state], conn, link);
	uv_close((uv_handle_t *)&conn->poll, on_closed);
	vly_stream_limits_leave(pool->limits, conn->client);
	vly_stream_input_drop(&conn->input);
	free(conn->pending);
	pool->buffers_bytes -= conn->buffers_bytes;
	set_open(pool, pool->open - 1);
}

void
vly_stream_conn_close(struct vly_stream_conn *conn, bool reset)
{
	vly_handover_free(conn->handover);
	leave_pool(conn);
	close_socket(conn->fd, reset);
}

void
vly_stream_conn_hand_over(struct vly_stream_conn *conn)
{
	struct vly_stream_pool *pool = conn->pool;

	leave_pool(conn);
	pool->counters->handed_over++;
	vly_handovers_put(conn->handover, conn->fd, uv_now(pool->loop));
}

/* An idle client that has not acknowledged our last responses is a slow reader. */
static void
close_idle(struct vly_stream_conn *conn)
{
	struct vly_stream_counters *counters = conn->pool->counters;
	int unsent = 0;

	ioctl(conn->fd, SIOCOUTQ, &unsent);
	if (unsent > 0)
		counters->closed_slow_reader++;
	else
		counters->closed_idle++;
	vly_stream_conn_close(conn, unsent > 0);
}

static void
close_late(struct vly_stream_conn *conn)
{
	struct vly_stream_counters *counters = conn->pool->counters;

	switch ((enum vly_stream_state)conn->state) {
	case VLY_STREAM_IDLE:
		close_idle(conn);
		return;
	case VLY_STREAM_READING:
		counters->closed_slow_query++;
		break;
	case VLY_STREAM_WRITING:
	case VLY_STREAM_STATE_CNT:
		counters->closed_slow_reader++;
		break;
	}
	vly_stream_conn_close(conn, true);
}

static bool
is_late(const struct vly_stream_conn *conn)
{
	const struct vly_stream_pool *pool = conn->pool;
	uint32_t limit_ms = conn->state == VLY_STREAM_IDLE ? vly_stream_pool_idle_ms(pool)
							   : pool->settings->state_ms[conn->state];

	return uv_now(pool->loop) - conn->since_ms >= limit_ms;
}

static void
on_tick(uv_timer_t *timer)
{
	struct vly_stream_pool *pool = timer->data;
	struct vly_stream_conn *conn;

	pool->beats++;
	for (unsigned state = 0; state < VLY_STREAM_STATE_CNT; state++)
		while ((conn = TAILQ_FIRST(&pool->queue[state])) != NULL && is_late(conn))
			close_late(conn);
}

/* READING before WRITING: a client that has not sent a whole message has not used the
 * connection. */
bool
vly_stream_pool_make_room(struct vly_stream_pool *pool)
{
	for (unsigned state = 0; state < VLY_STREAM_STATE_CNT; state++) {
		struct vly_stream_conn *conn = TAILQ_FIRST(&pool->queue[state]);
		if (conn == NULL)
			continue;
		pool->counters->closed_limit++;
		vly_stream_conn_close(conn, true);
		return true;
	}
	return false;
}

/* The connection for which octets have been kept for longest is closed first: it is the least
 * likely to go on. */
static void
free_buffers(struct vly_stream_pool *pool)
{
	while (pool->buffers_bytes > pool->settings->buffers_max) {
		struct vly_stream_conn *conn = TAILQ_FIRST(&pool->queue[VLY_STREAM_WRITING]);
		if (conn == NULL)
			conn = TAILQ_FIRST(&pool->queue[VLY_STREAM_READING]);
		if (conn == NULL)
			return;
		pool->counters->closed_memory++;
		vly_stream_conn_close(conn, true);
	}
}

static enum vly_stream_state
state_of(const struct vly_stream_conn *conn)
{
	if (conn->pending != NULL || conn->request != NULL)
		return VLY_STREAM_WRITING;
	return conn->input.at != conn->input.end ? VLY_STREAM_READING : VLY_STREAM_IDLE;
}

void
vly_stream_pool_settle(struct vly_stream_conn *conn)
{
	struct vly_stream_pool *pool = conn->pool;
	enum vly_stream_state state = state_of(conn);
	/* what a client sends while it waits for volley-control, waits too. Most send nothing, so that
	 * the connection is taken out of the poll only when it does: that costs three system calls. */
	bool is_early = conn->request != NULL && !conn->fresh;
	int events = conn->pending != NULL ? UV_WRITABLE : is_early ? 0 : UV_READABLE;

	if (state != conn->state || state == VLY_STREAM_IDLE || conn->fresh) {
		TAILQ_REMOVE(&pool->queue[conn->state], conn, link);
		conn->state = (uint8_t)state;
		conn->since_ms = uv_now(pool->loop);
		TAILQ_INSERT_TAIL(&pool->queue[state], conn, link);
	}
	conn->fresh = false;
	if (events != conn->events) {
		conn->events = events;
		uv_poll_start(&conn->poll, events, vly_stream_conn_on_event);
	}
	pool->buffers_bytes -= conn->buffers_bytes;
	conn->buffers_bytes = conn->input.kept_bytes + conn->pending_bytes;
	pool->buffers_bytes += conn->buffers_bytes;
	free_buffers(pool);
}

static void
start_conn(struct vly_stream_pool *pool, struct vly_stream_conn *conn)
{
	conn->pool = pool;
	conn->poll.data = conn;
	conn->state = VLY_STREAM_IDLE;
	conn->since_ms = uv_now(pool->loop);
	TAILQ_INSERT_TAIL(&pool->queue[VLY_STREAM_IDLE], conn, link);
	set_open(pool, pool->open + 1);
	pool->counters->accepted++;
	conn->events = UV_READABLE;
	uv_poll_start(&conn->poll, UV_READABLE, vly_stream_conn_on_event);
}

static void
copy_address(uint8_t to[16], const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		memcpy(to, &((const struct sockaddr_in *)address)->sin_addr, 4);
	else
		memcpy(to, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
}

static bool
is_denied(struct vly_stream_pool *pool, const struct sockaddr_storage *address)
{
	uint8_t octets[16];
	const struct vly_stream_source source = {
		.ipv4 = address->ss_family == AF_INET,
		.port = ntohs(((const struct sockaddr_in *)address)->sin_port), /* as in IPv6's */
		.address = octets,
	};

	copy_address(octets, address);
	return vly_stream_policy_denies(pool->policy, &source);
}

/* Whether the client may have one more connection, which is counted then. */
static bool
is_admitted(struct vly_stream_pool *pool, const struct sockaddr_storage *address)
{
	if (is_denied(pool, address)) {
		pool->counters->refused_denied++;
		return false;
	}
	if (!vly_stream_limits_enter(pool->limits, vly_stream_client(address))) {
		pool->counters->refused_prefix++;
		return false;
	}
	return true;
}

void
vly_stream_pool_pass_on(struct vly_stream_pool *pool, int fd,
			const struct sockaddr_storage *address)
{
	struct vly_handover *handover = NULL;

	if (is_admitted(pool, address)) {
		vly_stream_limits_leave(pool->limits, vly_stream_client(address));
		if (pool->handovers != NULL && vly_handovers_want(pool->handovers, VLY_WISH_TLS))
			handover =
				vly_handover_make(pool->handovers, fd, VLY_CONNECTION_TLS, NULL, 0);
		pool->counters->refused_tls += handover == NULL;
	}
	if (handover == NULL) {
		close_socket(fd, true);
		return;
	}
	pool->counters->handed_over++;
	vly_handovers_put(handover, fd, uv_now(pool->loop));
}

void
vly_stream_pool_add(struct vly_stream_pool *pool, int fd, const struct sockaddr_storage *address)
{
	uint64_t client = vly_stream_client(address);

	if (!is_admitted(pool, address)) {
		close_socket(fd, true);
		return;
	}
	if (pool->open >= pool->settings->open_max)
		vly_stream_pool_make_room(pool);
	struct vly_stream_conn *conn = calloc(1, sizeof(*conn));
	if (conn == NULL || uv_poll_init(pool->loop, &conn->poll, fd) != 0) {
		vly_stream_limits_leave(pool->limits, client);
		close_socket(fd, true);
		free(conn);
		return;
	}
	conn->fd = fd;
	conn->client = client;
	conn->ipv4 = address->ss_family == AF_INET;
	conn->port = ntohs(((const struct sockaddr_in *)address)->sin_port);
	copy_address(conn->address, address);
	start_conn(pool, conn);
}

void
vly_stream_pool_open(struct vly_stream_pool *pool, uv_loop_t *loop,
		     const struct vly_stream_settings *settings, struct vly_stream_limits *limits,
		     struct vly_stream_policy *policy, struct vly_stream_counters *counters)
{
	pool->settings = settings;
	pool->limits = limits;
	pool->policy = policy;
	pool->counters = counters;
	pool->loop = loop;
	pool->answerer.counters = counters;
	pool->answerer.limit_max = settings->udp_limit_max;
	vly_guard_start(&pool->answerer.guard, NULL, NULL, rte_get_tsc_hz());
	vly_steering_start(&pool->answerer.steering, &counters->answers, rte_rdtsc());
	for (unsigned i = 0; i < VLY_BURST_MAX; i++)
		pool->answerer.query[i].steering = &pool->answerer.steering;
	for (unsigned state = 0; state < VLY_STREAM_STATE_CNT; state++)
		TAILQ_INIT(&pool->queue[state]);
	uv_timer_init(loop, &pool->timer);
	pool->timer.data = pool;
	uv_timer_start(&pool->timer, on_tick, TICK_MS, TICK_MS);
}

void
vly_stream_pool_close(struct vly_stream_pool *pool)
{
	struct vly_stream_conn *conn;

	for (unsigned state = 0; state < VLY_STREAM_STATE_CNT; state++)
		while ((conn = TAILQ_FIRST(&pool->queue[state])) != NULL)
			vly_stream_conn_close(conn, false);
	uv_close((uv_handle_t *)&pool->timer, NULL);
}
