/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of volley-control, made one after the other, joined, and ended.
 *
 * Use: all zeros but `loop`; vly_control_start(); uv_run(); vly_control_stop(), also after a start that failed.
 *
 * Parts do not know each other: what one asks of another goes through the functions of control_joints.c. Threads:
 * the loop's.
 */
#ifndef VLY_CONTROL_CONTROL_H
#define VLY_CONTROL_CONTROL_H

#include <uv.h>

#include "alias/aliases.h"
#include "base/reason.h"
#include "catalog/catalogs.h"
#include "catalog/producers.h"
#include "config/config.h"
#include "defence/defender.h"
#include "health/health.h"
#include "living/living.h"
#include "publish/publish_turns.h"
#include "reload/reload.h"
#include "secondary/secondary.h"
#include "socket/commands.h"
#include "socket/server.h"
#include "steer/steer_checks.h"
#include "steerer/steerer.h"
#include "store/hash_key.h"
#include "transfer/transfer.h"
#include "update/updater.h"

struct vly_control {
	uv_loop_t *loop;
	uv_signal_t hup;
	uv_signal_t term;
	uv_signal_t intr;
	uv_timer_t alive; /* for systemd's watchdog */
	struct vly_server *server;
	struct vly_publisher *publisher;
	struct vly_publish_turns *turns;
	struct vly_defender *defender;
	struct vly_living *living;
	struct vly_updater *updater;
	struct vly_catalogs *catalogs;
	struct vly_producers *producers;
	struct vly_secondaries *secondaries;
	struct vly_transfers *transfers;
	struct vly_health *health;
	struct vly_aliases *aliases;
	struct vly_reloader *reloader;
	struct vly_steerer *steerer;
	struct vly_steer_checks *pool_checks; /* of the steerer's model */
	struct vly_commands commands;
	struct vly_zone_transactions transactions;
	char key_trouble[VLY_TROUBLE_BYTES]; /* why the hash key is not kept, or "" */
};

/* Takes over `config`, which was read from config_path. Returns 0, or -1 after logging why not. Blocks for the disk. */
__attribute__((nonnull, warn_unused_result)) int
vly_control_start(struct vly_control *control, const char *config_path, struct vly_config *config);

/* Ends all parts, and closes the loop; ends the program at once when threads are at work that can't be interrupted. */
__attribute__((nonnull)) void vly_control_stop(struct vly_control *control);

/* control_joints.c */

/* Zones of primaries, which need keys; and transfers out, which need keys and those zones. NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_secondaries *
vly_control_new_secondaries(struct vly_control *control, const char *state_dir,
			    const struct vly_hash_key *key);
__attribute__((nonnull, warn_unused_result)) struct vly_transfers *
vly_control_new_transfers(struct vly_control *control, const char *state_dir);
__attribute__((nonnull, warn_unused_result)) struct vly_aliases *
vly_control_new_aliases(struct vly_control *control, const char *state_dir);

/* Gives health checks and steering a configuration, and members what their checks say. */
__attribute__((nonnull)) void vly_control_configure_steering(struct vly_control *control,
							     const struct vly_config *config,
							     struct vly_steer_model *model);

/* Has the parts hear of what concerns them: configurations, requests, connections, changes, members. All are there. */
__attribute__((nonnull)) void vly_control_join(struct vly_control *control);

#endif
