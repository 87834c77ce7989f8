/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The images that the dataplane holds: those of the live table, and those that were sent but not
 * committed.
 *
 * Use: a zeroed set; vly_image_set_add() each image that arrives; vly_image_set_commit() a list of
 * ids; vly_image_set_forget_pending() when control's connection closes. Main thread only, which
 * must not be an online RCU reader. Owns the images.
 */
#ifndef VLY_DATAPLANE_IMAGE_SET_H
#define VLY_DATAPLANE_IMAGE_SET_H

#include <volley/publish.h>

#include "table.h"

struct vly_held_image {
	struct vly_image *image;
	bool live;   /* in the live table */
	bool wanted; /* in the list being committed */
};

struct vly_image_set {
	struct vly_held_image *held;
	size_t cnt;
	size_t room;
	/* helper threads that verify, set by the owner */
	struct vly_image_helpers before; /* while nothing is live: on all CPUs */
	struct vly_image_helpers beside; /* later: on CPUs without an lcore */
};

/* Maps, verifies and adds the image in `fd` (untrusted, stays the caller's). Blocks as
 * vly_image_open(). Returns VLY_PUBLISH_OK, or another code with the reason in *error. */
__attribute__((nonnull, warn_unused_result)) enum vly_publish_code
vly_image_set_add(struct vly_image_set *set, int fd, uint64_t id, struct vly_image_error *error);

/*
 * Makes the images of these ids (untrusted) live, newest first, and closes all others. Blocks while
 * the table is built and for a grace period. Returns VLY_PUBLISH_OK and the number of zones; or
 * another code with the reason, and then nothing has changed.
 */
__attribute__((nonnull(1, 4, 5), warn_unused_result)) enum vly_publish_code
vly_image_set_commit(struct vly_image_set *set, const uint64_t *ids, size_t id_cnt,
		     uint32_t *zone_cnt, struct vly_image_error *error);

/* Closes the images that are not live. Does not block. */
__attribute__((nonnull)) void vly_image_set_forget_pending(struct vly_image_set *set);

/* Unpublishes the live table and closes all images. Readers must have ended. */
__attribute__((nonnull)) void vly_image_set_destroy(struct vly_image_set *set);

#endif
