/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A change of the defence, for the defender alone: the parts of it that take long or wait for the
 * disk.
 *
 * Use: the loop fills in the request and the sources; one of the functions below is called in the
 * defender's thread, with the change and nothing else of the defender's; then the loop goes on with
 * the result. The sources must not change meanwhile. All functions but _free() block.
 */
#ifndef VLY_CONTROL_DEFENCE_CHANGE_H
#define VLY_CONTROL_DEFENCE_CHANGE_H

#include "base/reason.h"
#include "defence_block.h"
#include "defence_store.h"
#include "defender.h"

enum vly_defence_kind {
	VLY_DEFENCE_CONFIGURE,
	VLY_DEFENCE_CHANGE,
	VLY_DEFENCE_ROLL,
	VLY_DEFENCE_EXPIRE,
};

struct vly_defence_change {
	/* asked for */
	enum vly_defence_kind kind;
	struct vly_config_defence *config; /* CONFIGURE */
	int (*change)(void *arg, struct vly_defence_state *state, char *reason, size_t bytes);
	bool has_fresh;
	uint8_t fresh[VLY_COOKIE_SECRET_BYTES];
	void (*done)(void *arg, const struct vly_defender_report *report);
	void *arg;

	/* the loop's */
	struct vly_defender *defender;
	struct vly_defence_change *later;
	bool has_begun;                  /* `change` has been called, or will not be */
	bool is_dropped;                 /* before it had begun */
	char refusal[VLY_TROUBLE_BYTES]; /* the dataplane's reason */

	/* set when its turn comes; the thread's while it works */
	struct vly_defence_sources before; /* what is in force */
	struct vly_defence_sources next;
	struct vly_defence_state *next_state; /* owned; CHANGE and EXPIRE */
	bool is_new;                          /* next_state is not what is on disk */
	struct vly_defence_store store;       /* a copy: what becomes of it goes back */
	struct vly_defence_state *reread;     /* owned; what was on disk after all */
	uint64_t generation;
	int fd; /* owned; the block, or -1 */
	char reason[VLY_REASON_BYTES];
};

/* Each takes a struct vly_defence_change. */

/* Reads the state again, which could not be read before: sets `reread`, or leaves NULL with
 * `reason`. */
__attribute__((nonnull)) void vly_defence_change_reread(void *change);

/* Makes the block of `next` and its secrets, and saves them: sets `fd`, or -1 with `reason`. */
__attribute__((nonnull)) void vly_defence_change_make(void *change);

/* The dataplane has refused `next`: saves `before` again, and makes a block of it in `fd`, for a
 * dataplane that connects later, or -1. Failures are logged. */
__attribute__((nonnull)) void vly_defence_change_restore(void *change);

/* Closes and frees all that it has left. */
__attribute__((nonnull)) void vly_defence_change_free(struct vly_defence_change *change);

#endif
