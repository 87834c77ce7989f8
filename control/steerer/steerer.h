/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The steerer: keeps the dataplane's steering block and slots equal to the configuration, to the files of maps,
 * and to the states of pool members.
 *
 * Use:
 *   1. vly_steerer_new(), then vly_steerer_configure() with the model of each configuration that is in force;
 *   2. vly_steerer_set() for what health checks say, vly_steerer_wish() for operators;
 *   3. vly_steerer_look() at any time; vly_steerer_free().
 *
 * A block is made in a thread of its own, and published (publisher.h); then its slots are written in place
 * whenever a member's state changes: that takes no message. There is a block also when nothing is steered, as the
 * dataplane may still have an older one. Files of maps are watched (inotify), and a changed
 * one makes a new block; no zone is loaded for it. A map that can't be read stays as it was, or, if it has
 * never been read, all clients of its policies are of no region.
 *
 * Threads: the loop's; no function blocks, but for vly_steerer_wish(), which writes a small file.
 */
#ifndef VLY_CONTROL_STEERER_H
#define VLY_CONTROL_STEERER_H

#include <uv.h>

#include "publish/publisher.h"
#include "steer/steer_block.h"
#include "steer/steer_states.h"

struct vly_steerer;

/* What steering is at the moment. Valid until the loop runs again. */
struct vly_steerer_view {
	struct vly_steer_model *model; /* NULL: nothing is configured yet */
	const struct vly_steer_maps
		*maps; /* NULL: they have not been read; of `model` only if is_made */
	const struct vly_steer_slots *slots; /* NULL: no block has been made; of its own model */
	const struct vly_steer_states *states;
	uint64_t generation; /* of the last block */
	bool is_made;        /* the last block is of `model` */
	const char *trouble; /* why no block could be made, or "" */
};

/* Returns NULL without memory. Blocks for the disk, for the states that are kept in `state_dir`. */
__attribute__((nonnull, warn_unused_result)) struct vly_steerer *
vly_steerer_new(uv_loop_t *loop, const char *state_dir, struct vly_publisher *publisher);

/* Takes a reference. */
__attribute__((nonnull)) void vly_steerer_configure(struct vly_steerer *steerer,
						    struct vly_steer_model *model);

/* Looks whether files of maps have changed, for a reload: the kernel does not tell for all file systems, nor
 * when a directory was made anew. */
__attribute__((nonnull)) void vly_steerer_reread(struct vly_steerer *steerer);

/* What a check says about POOL/MEMBER; as vly_steer_states_set(). */
__attribute__((nonnull)) bool vly_steerer_set(struct vly_steerer *steerer, const char *id,
					      bool is_healthy, const char *reason, int64_t now_s);

/* As vly_steer_states_forget(). */
__attribute__((nonnull)) void vly_steerer_forget(struct vly_steerer *steerer, const char *id);

/* As vly_steer_states_wish(); for_s 0: for good. */
__attribute__((nonnull)) unsigned vly_steerer_wish(struct vly_steerer *steerer, const char *name,
						   enum vly_steer_wish wish, int64_t for_s,
						   char trouble[VLY_STEER_REASON_BYTES]);

__attribute__((nonnull)) struct vly_steerer_view
vly_steerer_look(const struct vly_steerer *steerer);

/* True while a block is being made. */
__attribute__((nonnull)) bool vly_steerer_is_busy(const struct vly_steerer *steerer);

/* The memory is freed when the loop has closed the handles. The publisher must have been freed, or be freed
 * before the loop runs again. */
void vly_steerer_free(struct vly_steerer *steerer);

#endif
