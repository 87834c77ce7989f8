/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Either end of the connection between volley-control and volley-health: lines of JSON in and out, on a libuv loop.
 *
 * Use: vly_health_stream_new() with a connected socket; vly_health_stream_send() while there is room; then either `down`
 * is called, or vly_health_stream_close() ends it: both only once, and the stream is gone.
 *
 * Threads: the loop's. Nothing blocks.
 */
#ifndef VLY_COMMON_HEALTH_STREAM_H
#define VLY_COMMON_HEALTH_STREAM_H

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

struct vly_health_stream_events {
	/* A line (untrusted): {key: value}. Returns false to end the connection; `down` is called then. The callee may
	 * close the stream. */
	bool (*line)(void *arg, const char *key, const json_t *value);
	/* What was sent has gone, and there is room again. */
	void (*room)(void *arg);
	/* The connection has ended. */
	void (*down)(void *arg, const char *reason);
};

struct vly_health_stream;

/* Octets that wait for the peer: from so many on there is no room. Twice as many are never kept: the connection ends. */
#define VLY_HEALTH_STREAM_ROOM (256 * 1024)

/* Whether the peer of a connected socket is a process of our own user or of root. */
bool vly_health_peer_is_ours(int fd);

/* Takes the descriptor over, which must not block. Returns NULL without memory, and the descriptor is closed. */
__attribute__((nonnull, warn_unused_result)) struct vly_health_stream *
vly_health_stream_new(uv_loop_t *loop, int fd, const struct vly_health_stream_events *events,
		      void *arg);

__attribute__((nonnull)) bool vly_health_stream_has_room(const struct vly_health_stream *stream);

/* Sends {key: value}; `value` is taken over. What can't be sent ends the connection, later. */
__attribute__((nonnull(1, 2))) void vly_health_stream_send(struct vly_health_stream *stream,
							   const char *key, json_t *value);

/* Ends the connection without a call of `down`. */
__attribute__((nonnull)) void vly_health_stream_close(struct vly_health_stream *stream);

#endif
