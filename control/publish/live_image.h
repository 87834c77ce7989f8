/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A sealed zone image that control holds, and lists of them. Counted references: the served zones
 * holds one for each zone that is answered from the image, each list one for each of its images;
 * the memfd is closed with the last. The main thread only, but for vly_live_image_new() and
 * vly_live_image_next_id().
 */
#ifndef VLY_CONTROL_LIVE_IMAGE_H
#define VLY_CONTROL_LIVE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

struct vly_live_image {
	uint64_t id; /* grows: of two images the one with the larger id is newer */
	uint64_t bytes;
	uint64_t refs;
	uint32_t mark;     /* scratch of whoever walks over zones */
	uint32_t place;    /* scratch of the image cache: its number in the index */
	uint32_t zone_cnt; /* that the image holds */
	int fd;
	bool is_huge; /* in huge pages */
};

/* Images of one table, newest first. Counted references, too. */
struct vly_image_list {
	uint32_t refs;
	uint32_t cnt;
	uint32_t room;
	struct vly_live_image **image;
};

/* An id for vly_live_image_new() to come: newer than all before. */
uint64_t vly_live_image_next_id(void);

/* Takes over `fd`. `id` is one from vly_live_image_next_id(). One reference, the caller's. Ids are
 * never reused, not by the next life of the program either: they count from the time of start.
 * Returns NULL without memory, and closes fd.
 *  */
__attribute__((warn_unused_result)) struct vly_live_image *
vly_live_image_new(uint64_t id, int fd, uint64_t bytes, uint32_t zone_cnt);

__attribute__((nonnull)) struct vly_live_image *vly_live_image_get(struct vly_live_image *image);
void vly_live_image_put(struct vly_live_image *image);

/* One reference, the caller's. NULL without memory. */
__attribute__((warn_unused_result)) struct vly_image_list *vly_image_list_new(void);

/* Appends with a reference of the list's own. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int vly_image_list_add(struct vly_image_list *list,
								    struct vly_live_image *image);

/* Newest first. */
__attribute__((nonnull)) void vly_image_list_sort(struct vly_image_list *list);

/* One more reference. */
__attribute__((nonnull)) struct vly_image_list *vly_image_list_get(struct vly_image_list *list);

/* Gives a reference back; the list goes with the last. */
void vly_image_list_free(struct vly_image_list *list);

#endif
