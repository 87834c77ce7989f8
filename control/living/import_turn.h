/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who writes a large zone into the store next: one at a time. The others wait on the loop, and take no thread of the
 * pool meanwhile.
 *
 * Use, around vly_living_replace() and vly_living_clean():
 *   1. vly_import_turn_wait() with `ready` set;
 *   2. when `ready` is called, the work, in a thread;
 *   3. vly_import_turn_end(), on the loop; also at any time before `ready`, for a turn that is not wanted any more.
 *
 * The loader imports zones without a turn, in its few threads: living->import_lock keeps those apart from ours.
 *
 * Threads: the loop's. Nothing blocks.
 */
#ifndef VLY_CONTROL_IMPORT_TURN_H
#define VLY_CONTROL_IMPORT_TURN_H

#include <stdbool.h>

struct vly_living;

/* Zeros, but for `ready`: it neither waits nor has its turn. */
struct vly_import_turn {
	/* It is its turn. Called by vly_import_turn_wait(), or by vly_import_turn_end() of the one before. */
	void (*ready)(struct vly_import_turn *turn);
	/* private */
	struct vly_import_turn *prev, *next; /* in the queue */
	bool is_waiting;
	bool is_held;
};

__attribute__((nonnull)) void vly_import_turn_wait(struct vly_living *living,
						   struct vly_import_turn *turn);

/* Gives the turn back, or leaves the queue. Does nothing for one that is in neither. */
__attribute__((nonnull)) void vly_import_turn_end(struct vly_living *living,
						  struct vly_import_turn *turn);

__attribute__((nonnull, warn_unused_result)) static inline bool
vly_import_turn_is_waiting(const struct vly_import_turn *turn)
{
	return turn->is_waiting;
}

#endif
