/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The connection under the publisher: a SOCK_SEQPACKET client on a libuv loop, and an inotify watch
 * on the socket's directory that notices when the dataplane creates its socket.
 *
 * Use: _init(), then _open() (again after each `down`), _send(), _close(); _free() at the end. The
 * caller waits for an answer to each packet before it sends the next. Events are called on the
 * loop. The loop's thread; no function blocks.
 */
#ifndef VLY_CONTROL_PUBLISH_LINK_H
#define VLY_CONTROL_PUBLISH_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <uv.h>

struct vly_publish_link_events {
	/* One packet (untrusted; aligned; valid during the call). *fd came with it, or is -1; it is
	 * closed after the call, unless the callee takes it and sets -1. */
	void (*message)(void *arg, const void *message, size_t bytes, int *fd);
	/* Either side has ended the connection. `reason` is one sentence. */
	void (*down)(void *arg, const char *reason);
	/* The name of the socket was created or changed: opening may work now. */
	void (*appears)(void *arg);
};

/* What is offered goes in one system call before the loop waits, up to so many packets and octets. */
#define VLY_PUBLISH_OFFERS_MAX    64
#define VLY_PUBLISH_OFFERED_BYTES (2 * 65536)

struct vly_publish_link {
	uv_loop_t *loop;
	const char *path;
	const struct vly_publish_link_events *events;
	void *arg;
	uv_fs_event_t watch;
	bool watching;
	uv_poll_t *poll; /* NULL: not open */
	uv_prepare_t flush;
	struct iovec offer[VLY_PUBLISH_OFFERS_MAX];
	unsigned offer_cnt;
	size_t offered_bytes;
	uint8_t offered[VLY_PUBLISH_OFFERED_BYTES];
	void (*freed)(void *arg);
};

/* `path` stays the caller's, and must stay valid until `freed`. */
__attribute__((nonnull(1, 2, 3, 4))) void
vly_publish_link_init(struct vly_publish_link *link, uv_loop_t *loop, const char *path,
		      const struct vly_publish_link_events *events, void *arg);

/* Connects. Returns 0; or -1 with `reason`, and `down` is not called. */
__attribute__((nonnull, warn_unused_result)) int
vly_publish_link_open(struct vly_publish_link *link, char *reason, size_t reason_bytes);

/* Descriptors with one packet. */
#define VLY_PUBLISH_FDS_MAX 2

/* Sends one packet, with copies of fd[0..fd_cnt-1]. A failure ends the connection, and `down` is called. */
__attribute__((nonnull(1, 2))) void vly_publish_link_send(struct vly_publish_link *link,
							  const void *message, size_t bytes,
							  const int *fd, unsigned fd_cnt);

/* Sends one packet of at most 65,536 octets and a header, soon, if that leaves room for those of
 * vly_publish_link_send(); otherwise it is lost. */
__attribute__((nonnull)) void vly_publish_link_offer(struct vly_publish_link *link,
						     const void *message, size_t bytes);

/* Ends the connection, and calls `down`. */
__attribute__((nonnull)) void vly_publish_link_close(struct vly_publish_link *link,
						     const char *reason);

/* Ends the connection and the watch without a call of `down`. `freed` is called when the loop has
 * closed the handles. */
__attribute__((nonnull)) void vly_publish_link_free(struct vly_publish_link *link,
						    void (*freed)(void *arg));

#endif
