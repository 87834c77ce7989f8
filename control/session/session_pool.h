/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Connections to servers that wait for their next exchange: a client need not make one for each (RFC 7766 §6.2.1,
 * RFC 9103 §6.2.1).
 *
 * Use:
 *   1. vly_session_pool_new();
 *   2. vly_session_pool_take(); if there is none, vly_session_connect();
 *   3. when an exchange has ended and the server owes nothing, vly_session_pool_put() instead of
 *      vly_session_close();
 *   4. a connection that was taken may have been closed by the server at the same moment. If it ends before the first
 *      message, call vly_session_pool_spurn() and ask again over a new connection;
 *   5. vly_session_pool_empty() when credentials are replaced; vly_session_pool_free().
 *
 * A connection that waits is closed after VLY_SESSION_POOL_IDLE_MS, or when the server closes it or sends
 * something. Servers that have closed connections before the second exchange get one connection for each
 * exchange, for VLY_SESSION_POOL_SPURN_MS.
 *
 * Threads: the loop's. Ownership: connections that wait are the pool's.
 */
#ifndef VLY_CONTROL_SESSION_POOL_H
#define VLY_CONTROL_SESSION_POOL_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "session.h"

/* Shorter: zones that are asked about one by one get a connection each. Longer: servers, whose connections are
 * counted, keep them for nothing. BIND closes them after 30 s, Knot after 10 s. */
#define VLY_SESSION_POOL_IDLE_MS 5000

/* Connections that wait. More: descriptors are used up. Fewer: bursts of exchanges with many servers make
 * more connections. */
#define VLY_SESSION_POOL_MAX 256

/* Shorter: such a server gets more queries in vain. Longer: one that was started again gets more
 * connections. */
#define VLY_SESSION_POOL_SPURN_MS 60000

struct vly_session_pool;

/* Makes a pool. Returns NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_session_pool *
vly_session_pool_new(uv_loop_t *loop);

/* A connection to that target, the one that was used last; it is the caller's, with the default limits. NULL:
 * there is none. `opened` is not called again. */
__attribute__((nonnull(1, 2, 3), warn_unused_result)) struct vly_session *
vly_session_pool_take(struct vly_session_pool *pool, const struct vly_session_target *target,
		      const struct vly_session_callbacks *callbacks, void *arg);

/* Takes a connection to the target over, and keeps it or closes it. */
__attribute__((nonnull)) void vly_session_pool_put(struct vly_session_pool *pool,
						   struct vly_session *session,
						   const struct vly_session_target *target);

/* The target has closed a connection that was taken, before it answered. */
__attribute__((nonnull)) void vly_session_pool_spurn(struct vly_session_pool *pool,
						     const struct vly_session_target *target);

/* Connections that wait. */
__attribute__((nonnull)) uint32_t vly_session_pool_cnt(const struct vly_session_pool *pool);

/* Closes all of them. */
__attribute__((nonnull)) void vly_session_pool_empty(struct vly_session_pool *pool);

void vly_session_pool_free(struct vly_session_pool *pool);

#endif
