/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One stream thread: a loop that accepts and serves connections, and answers UDP by ordinary
 * sockets.
 *
 * Use: vly_stream_thread_start() with sockets that are bound; vly_stream_thread_stop() ends the
 * thread and waits for it. The thread is a registered RCU reader, online only while it answers a
 * burst: neither a waiting loop nor a slow client holds up a grace period.
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
	int reserve_fd; /* given up for a moment when there is no other descriptor left */
	unsigned listener_cnt;
	struct vly_stream_listener *listener; /* the caller's */
	const struct vly_stream_settings *settings;
	struct vly_stream_limits *limits;
	struct vly_stream_counters *counters;
	struct vly_sample_ring *samples;
	pid_t tid; /* for the watchdog, while it is running */
	atomic_bool running;
};

/* The caller has set listener[], settings, limits, counters and samples, and keeps them until the
 * thread is stopped. Returns 0 or a negative errno. */
__attribute__((nonnull, warn_unused_result)) int
vly_stream_thread_start(struct vly_stream_thread *thread);

/* A number that is another one whenever the thread has come back, idle or not; from any thread,
 * while it is running. */
__attribute__((nonnull)) uint64_t
vly_stream_thread_progress(const struct vly_stream_thread *thread);

/* Copies the messages that the thread is answering; for another thread, when this one hangs. */
__attribute__((nonnull)) void vly_stream_thread_held(const struct vly_stream_thread *thread,
						     struct vly_evidence *evidence);

/* Closes all its connections and sockets. */
__attribute__((nonnull)) void vly_stream_thread_stop(struct vly_stream_thread *thread);

#endif
