/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sockets on port 53: TCP, and UDP for queries that the fast path leaves to the kernel. And those
 * on the port of TLS.
 *
 * Use: vly_stream_socket_open() at start-up; listen() on those of TCP when there are zones;
 * close(). Main thread.
 */
#ifndef VLY_DATAPLANE_STREAM_SOCKET_H
#define VLY_DATAPLANE_STREAM_SOCKET_H

#include <stdbool.h>

#include <volley/xdp.h>

/*
 * The kernel's buffers for one connection; it doubles both numbers for its own overhead. A response
 * of 64 KiB fits in one send. Queries are small, so the receive window need not grow with the round
 * trip time.
 */
#define VLY_STREAM_SNDBUF_BYTES 131072
#define VLY_STREAM_RCVBUF_BYTES 32768

struct vly_stream_place {
	int type; /* SOCK_STREAM or SOCK_DGRAM */
	uint16_t port;
	int family;  /* AF_INET or AF_INET6 */
	bool any;    /* all addresses of the family */
	bool shared; /* each of several threads has its own socket (SO_REUSEPORT) */
	struct vly_address address;
};

/*
 * Opens and binds a non-blocking socket; the address need not exist yet. Returns the socket; -1
 * with the error logged; or -2 if `place` is any address of a family that this machine does not
 * support.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_stream_socket_open(const struct vly_stream_place *place);

#endif
