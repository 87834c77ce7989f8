/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The states of health checks, as volley-health reports them (<volley/health.h>).
 *
 * Use:
 *   1. vly_health_new(), which reads the last known states from disk, and vly_health_on_change();
 *   2. vly_health_want() for each source of checks, again whenever its list changes: checks run as long as a source wants
 *      them, and equal checks are one, however many names they have;
 *   3. vly_health_find() at any time, with an id of vly_health_check_id();
 *   4. vly_health_free().
 *
 * While volley-health is not connected, the last known states stay. It gets them back when it returns, so that nothing
 * flips by its restart. They survive a restart of volley-control, too.
 *
 * Threads: the loop's. Nothing blocks, but reading one file in vly_health_new() and writing it in vly_health_free().
 */
#ifndef VLY_CONTROL_HEALTH_H
#define VLY_CONTROL_HEALTH_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/reason.h"
#include "common/health/health_check.h"
#include "common/health/health_state.h"

struct vly_health;

/* Who wants checks. */
enum vly_health_source {
	VLY_HEALTH_OF_CONFIG, /* health.checks */
	VLY_HEALTH_OF_POOLS,
	VLY_HEALTH_SOURCE_CNT
};

struct vly_health_wanted {
	const char *name;                     /* for people */
	const struct vly_health_check *check; /* settled */
};

/* A name and its check, for people. */
struct vly_health_row {
	const char *name;
	const struct vly_health_check *check;
	const struct vly_health_state *state;
	const char *refusal; /* why volley-health does not run it, or "" */
	bool is_current;     /* volley-health has told the state since it was connected last */
};

struct vly_health_counts {
	bool is_connected;
	unsigned names;
	unsigned checks; /* different ones */
	unsigned status[VLY_HEALTH_STATE_CNT];
	uint64_t flips; /* since the start */
	unsigned running, waiting;
	uint64_t late_ms;
	long pid;
};

/* `state_dir` has the file health.json. Returns NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_health *
vly_health_new(uv_loop_t *loop, const char *state_dir);

/* The socket of volley-health. */
__attribute__((nonnull)) void vly_health_set_socket(struct vly_health *health, const char *path);

/*
 * Replaces what a source wants, by a copy. Checks that are new begin with their last known state, or unknown. Returns 0;
 * or -1 without memory, or with more than VLY_HEALTH_CHECKS_MAX different checks, which is logged: what it wanted before
 * stays.
 */
__attribute__((nonnull(1), warn_unused_result)) int
vly_health_want(struct vly_health *health, enum vly_health_source source,
		const struct vly_health_wanted *wanted, unsigned cnt);

/* `changed` is called when a check that is wanted becomes up or down. state->id says which; one who wants it finds it by
 * that. It must not call vly_health_want(). */
__attribute__((nonnull(1))) void
vly_health_on_change(struct vly_health *health,
		     void (*changed)(void *arg, const struct vly_health_state *state), void *arg);

/* The state of a check that is wanted; valid until the next vly_health_want(). NULL: nobody wants it. */
__attribute__((nonnull)) const struct vly_health_state *
vly_health_find(const struct vly_health *health, const char *id);

__attribute__((nonnull)) void vly_health_count(const struct vly_health *health,
					       struct vly_health_counts *counts);

/* A check that is wanted, with one of its names. Returns false if nobody wants it. */
__attribute__((nonnull)) bool vly_health_row_of(const struct vly_health *health, const char *id,
						struct vly_health_row *row);

/* Names in order. *at: the first to take, and then the one behind; false: there is none. */
__attribute__((nonnull)) bool vly_health_row_next(const struct vly_health *health, unsigned *at,
						  struct vly_health_row *row);

/* The place of the first name behind `name`. */
__attribute__((nonnull)) unsigned vly_health_row_behind(const struct vly_health *health,
							const char *name);

/* Writes what an operator should know, as a sentence, or "". Returns `text`. */
__attribute__((nonnull)) const char *vly_health_trouble(const struct vly_health *health,
							char text[VLY_TROUBLE_BYTES]);

/* The memory is freed when the loop has closed the handles. */
void vly_health_free(struct vly_health *health);

#endif
