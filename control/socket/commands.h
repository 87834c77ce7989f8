/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What requests on the control socket do, and their answers. Every final answer has "ok"; one
 * that is not ok has "error", a sentence, and "code": "failed" or "no-dataplane". The loop's
 * thread.
 */
#ifndef VLY_CONTROL_COMMANDS_H
#define VLY_CONTROL_COMMANDS_H

#include "defence/defender.h"
#include "publish/publisher.h"
#include "reload/reload.h"
#include "server.h"

/* Failed zones that a status or reload answer lists; "failed_left_off" counts the others. */
#define VLY_COMMANDS_FAILED_MAX 1000

struct vly_commands {
	uv_loop_t *loop;
	struct vly_publisher *publisher;
	struct vly_reloader *reloader;
	struct vly_defender *defender;
	const char *config_path;
	const char *key_trouble; /* why the hash key is not kept, or "" */
	uint64_t start_ms;       /* uv_now() */
};

/* Handles a request: `arg` is a struct vly_commands. Reloads are answered when they are done. */
__attribute__((nonnull)) void vly_commands_handle(void *arg, struct vly_client *client,
						  struct vly_request *request);

/* The counters by name: "lcores", "totals", "ports". NULL without memory. */
__attribute__((nonnull)) json_t *vly_stats_json(const struct vly_counters *counters);

#endif
