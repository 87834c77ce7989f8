/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All checks: when they run, and their states.
 *
 * Use: vly_check_set_begin(), vly_check_set_add() for each check of a new list, vly_check_set_end(). A check runs from
 * then on until a list comes without it. What has changed is to be told by vly_check_set_next(), first those that have
 * flipped; `on_news` says that there is something.
 *
 * Threads: the loop's. Nothing blocks.
 */
#ifndef VLY_HEALTH_CHECK_SET_H
#define VLY_HEALTH_CHECK_SET_H

#include <stdbool.h>
#include <uv.h>

#include "common/health/health_check.h"
#include "common/health/health_state.h"

struct vly_check_set;

struct vly_check_set_settings {
	uv_loop_t *loop;
	unsigned running_max; /* runs at the same time */
	unsigned start_rate;  /* that begin in a second */
	/* There is something to tell; is_urgent: a check has flipped. */
	void (*on_news)(void *arg, bool is_urgent);
	void *arg;
};

struct vly_check_set_counts {
	unsigned checks;
	unsigned running;
	unsigned waiting; /* due, and not begun because of a bound */
	uint64_t late_ms; /* how long the first of these has waited */
};

/* Returns NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_check_set *
vly_check_set_new(const struct vly_check_set_settings *settings);

/* A new list begins, in place of one that has not ended. */
__attribute__((nonnull)) void vly_check_set_begin(struct vly_check_set *set);

/* Takes a check over, which is settled, with what was known of it: that counts if the check is new. Returns NULL, or
 * why not. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_check_set_add(struct vly_check_set *set, struct vly_health_check *check,
		  const struct vly_health_state *known);

/* The list is complete: checks that are not in it go. */
__attribute__((nonnull)) void vly_check_set_end(struct vly_check_set *set);

/* All states count as changed. */
__attribute__((nonnull)) void vly_check_set_tell_all(struct vly_check_set *set);

/* Takes the next state that has changed; false: none is left. */
__attribute__((nonnull)) bool vly_check_set_next(struct vly_check_set *set,
						 struct vly_health_state *state);

__attribute__((nonnull)) void vly_check_set_count(const struct vly_check_set *set,
						  struct vly_check_set_counts *counts);

/* Ends all. The memory is freed when the loop has closed the handles. */
void vly_check_set_free(struct vly_check_set *set);

#endif
