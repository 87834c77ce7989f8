/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The images that the dataplane holds: those of the live table, and those that were sent but not
 * committed.
 *
 * Use: a zeroed set; vly_image_set_add() each image that arrives; vly_image_set_commit() what
 * changes; then, if may_enlarge, vly_image_set_enlarge() until it is done, between other work;
 * vly_image_set_forget_pending() when control's connection closes. Main thread only, which
 * must not be an online RCU reader. Owns the images.
 */
#ifndef VLY_DATAPLANE_IMAGE_SET_H
#define VLY_DATAPLANE_IMAGE_SET_H

#include <volley/publish.h>

#include "table.h"

struct vly_held_image {
	struct vly_image *image;
	bool live;          /* in the live table */
	bool wanted;        /* after the commit at hand */
	size_t large_bytes; /* of its mapping, which are on large pages or stay as they are */
};

/* What a commit changes: ids (untrusted), in any order. */
struct vly_image_change {
	bool is_whole_list; /* `added` are all images of the table, not those that come in */
	size_t removed_cnt;
	size_t added_cnt;
	uint64_t *removed;
	uint64_t *added;
};

struct vly_image_set {
	struct vly_held_image *held; /* by id, ascending */
	size_t cnt;
	size_t room;
	struct vly_table *table; /* the live one; NULL: none was committed yet */
	bool may_enlarge;        /* vly_image_set_enlarge() has work, or will have some */
	uint64_t enlarged_id;    /* of the image that it is at */
	/* helper threads that verify, set by the owner */
	struct vly_image_helpers before; /* while nothing is live: on all CPUs */
	struct vly_image_helpers beside; /* later: on CPUs without an lcore */
};

/* Maps, verifies and adds the image in `fd` (untrusted, stays the caller's), unless the set holds one
 * with this id. An image whose zones are answered already is put on large pages before: its lcores then
 * never wait for that. Blocks as vly_image_open(). Returns VLY_PUBLISH_OK, or another code with the reason in
 * *error. */
__attribute__((nonnull, warn_unused_result)) enum vly_publish_code
vly_image_set_add(struct vly_image_set *set, int fd, uint64_t id, struct vly_image_error *error);

/*
 * Changes the live table, and closes the images that have left it and those that were sent but are
 * not in it. A difference costs what it changes. Blocks while the table is changed or built, and
 * for a grace period. Returns VLY_PUBLISH_OK and the number of zones; or another code with the
 * reason, and then nothing has changed.
 */
__attribute__((nonnull, warn_unused_result)) enum vly_publish_code
vly_image_set_commit(struct vly_image_set *set, const struct vly_image_change *change,
		     uint32_t *zone_cnt, struct vly_image_error *error);

/* Puts the next 2 MiB of a live image on large pages. Zones that nobody answered before are answered at
 * once, and get their large pages by this. Blocks as vly_large_copy_next(). Returns whether there may
 * be more. */
__attribute__((nonnull)) bool vly_image_set_enlarge(struct vly_image_set *set);

/* Closes the images that are not live. Does not block. */
__attribute__((nonnull)) void vly_image_set_forget_pending(struct vly_image_set *set);

/* Unpublishes the live table and closes all images. Readers must have ended. */
__attribute__((nonnull)) void vly_image_set_destroy(struct vly_image_set *set);

#endif
