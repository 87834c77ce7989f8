/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which images the dataplane holds, by their ids: those of its last commit, which outlive the
 * connection, and behind them what it was sent since.
 *
 * All zeros is an empty set. One thread. vly_held_images_free() frees what it points to.
 */
#ifndef VLY_CONTROL_HELD_IMAGES_H
#define VLY_CONTROL_HELD_IMAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "live_image.h"

struct vly_held_images {
	uint64_t *id;
	uint32_t cnt;
	uint32_t room;
	uint32_t committed_cnt;
};

__attribute__((nonnull)) bool vly_held_images_have(const struct vly_held_images *held, uint64_t id);

/* Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int vly_held_images_add(struct vly_held_images *held,
								     uint64_t id);

/* After a commit: the images of `list`, as far as there is memory; what is left out is sent again.
 */
__attribute__((nonnull)) void vly_held_images_commit(struct vly_held_images *held,
						     const struct vly_image_list *list);

/* After the connection's end: what was not committed is gone. */
__attribute__((nonnull)) void vly_held_images_disconnect(struct vly_held_images *held);

/* A dataplane that holds nothing of ours. */
__attribute__((nonnull)) void vly_held_images_clear(struct vly_held_images *held);

__attribute__((nonnull)) void vly_held_images_free(struct vly_held_images *held);

#endif
