/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the parts of the defender alone: defender.c (changes, one after the other) and
 * defender_clock.c (changes that no operator requested: an entry has expired, or the state can be
 * read again). The two call each other.
 *
 * Threads: the loop's; no function blocks.
 */
#ifndef VLY_CONTROL_DEFENDER_PARTS_H
#define VLY_CONTROL_DEFENDER_PARTS_H

#include "base/side_work.h"
#include "defence_change.h"

struct vly_defender {
	struct vly_publisher *publisher;
	struct vly_defence_store store;
	struct vly_config_defence *config;
	struct vly_defence_state *state;
	struct vly_defence_sources live; /* of these two */
	uint64_t generation;
	struct vly_defence_change *running;
	struct vly_defence_change *queue;
	uv_timer_t clock; /* for expiry, and for reading the state again */
	struct vly_side_work side;
	bool is_behind;      /* what was read is not in force yet: retried */
	bool starting;       /* the loop does not run yet, so blocking is allowed */
	unsigned handle_cnt; /* not yet closed, when freeing */
};

/* Queues a copy of `change`. Without memory its `done` is called with a failure. */
__attribute__((nonnull)) void vly_defender_request(struct vly_defender *defender,
						   const struct vly_defence_change *change);

/* The current time, with which times of expiry are compared. */
__attribute__((warn_unused_result)) int64_t vly_defender_now_s(void);

/* Sets the timer for the next expiry in the state. To be called whenever the state is replaced. */
__attribute__((nonnull)) void vly_defender_start_clock(struct vly_defender *defender);

/* Publishes the run-time settings and the configuration, by a change of its own. A failure is
 * logged once, and retried by the timer. */
__attribute__((nonnull)) void vly_defender_catch_up(struct vly_defender *defender);

#endif
