/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A sealed zone image that control holds, and lists of images.
 *
 * Ownership: both count references. The list of served zones holds a reference to an image for each
 * zone that is answered from it, and an image list holds one for each of its images; the memfd is
 * closed with the last reference.
 *
 * Threads: functions of images may be called in any thread, those of lists are the loop's. No
 * function blocks.
 */
#ifndef VLY_CONTROL_LIVE_IMAGE_H
#define VLY_CONTROL_LIVE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

struct vly_merge_index;

struct vly_live_image {
	uint64_t id; /* of two images, the one with the larger id is newer */
	uint64_t bytes;
	_Atomic uint64_t refs;
	uint32_t zone_cnt; /* zones in the image */
	int fd;
	bool is_huge;       /* the memfd is in huge pages */
	bool is_stale;      /* reload_keep.c: it has zones that nobody wants, and is not to stay */
	bool is_moving;     /* reload_pack.c: its zones are about to move to another image */
	bool is_kept;       /* the same: they are not to */
	uint32_t place;     /* image_cache.c: the image's index in the list that is stored */
	uint32_t layer_cnt; /* living_layers.c: layers of living zones in the image */
	uint32_t layer_place; /* the same: the image's index in the list of those */
	/* layer_merge.c: made once, when zones are first copied from an image of several; or NULL */
	struct vly_merge_index *_Atomic index;
};

/* The images of one table, newest first. */
struct vly_image_list {
	uint32_t refs;
	uint32_t cnt;
	uint32_t room;
	struct vly_live_image **image;
};

/* Returns an id for vly_live_image_new(), larger than all before. Ids are never used twice, not
 * even by the next process: they count from the time of the start. */
uint64_t vly_live_image_next_id(void);

/* Makes an image of the sealed memfd `fd`, which it takes over. Returns it with one reference, the
 * caller's; or NULL without memory, and fd is closed. */
__attribute__((warn_unused_result)) struct vly_live_image *
vly_live_image_new(uint64_t id, int fd, uint64_t bytes, uint32_t zone_cnt);

/* Takes one more reference. Returns `image`. */
__attribute__((nonnull)) struct vly_live_image *vly_live_image_get(struct vly_live_image *image);

/* Gives a reference back; NULL is allowed. */
void vly_live_image_put(struct vly_live_image *image);

/* Returns an empty list with one reference, the caller's; or NULL without memory. */
__attribute__((warn_unused_result)) struct vly_image_list *vly_image_list_new(void);

/* Appends an image; the list takes a reference of its own. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int vly_image_list_add(struct vly_image_list *list,
								    struct vly_live_image *image);

/* Sorts the list, newest first. */
__attribute__((nonnull)) void vly_image_list_sort(struct vly_image_list *list);

/* Leaves each image of a sorted list there once. */
__attribute__((nonnull)) void vly_image_list_unique(struct vly_image_list *list);

/* Takes one more reference. Returns `list`. */
__attribute__((nonnull)) struct vly_image_list *vly_image_list_get(struct vly_image_list *list);

/* Gives a reference back, and frees the list with the last; NULL is allowed. */
void vly_image_list_free(struct vly_image_list *list);

#endif
