/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between the parts of the defender: defender.c (changes, one after the other) and defender_clock.c
 * (those that nobody asks for, because an end has come or the state can be read again).
 *
 * Threads: the loop's. None of the functions blocks.
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
	uv_timer_t clock; /* what comes to its end, and what is to be read again */
	struct vly_side_work side;
	bool is_behind;      /* what was read is not in force: to be tried again */
	bool starting;       /* the loop does not run yet, so nobody is kept waiting */
	unsigned handle_cnt; /* not yet closed, when freeing */
};

/* Carries out a copy of `change` when it is its turn. Without memory its `done` is called with a
 * failure. */
__attribute__((nonnull)) void vly_defender_request(struct vly_defender *defender,
						   const struct vly_defence_change *change);

/* The time that ends are compared with. */
__attribute__((warn_unused_result)) int64_t vly_defender_now_s(void);

/* Sets the clock for the next end of the state. To be called for each state that takes the place of
 * another. */
__attribute__((nonnull)) void vly_defender_start_clock(struct vly_defender *defender);

/* Brings what was set and configured into force, by a change that nobody asked for. What fails is
 * said once, and tried again by the clock. */
__attribute__((nonnull)) void vly_defender_catch_up(struct vly_defender *defender);

#endif
