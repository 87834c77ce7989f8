/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The images that the dataplane holds: those of the live table, and those sent but not yet
 * committed.
 *
 * Use: vly_image_set_add() each that arrives; vly_image_set_commit() a list of ids; when control's
 * connection ends, vly_image_set_forget_pending(). Main thread only; owns the images.
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
	struct vly_image_helpers before; /* while nothing is live; the owner's to set */
	struct vly_image_helpers beside; /* later; so as not to disturb who answers */
};

/* Maps, verifies and takes in the image in `fd`, which stays the caller's.
 * Returns VLY_PUBLISH_OK, or another code with the reason in *error. */
__attribute__((nonnull, warn_unused_result)) enum vly_publish_code
vly_image_set_add(struct vly_image_set *set, int fd, uint64_t id, struct vly_image_error *error);

/*
 * Makes the images of these ids live, newest first, waits for a grace period, and forgets all
 * others. Returns VLY_PUBLISH_OK and the number of zones; or another code with the reason, and
 * nothing has changed.
 */
__attribute__((nonnull(1, 4, 5), warn_unused_result)) enum vly_publish_code
vly_image_set_commit(struct vly_image_set *set, const uint64_t *ids, size_t id_cnt,
		     uint32_t *zone_cnt, struct vly_image_error *error);

__attribute__((nonnull)) void vly_image_set_forget_pending(struct vly_image_set *set);

/* No reader may run any more. Unpublishes the live table. */
__attribute__((nonnull)) void vly_image_set_destroy(struct vly_image_set *set);

#endif
