/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How many connections each client has: a client is an IPv4 address or an IPv6 /56, which is what
 * one site gets (RFC 6177), so that nobody can multiply by changing addresses.
 *
 * Use: vly_stream_limits_create() at start-up for as many connections as there may be;
 * vly_stream_limits_enter() when one is accepted and, if that was true, vly_stream_limits_leave()
 * when it ends; vly_stream_limits_destroy(). Any thread: a lock is held for a few memory accesses,
 * at most.
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
	uint32_t slot_mask; /* slots - 1; at most half of them are taken */
	struct vly_stream_limits_slot *slot;
};

/* Returns 0, or a negative errno. */
__attribute__((nonnull, warn_unused_result)) int
vly_stream_limits_create(struct vly_stream_limits *limits, uint32_t connections_max,
			 uint32_t per_client_max);

__attribute__((nonnull)) void vly_stream_limits_destroy(struct vly_stream_limits *limits);

/* The client that `address` (AF_INET or AF_INET6) stands for; never 0. */
__attribute__((nonnull, pure)) uint64_t vly_stream_client(const struct sockaddr_storage *address);

/* Counts one more connection of the client; false, and nothing counted, when it has its share. */
__attribute__((nonnull, warn_unused_result)) bool
vly_stream_limits_enter(struct vly_stream_limits *limits, uint64_t client);

__attribute__((nonnull)) void vly_stream_limits_leave(struct vly_stream_limits *limits,
						      uint64_t client);

/*
 * How long a connection may be idle when `open` of `open_max` are: idle_ms, but from three quarters
 * on less and less, down to a tenth when all are taken (RFC 7766 §6.2.3 asks to be less patient
 * under load).
 */
__attribute__((const)) uint32_t vly_stream_idle_ms(uint32_t idle_ms, uint32_t open,
						   uint32_t open_max);

#endif
