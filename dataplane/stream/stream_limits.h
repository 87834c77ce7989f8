/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts the connections of each client. A client is an IPv4 address or an IPv6 /56, the usual size
 * of one site (RFC 6177), so that changing addresses does not help.
 *
 * Use: vly_stream_limits_create() at start-up; vly_stream_limits_enter() when a connection is
 * accepted and, if that returned true, vly_stream_limits_leave() when it ends;
 * vly_stream_limits_destroy(). Any thread: a lock is held for a few memory accesses.
 */
#ifndef VLY_DATAPLANE_STREAM_LIMITS_H
#define VLY_DATAPLANE_STREAM_LIMITS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct vly_stream_limits_slot {
	uint64_t client; /* 0: free */
	uint32_t cnt;
};

struct vly_stream_limits {
	pthread_mutex_t lock;
	uint64_t seed;
	uint32_t per_client_max;
	uint32_t slot_mask; /* slots - 1; slots are a power of two, at most half taken */
	struct vly_stream_limits_slot *slot;
};

/* `connections_max`: of all clients together. Returns 0, or a negative errno. */
__attribute__((nonnull, warn_unused_result)) int
vly_stream_limits_create(struct vly_stream_limits *limits, uint32_t connections_max,
			 uint32_t per_client_max);

__attribute__((nonnull)) void vly_stream_limits_destroy(struct vly_stream_limits *limits);

/* The number of the client at `address` (AF_INET or AF_INET6), never 0. */
__attribute__((nonnull, pure)) uint64_t vly_stream_client(const struct sockaddr_storage *address);

/* Counts one more connection of the client. Returns false, and counts nothing, if the client has
 * per_client_max. */
__attribute__((nonnull, warn_unused_result)) bool
vly_stream_limits_enter(struct vly_stream_limits *limits, uint64_t client);

__attribute__((nonnull)) void vly_stream_limits_leave(struct vly_stream_limits *limits,
						      uint64_t client);

/*
 * The idle time of a connection if `open` of `open_max` connections are open: idle_ms up to three
 * quarters, then less and less, down to a tenth when all are open (RFC 7766 §6.2.3 recommends
 * shorter timeouts under load).
 */
__attribute__((const)) uint32_t vly_stream_idle_ms(uint32_t idle_ms, uint32_t open,
						   uint32_t open_max);

#endif
