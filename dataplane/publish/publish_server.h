/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The dataplane's end of the publish socket (volley/publish.h), on the main thread's libuv loop.
 *
 * Use, in the main thread:
 *   1. vly_publish_server_open() before the loop runs;
 *   2. vly_publish_server_close(), then run the loop until its handles are closed;
 *   3. vly_image_set_destroy() `images` when no thread reads them any more.
 *
 * Requests are carried out in the loop, which they block: verifying an image, building a table,
 * waiting for a grace period. Everything from the socket is untrusted.
 */
#ifndef VLY_DATAPLANE_PUBLISH_SERVER_H
#define VLY_DATAPLANE_PUBLISH_SERVER_H

#include <uv.h>

#include "base/counters.h"
#include "image/image_set.h"
#include "pending_commit.h"
#include "port/port.h"
#include "request/handovers.h"
#include "request/requests.h"

struct vly_publish_server {
	const char *path;
	uid_t user; /* whose control may connect, beside root's */
	uv_loop_t *loop;
	const struct vly_counters_block *block;
	struct vly_image_set images;
	struct vly_pending_commit pending; /* of which not all parts are here */
	struct vly_requests requests;      /* of clients, for control */
	struct vly_handovers handovers;    /* the same: connections */
	uint64_t handed_cnt;               /* of these, sent */
	uint64_t committed_seq;            /* of the last commit, if it is live; or 0 */
	struct vly_port *ports;            /* get the rules of the defence */
	unsigned port_cnt;
	int listen_fd;  /* -1: closed */
	int control_fd; /* -1: no control is connected */
	uv_poll_t listen_poll;
	uv_idle_t enlarging;     /* runs while an image is put on large pages */
	uv_timer_t listen_timer; /* runs while no connection can be accepted */
	uv_poll_t *control_poll; /* freed by libuv's close callback */
	/* Called in the loop when the first table is live. Set by the caller after the server is
	 * open. */
	void (*on_first_commit)(void *argument);
	void *argument;
};

/* Listens on `path` and replaces a socket there on which nobody listens any more. A control of `user`
 * (if there is such a user), of root or of our own user may connect. `path`, `block` and `ports` stay
 * the caller's and are kept. Returns 0, or -1 with the error logged. */
__attribute__((nonnull, warn_unused_result)) int
vly_publish_server_open(struct vly_publish_server *server, uv_loop_t *loop, const char *path,
			const char *user, const struct vly_counters_block *block,
			struct vly_port *ports, unsigned port_cnt);

/* Ends requests and connections of clients that have waited for too long; to be called now and
 * then. */
__attribute__((nonnull)) void vly_publish_server_tick(struct vly_publish_server *server);

/* Closes the connection, stops listening and removes the socket. Stream threads have left the requests
 * by then. */
__attribute__((nonnull)) void vly_publish_server_close(struct vly_publish_server *server);

#endif
