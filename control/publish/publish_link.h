/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The connection under the publisher: a SOCK_SEQPACKET client on a libuv loop, and a watch of the
 * socket's directory that tells when the dataplane (re)appears.
 *
 * Use: init, then open (again after each `down`), send, close; free at the end. Events come from
 * the loop, on its thread. Nothing is sent before what was sent last has left: callers wait for
 * an answer to each.
 */
#ifndef VLY_CONTROL_PUBLISH_LINK_H
#define VLY_CONTROL_PUBLISH_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct vly_publish_link_events {
	/* One packet (aligned; valid during the call). `fd` came with it, or -1; it is closed
	 * after the call. */
	void (*message)(void *arg, const void *message, size_t bytes, int fd);
	/* The connection has ended, by either side. */
	void (*down)(void *arg, const char *reason);
	/* Something happened to the socket's name: opening may work now. */
	void (*appears)(void *arg);
};

struct vly_publish_link {
	uv_loop_t *loop;
	const char *path;
	const struct vly_publish_link_events *events;
	void *arg;
	uv_fs_event_t watch;
	bool watching;
	uv_poll_t *poll; /* NULL: not open */
	void (*freed)(void *arg);
};

/* `path` stays the caller's and valid. */
__attribute__((nonnull(1, 2, 3, 4))) void
vly_publish_link_init(struct vly_publish_link *link, uv_loop_t *loop, const char *path,
		      const struct vly_publish_link_events *events, void *arg);

/* Returns 0, or -1 with the reason in `reason`. */
__attribute__((nonnull, warn_unused_result)) int
vly_publish_link_open(struct vly_publish_link *link, char *reason, size_t reason_bytes);

/* Sends one packet, with a descriptor unless fd is -1. A failure ends the connection: `down`
 * follows. */
__attribute__((nonnull)) void vly_publish_link_send(struct vly_publish_link *link,
						    const void *message, size_t bytes, int fd);

/* Ends the connection, and calls `down`. */
__attribute__((nonnull)) void vly_publish_link_close(struct vly_publish_link *link,
						     const char *reason);

/* Ends everything without a call of `down`; `freed` is called when the loop is done with the
 * link. */
__attribute__((nonnull)) void vly_publish_link_free(struct vly_publish_link *link,
						    void (*freed)(void *arg));

#endif
