/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A change of the defence, for the defender: what of it takes long, or waits for the disk.
 *
 * Use: the loop fills what is asked for and the sources; then one of the functions below is called
 * in a thread, with the change and nothing else of the defender's; the loop goes on with what it
 * left. The sources must not change meanwhile.
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
	char refusal[VLY_TROUBLE_BYTES]; /* the dataplane's */

	/* made when its turn comes, and a thread's while one is at work */
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

/* Reads the state that could not be read before: `reread`, or NULL with `reason`. */
__attribute__((nonnull)) void vly_defence_change_reread(void *change);

/* Makes the block of `next`, its secrets included, and keeps what it is made of: `fd`, or -1 with
 * `reason`. */
__attribute__((nonnull)) void vly_defence_change_make(void *change);

/* The dataplane has refused `next`: the disk gets `before` again, and `fd` is a block of it, for a
 * dataplane that connects later, or -1. Logs what fails. */
__attribute__((nonnull)) void vly_defence_change_restore(void *change);

/* Closes and frees all that it has left. */
__attribute__((nonnull)) void vly_defence_change_free(struct vly_defence_change *change);

#endif
