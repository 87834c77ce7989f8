/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The connections of one stream thread (RFC 7766): reading, answering, writing, closing.
 *
 * Use: vly_stream_pool_open() on the thread's loop; vly_stream_pool_add() each accepted socket; the
 * rest happens in the loop. vly_stream_pool_make_room() when descriptors run out. At the end,
 * vly_stream_pool_close(), then run the loop until it has no handles.
 *
 * Messages are answered in bursts, in order. A message that volley-control answers goes to
 * request/requests.h, and the connection waits for the response, as one in state WRITING does, with
 * what follows on it. Responses that the socket does not take at once are kept; until they are sent,
 * nothing more is read or answered. When the next message is one with which volley-control takes over
 * (stream_transfer.h), and all before it is answered and sent, the connection leaves the pool with
 * its socket open.
 *
 * A connection is in one of three states:
 *
 *     IDLE     ── first octet of a message ──►  READING  ── message complete ──►  answered
 *     answered ── all responses sent ───────►   IDLE
 *     answered ── socket takes no more ─────►   WRITING  ── client has read ───►  IDLE or READING
 *
 * Each state has a time limit, and a queue in the order in which limits expire, so one timer checks
 * only the heads. When the limit on connections or memory is reached, the connection that has been
 * in its state for longest is closed.
 *
 * Memory per thread: struct vly_stream_pool with its buffers, 0.2 MiB; struct vly_stream_conn,
 * about 300 octets with malloc's overhead, for each connection; and the octets kept for
 * connections, at most buffers_max plus those of one connection (VLY_STREAM_KEPT_MAX +
 * VLY_STREAM_OUT_BYTES). stream_udp.c needs 1.5 MiB more, and the policy's counts of sources 2 MiB.
 * The kernel's memory is bounded by the buffer sizes in stream_socket.h, 320 KiB for each
 * connection, and by net.ipv4.tcp_mem for all.
 *
 * One thread, which is a registered RCU reader and offline. Nothing blocks on a client. Octets from
 * clients are untrusted.
 */
#ifndef VLY_DATAPLANE_STREAM_CONN_H
#define VLY_DATAPLANE_STREAM_CONN_H

#include <sys/queue.h>

#include <uv.h>

#include "request/handovers.h"
#include "request/requests.h"
#include "stream_answer.h"
#include "stream_limits.h"
#include "stream_policy.h"

enum vly_stream_state {
	VLY_STREAM_IDLE,
	VLY_STREAM_READING, /* a part of a message has arrived */
	VLY_STREAM_WRITING, /* responses wait until the client reads */
	VLY_STREAM_STATE_CNT,
};

struct vly_stream_settings {
	uint32_t state_ms[VLY_STREAM_STATE_CNT]; /* time limits; idle: see vly_stream_idle_ms() */
	uint32_t open_max;                       /* connections of this thread */
	size_t buffers_max;                      /* octets kept for its connections */
	uint16_t udp_limit_max;                  /* UDP payload size in the OPT */
};

struct vly_stream_conn {
	uv_poll_t poll;
	TAILQ_ENTRY(vly_stream_conn) link; /* in pool->queue[state] */
	struct vly_stream_pool *pool;
	struct vly_stream_input input;
	struct vly_request *request;   /* waits for its response; NULL: none does */
	struct vly_handover *handover; /* is about to be handed over; NULL: is not */
	uint8_t *pending;              /* octets to send, or NULL */
	uint32_t pending_at;           /* the first that is not sent */
	uint32_t pending_bytes;
	uint32_t buffers_bytes; /* as counted in pool->buffers_bytes */
	uint64_t since_ms;      /* start of the state, or of the current message or responses */
	uint64_t client;        /* vly_stream_client() */
	uint8_t address[16];    /* the first 4 octets if ipv4 */
	uint16_t port;
	int fd;
	int events;
	uint8_t state; /* enum vly_stream_state */
	bool ipv4;
	bool fresh;  /* a message was completed, or new responses are pending: time starts anew */
	bool ending; /* the client has closed its side: nothing more is read */
};

TAILQ_HEAD(vly_stream_queue, vly_stream_conn);

struct vly_stream_pool {
	const struct vly_stream_settings *settings;
	struct vly_stream_limits *limits; /* shared by all threads */
	struct vly_stream_policy *policy;
	struct vly_stream_counters *counters;
	struct vly_requests_client *requests;
	struct vly_handovers *handovers; /* NULL: none are taken over */
	uv_loop_t *loop;
	uv_timer_t timer;
	uint64_t beats; /* changes with each turn of the loop, for the watchdog */
	struct vly_stream_queue queue[VLY_STREAM_STATE_CNT];
	uint32_t open;        /* connections */
	size_t buffers_bytes; /* kept for them */
	struct vly_stream_scratch scratch;
	struct vly_stream_answerer answerer;
};

/* `settings`, `limits`, `policy` and `counters` stay the caller's, and so do pool->requests and
 * pool->handovers, which may be set afterwards. */
__attribute__((nonnull)) void vly_stream_pool_open(struct vly_stream_pool *pool, uv_loop_t *loop,
						   const struct vly_stream_settings *settings,
						   struct vly_stream_limits *limits,
						   struct vly_stream_policy *policy,
						   struct vly_stream_counters *counters);

/* Takes over an accepted, non-blocking socket. Closes it if the client has too many connections, if
 * its prefix is denied, or if there is no memory. */
__attribute__((nonnull)) void vly_stream_pool_add(struct vly_stream_pool *pool, int fd,
						  const struct sockaddr_storage *address);

/* The same for one to the port of TLS: hands it over at once, or closes it, also if it is not taken
 * over. */
__attribute__((nonnull)) void vly_stream_pool_pass_on(struct vly_stream_pool *pool, int fd,
						      const struct sockaddr_storage *address);

/* Closes the connection that is least useful. Returns false if there is none. */
__attribute__((nonnull)) bool vly_stream_pool_make_room(struct vly_stream_pool *pool);

/* Closes all connections. The loop must run on until it has no handles. */
__attribute__((nonnull)) void vly_stream_pool_close(struct vly_stream_pool *pool);

/* The idle time that a connection currently has. */
__attribute__((nonnull, pure)) uint32_t vly_stream_pool_idle_ms(const struct vly_stream_pool *pool);

/* The rest is for stream_conn.c and stream_pool.c. */

/* Closes a connection: with FIN, or with RST if unsent and unread octets are to be discarded. */
__attribute__((nonnull)) void vly_stream_conn_close(struct vly_stream_conn *conn, bool reset);

/* Hands the connection over: conn->handover is set. */
__attribute__((nonnull)) void vly_stream_conn_hand_over(struct vly_stream_conn *conn);

/* Moves the connection to the queue of its state after an event. May close it or others. */
__attribute__((nonnull)) void vly_stream_pool_settle(struct vly_stream_conn *conn);

/* Sends the response of a request that the connection waits for, or closes the connection when there
 * is none. The request stays the caller's. */
__attribute__((nonnull)) void vly_stream_conn_on_response(const struct vly_request *request);

/* The uv_poll_cb of a connection. */
void vly_stream_conn_on_event(uv_poll_t *poll, int status, int events);

#endif
