/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The connections of one stream thread (RFC 7766): reading, answering, writing, and their end.
 *
 * Use: vly_stream_pool_open() on the thread's loop; vly_stream_pool_add() every accepted socket;
 * everything else happens in the loop. vly_stream_pool_make_room() when descriptors run out;
 * vly_stream_pool_close(), then let the loop run out.
 *
 * Messages are answered in bursts, in the order they came. What the socket does not take at once is
 * kept, and until it is gone nothing more is read or answered.
 *
 * A connection is idle, or in the middle of a message, or has a client that does not take its
 * responses; each state has a time limit, and a queue in the order in which the limit will be
 * reached, so that one timer looks at the heads only. When a limit on connections or memory is hit,
 * the one that has been in its state for longest goes.
 *
 * Memory, per thread: struct vly_stream_pool with its buffers (0.2 MiB); for each connection struct
 * vly_stream_conn, some 300 octets with malloc's own; and all that is kept for connections, at most
 * buffers_max plus what one of them may have (VLY_STREAM_KEPT_MAX + VLY_STREAM_OUT_BYTES).
 * stream_udp.c has 1.5 MiB more, and what the policy counts of sources takes 2 MiB. The kernel's
 * share is bounded by the buffer sizes in stream_socket.h: 320 KiB for each connection, and
 * net.ipv4.tcp_mem for all.
 */
#ifndef VLY_DATAPLANE_STREAM_CONN_H
#define VLY_DATAPLANE_STREAM_CONN_H

#include <sys/queue.h>

#include <uv.h>

#include "stream_answer.h"
#include "stream_limits.h"
#include "stream_policy.h"

enum vly_stream_state {
	VLY_STREAM_IDLE,
	VLY_STREAM_READING, /* a message has begun */
	VLY_STREAM_WRITING, /* responses wait for the client to take them */
	VLY_STREAM_STATE_CNT,
};

struct vly_stream_settings {
	uint32_t state_ms[VLY_STREAM_STATE_CNT]; /* time limits; idle: when there is no pressure */
	uint32_t open_max;                       /* connections of this thread */
	size_t buffers_max;                      /* octets kept for its connections */
	uint16_t udp_limit_max;                  /* for OPT */
};

struct vly_stream_conn {
	uv_poll_t poll;
	TAILQ_ENTRY(vly_stream_conn) link; /* in pool->queue[state] */
	struct vly_stream_pool *pool;
	struct vly_stream_input input;
	uint8_t *pending;    /* octets to send, or NULL */
	uint32_t pending_at; /* the first that is not sent */
	uint32_t pending_bytes;
	uint32_t buffers_bytes; /* as counted in pool->buffers_bytes */
	uint64_t since_ms;      /* in the state, or with the message or responses in question */
	uint64_t client;        /* of stream_limits.h */
	uint8_t address[16];    /* the first 4 octets when ipv4 */
	uint16_t port;
	int fd;
	int events;
	uint8_t state; /* enum vly_stream_state */
	bool ipv4;
	bool fresh;  /* a message was completed, or other responses are pending */
	bool ending; /* nothing more is read */
};

TAILQ_HEAD(vly_stream_queue, vly_stream_conn);

struct vly_stream_pool {
	const struct vly_stream_settings *settings;
	struct vly_stream_limits *limits; /* shared by all threads */
	struct vly_stream_policy *policy;
	struct vly_stream_counters *counters;
	uv_loop_t *loop;
	uv_timer_t timer;
	uint64_t beats; /* another number whenever the loop comes round, for the watchdog */
	struct vly_stream_queue queue[VLY_STREAM_STATE_CNT];
	uint32_t open;        /* connections */
	size_t buffers_bytes; /* kept for them */
	struct vly_stream_scratch scratch;
	struct vly_stream_answerer answerer;
};

/* `settings`, `limits`, `policy` and `counters` stay the caller's. */
__attribute__((nonnull)) void vly_stream_pool_open(struct vly_stream_pool *pool, uv_loop_t *loop,
						   const struct vly_stream_settings *settings,
						   struct vly_stream_limits *limits,
						   struct vly_stream_policy *policy,
						   struct vly_stream_counters *counters);

/* Takes over an accepted, non-blocking socket; closes it when it can't be had, or when the client's
 * prefix is denied. */
__attribute__((nonnull)) void vly_stream_pool_add(struct vly_stream_pool *pool, int fd,
						  const struct sockaddr_storage *address);

/* Closes the connection that can be missed most; false when there is none. */
__attribute__((nonnull)) bool vly_stream_pool_make_room(struct vly_stream_pool *pool);

/* Closes all; the loop must run on until it has no handles. */
__attribute__((nonnull)) void vly_stream_pool_close(struct vly_stream_pool *pool);

/* How long a connection may be idle now. */
__attribute__((nonnull, pure)) uint32_t vly_stream_pool_idle_ms(const struct vly_stream_pool *pool);

/* Ends a connection by FIN, or by RST when what is unsent or unread is of no use. For stream_conn.c
 * and stream_pool.c, as is what follows. */
__attribute__((nonnull)) void vly_stream_conn_close(struct vly_stream_conn *conn, bool reset);

/* Puts the connection where it belongs now, after anything has happened to it; may close it or
 * others. */
__attribute__((nonnull)) void vly_stream_pool_settle(struct vly_stream_conn *conn);

/* The uv_poll_cb of a connection. */
void vly_stream_conn_on_event(uv_poll_t *poll, int status, int events);

#endif
