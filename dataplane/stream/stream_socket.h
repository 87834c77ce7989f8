/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sockets on port 53: TCP, and UDP for what the fast path leaves to the kernel.
 *
 * Use: vly_stream_socket_open() at start-up, listen() on those of TCP when answering can begin;
 * close() them.
 */
#ifndef VLY_DATAPLANE_STREAM_SOCKET_H
#define VLY_DATAPLANE_STREAM_SOCKET_H

#include <stdbool.h>

#include <volley/xdp.h>

/*
 * What the kernel may hold for one connection: it doubles both numbers, for its own overhead. An
 * answer of 64 KiB goes out in one piece; the window for queries has no need to grow with the round
 * trip.
 */
#define VLY_STREAM_SNDBUF_BYTES 131072
#define VLY_STREAM_RCVBUF_BYTES 32768

struct vly_stream_place {
	int type;    /* SOCK_STREAM or SOCK_DGRAM */
	int family;  /* AF_INET or AF_INET6 */
	bool any;    /* all addresses of the family */
	bool shared; /* by several threads, each with its own socket (SO_REUSEPORT) */
	struct vly_address address;
};

/*
 * Opens and binds a non-blocking socket; the address need not exist yet. Returns it, or -1 with the
 * error logged, or -2 when `place` is any address of a family that this machine does not have.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_stream_socket_open(const struct vly_stream_place *place);

#endif
