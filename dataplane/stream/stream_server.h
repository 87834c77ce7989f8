/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All stream threads and their sockets: TCP on port 53, and UDP for queries that the fast path
 * leaves to the kernel; and TCP on the port of TLS, if there is one, for volley-control.
 *
 * Use, in the main thread:
 *   1. vly_stream_server_open() binds the sockets, so that a port in use is noticed before anything
 *      else starts. Nothing is answered yet: the kernel refuses connections, and also datagrams,
 *      since the UDP sockets are closed again;
 *   2. vly_stream_server_start() when there are zones; the threads run on the main thread's CPUs;
 *   3. vly_stream_server_stop() before the images of the table are closed; it waits for the
 *      threads, and does nothing if they were not started;
 *   4. vly_stream_server_close().
 *
 * Memory for connections: see stream_conn.h, with buffers_max = --stream-memory / threads.
 */
#ifndef VLY_DATAPLANE_STREAM_SERVER_H
#define VLY_DATAPLANE_STREAM_SERVER_H

#include "setup/options.h"
#include "stream_thread.h"

struct vly_stream_server {
	struct vly_stream_settings settings; /* of each thread */
	struct vly_stream_limits limits;
	unsigned thread_cnt; /* 0: no streams */
	unsigned started_cnt;
	struct vly_stream_thread *thread;
	unsigned per_thread_cnt; /* listeners of each thread */
	struct vly_stream_listener *listener;
};

/* `server` is zeroed. Returns 0, or -1 with the error logged; call vly_stream_server_close() in
 * either case. */
__attribute__((nonnull, warn_unused_result)) int
vly_stream_server_open(struct vly_stream_server *server, const struct vly_options *options);

/* `counters` must have thread_cnt rows for streams. `requests` and `handovers` are open, and stay the
 * caller's. Returns 0, or -1 with the error logged. */
__attribute__((nonnull, warn_unused_result)) int
vly_stream_server_start(struct vly_stream_server *server, struct vly_counters *counters,
			struct vly_requests *requests, struct vly_handovers *handovers);

__attribute__((nonnull)) void vly_stream_server_stop(struct vly_stream_server *server);

__attribute__((nonnull)) void vly_stream_server_close(struct vly_stream_server *server);

#endif
