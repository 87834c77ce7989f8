/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The dataplane's end of the publish socket (volley/publish.h), on the main thread's libuv loop.
 *
 * Use: vly_publish_server_open() before the loop runs; vly_publish_server_close(), then let the
 * loop run out so that its handles are closed, then vly_image_set_destroy() the images when no
 * lcore reads. The server owns `images` in between. Requests are carried out in the loop, grace
 * periods included.
 */
#ifndef VLY_DATAPLANE_PUBLISH_SERVER_H
#define VLY_DATAPLANE_PUBLISH_SERVER_H

#include <uv.h>

#include "base/counters.h"
#include "image/image_set.h"
#include "port/port.h"

struct vly_publish_server {
	const char *path;
	uid_t user; /* whose control may connect, beside root's */
	uv_loop_t *loop;
	const struct vly_counters_block *block;
	struct vly_image_set images;
	struct vly_port *ports; /* follow the rules of the defence */
	unsigned port_cnt;
	int listen_fd;  /* -1: closed */
	int control_fd; /* -1: no control is connected */
	uv_poll_t listen_poll;
	uv_timer_t listen_timer; /* while no connection can be taken */
	uv_poll_t *control_poll; /* freed by libuv's close callback */
	/* The caller's, called in the loop when the first table is live. Set after the server is
	 * open. */
	void (*on_first_commit)(void *argument);
	void *argument;
};

/* Listens on `path` (kept, not copied; the ports as well), in place of a socket that nobody listens
 * on any more. A control of `user` may connect, if there is such a user, and one of root. Returns 0, or -1 with the error logged. */
__attribute__((nonnull, warn_unused_result)) int
vly_publish_server_open(struct vly_publish_server *server, uv_loop_t *loop, const char *path,
			const char *user, const struct vly_counters_block *block,
			struct vly_port *ports, unsigned port_cnt);

/* Ends the connection, stops listening and removes the socket. */
__attribute__((nonnull)) void vly_publish_server_close(struct vly_publish_server *server);

#endif
