/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The commands of the control socket, and their answers. Every final answer has "ok"; a failed one
 * has "error", a sentence, and "code": "failed", "no-dataplane" or "ending".
 *
 * Threads: the loop's; no function blocks.
 */
#ifndef VLY_CONTROL_COMMANDS_H
#define VLY_CONTROL_COMMANDS_H

#include "alias/aliases.h"
#include "catalog/catalogs.h"
#include "catalog/producers.h"
#include "defence/defender.h"
#include "health/health.h"
#include "living/living.h"
#include "publish/publisher.h"
#include "reload/reload.h"
#include "secondary/secondary.h"
#include "server.h"
#include "steerer/steerer.h"
#include "transfer/transfer.h"
#include "update/updater.h"
#include "zone_transactions.h"

/* Failed zones that a status or reload answer lists; "failed_left_off" counts the others. */
#define VLY_COMMANDS_FAILED_MAX 1000

struct vly_commands {
	uv_loop_t *loop;
	struct vly_publisher *publisher;
	struct vly_reloader *reloader;
	struct vly_defender *defender;
	struct vly_living *living;
	struct vly_updater *updater;
	struct vly_catalogs *catalogs;
	struct vly_producers *producers;
	struct vly_aliases *aliases;
	struct vly_zone_transactions *transactions;
	struct vly_secondaries *secondaries;
	struct vly_transfers *transfers;
	struct vly_health *health;
	struct vly_steerer *steerer;
	const char *config_path;
	const char *key_trouble; /* why the hash key is not kept, or "" */
	uint64_t start_ms;       /* uv_now() */
};

/* Handles a request (checked); `arg` is a struct vly_commands. A reload is answered when it is
 * done. */
__attribute__((nonnull)) void vly_commands_handle(void *arg, struct vly_client *client,
						  struct vly_request *request);

/* Makes an object of all counters by name. Returns NULL without memory. */
__attribute__((nonnull)) json_t *vly_stats_json(const struct vly_counters *counters);

#endif
