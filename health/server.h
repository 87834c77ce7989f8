/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The socket that volley-control connects to (<volley/health.h>). There is one connection: a new one takes the place of
 * the one before. While there is none, the checks go on.
 *
 * Threads: the loop's. Nothing blocks, and nothing is queued without a bound: states are written when there is room, and
 * wait in the set of checks until then.
 */
#ifndef VLY_HEALTH_SERVER_H
#define VLY_HEALTH_SERVER_H

#include "check_set.h"

struct vly_health_server;

struct vly_health_server_settings {
	uv_loop_t *loop;
	const char *path; /* of the socket */
	unsigned running_max;
	unsigned start_rate;
};

/* Listens. Returns NULL with a sentence in `reason`. */
__attribute__((nonnull, warn_unused_result)) struct vly_health_server *
vly_health_server_new(const struct vly_health_server_settings *settings, char *reason,
		      size_t reason_bytes);

/* Ends all checks, and removes the socket. The memory is freed when the loop has closed the handles. */
void vly_health_server_free(struct vly_health_server *server);

#endif
