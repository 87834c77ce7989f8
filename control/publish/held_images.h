/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ids of the images that the dataplane holds: those of its last commit, which outlive the
 * connection, and those that were sent since, which it forgets when the connection ends.
 *
 * All zeros is an empty set. One thread; no function blocks.
 */
#ifndef VLY_CONTROL_HELD_IMAGES_H
#define VLY_CONTROL_HELD_IMAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "live_image.h"

/* In ascending order. */
struct vly_held_ids {
	uint64_t *id;
	uint32_t cnt;
	uint32_t room;
};

struct vly_held_images {
	bool is_known; /* `committed` is what the dataplane has live */
	struct vly_held_ids committed;
	struct vly_held_ids sent;
};

__attribute__((nonnull)) bool vly_held_images_have(const struct vly_held_images *held, uint64_t id);

/* Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int vly_held_images_add(struct vly_held_images *held,
								     uint64_t id);

/* Makes room for a commit of `cnt` images. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_held_images_reserve(struct vly_held_images *held, uint32_t cnt);

/* After a commit of `list`, sorted, for which there is room: holds its images. */
__attribute__((nonnull)) void vly_held_images_commit(struct vly_held_images *held,
						     const struct vly_image_list *list);

/* After the end of the connection: holds the committed images only. */
__attribute__((nonnull)) void vly_held_images_disconnect(struct vly_held_images *held);

/* The dataplane holds none of our images. */
__attribute__((nonnull)) void vly_held_images_clear(struct vly_held_images *held);

/* Frees what the set points to. */
__attribute__((nonnull)) void vly_held_images_free(struct vly_held_images *held);

#endif
