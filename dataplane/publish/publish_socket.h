/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The UNIX SOCK_SEQPACKET socket of the publish protocol: listening, accepting a permitted peer,
 * packets with file descriptors. Nothing here blocks. Main thread only.
 */
#ifndef VLY_DATAPLANE_PUBLISH_SOCKET_H
#define VLY_DATAPLANE_PUBLISH_SOCKET_H

#include <stddef.h>
#include <sys/types.h>

/* Returns the user called `name`, or our own user when there is none. Reads the user database. */
__attribute__((nonnull, warn_unused_result)) uid_t vly_publish_socket_user(const char *name);

/* Listens on `path` with mode 0600, as a socket of `user`, and replaces a stale socket. Returns the
 * descriptor, or -1 with the error logged. */
__attribute__((nonnull, warn_unused_result)) int vly_publish_socket_listen(const char *path,
									   uid_t user);

/* Accepts a connection. Returns it if the peer is root, `user` or our own user; -EPERM if not, and
 * then it is closed; or another negative errno. */
__attribute__((warn_unused_result)) int vly_publish_socket_accept(int listen_fd, uid_t user);

/* Sends one packet, with `pass_fd` if it is not -1. Returns 0 or a negative errno. */
__attribute__((nonnull, warn_unused_result)) int vly_publish_socket_send(int fd, const void *packet,
									 size_t bytes, int pass_fd);

/* File descriptors that a message has at most. */
#define VLY_PUBLISH_FDS_MAX 2

/*
 * Receives one packet (untrusted) of at most `room` octets, with *fd_cnt file descriptors: the
 * first VLY_PUBLISH_FDS_MAX are in passed_fd[] (-1: none), the caller's to close; the others are
 * closed. Returns the packet's length; room + 1 if it was longer; 0 if the peer has closed the
 * connection; or a negative errno.
 */
__attribute__((nonnull, warn_unused_result)) ssize_t
vly_publish_socket_receive(int fd, void *packet, size_t room, int passed_fd[VLY_PUBLISH_FDS_MAX],
			   unsigned *fd_cnt);

#endif
