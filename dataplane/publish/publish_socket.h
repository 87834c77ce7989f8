/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The UNIX SOCK_SEQPACKET socket of the publish protocol: listening, accepting a permitted peer,
 * packets with file descriptors. Nothing here blocks. Main thread only.
 */
#ifndef VLY_DATAPLANE_PUBLISH_SOCKET_H
#define VLY_DATAPLANE_PUBLISH_SOCKET_H

#include <stddef.h>
#include <sys/types.h>

/* Listens on `path` with mode 0600, and replaces a stale socket. Returns the descriptor, or -1 with
 * the error logged. */
__attribute__((nonnull, warn_unused_result)) int vly_publish_socket_listen(const char *path);

/* Accepts a connection. Returns it if the peer is root or our own user; -EPERM if not, and then it
 * is closed; or another negative errno. */
__attribute__((warn_unused_result)) int vly_publish_socket_accept(int listen_fd);

/* Sends one packet, with `pass_fd` if it is not -1. Returns 0 or a negative errno. */
__attribute__((nonnull, warn_unused_result)) int vly_publish_socket_send(int fd, const void *packet,
									 size_t bytes, int pass_fd);

/*
 * Receives one packet (untrusted) of at most `room` octets, with *fd_cnt file descriptors: the
 * first is in *passed_fd, the caller's to close; the others are closed. Returns the packet's
 * length; room + 1 if it was longer; 0 if the peer has closed the connection; or a negative errno.
 */
__attribute__((nonnull, warn_unused_result)) ssize_t
vly_publish_socket_receive(int fd, void *packet, size_t room, int *passed_fd, unsigned *fd_cnt);

#endif
