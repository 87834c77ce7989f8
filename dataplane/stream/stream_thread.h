/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One stream thread: a loop that accepts and serves connections, and answers UDP from ordinary
 * sockets.
 *
 * Use, in the main thread: vly_stream_thread_start() with bound sockets; vly_stream_thread_stop().
 *
 * The thread is a registered RCU reader, and online only while it answers a burst: neither a
 * waiting loop nor a slow client delays a grace period.
 */
#ifndef VLY_DATAPLANE_STREAM_THREAD_H
#define VLY_DATAPLANE_STREAM_THREAD_H

#include "base/evidence.h"
#include "stream_conn.h"
#include "stream_socket.h"
#include "stream_udp.h"

struct vly_stream_listener {
	uv_poll_t poll;
	struct vly_stream_thread *thread;
	int fd; /* -1: closed */
	struct vly_stream_place place;
};

struct vly_stream_thread {
	uv_loop_t loop;
	uv_async_t stop;
	uv_thread_t id;
	struct vly_stream_policy policy;
	struct vly_stream_pool pool;
	struct vly_stream_udp *udp;
	struct vly_requests *requests; /* the caller's */
	struct vly_requests_client requests_client;
	/* Closed for a moment if no descriptor is left, so that a connection can be accepted and
	 * then closed, instead of making the listener readable for ever. */
	int reserve_fd;
	unsigned listener_cnt;
	struct vly_stream_listener *listener; /* [listener_cnt], the caller's */
	const struct vly_stream_settings *settings;
	struct vly_stream_limits *limits;
	struct vly_stream_counters *counters;
	struct vly_sample_ring *samples;
	pid_t tid; /* for the watchdog, while `running` */
	atomic_bool running;
};

/* Starts a thread whose listener[], settings, limits, counters, samples and requests are set; they stay the
 * caller's, and must live until the thread is stopped. Returns 0 or a negative errno. */
__attribute__((nonnull, warn_unused_result)) int
vly_stream_thread_start(struct vly_stream_thread *thread);

/* A number that changes with each turn of the thread's loop, idle or not. Any thread, while it is
 * running. */
__attribute__((nonnull)) uint64_t
vly_stream_thread_progress(const struct vly_stream_thread *thread);

/* Copies the messages that the thread is answering. For another thread, if this one hangs. */
__attribute__((nonnull)) void vly_stream_thread_held(const struct vly_stream_thread *thread,
						     struct vly_evidence *evidence);

/* Makes the thread close its connections and sockets, and waits until it has ended. */
__attribute__((nonnull)) void vly_stream_thread_stop(struct vly_stream_thread *thread);

#endif
