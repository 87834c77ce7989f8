/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What one COMMIT changes: the images that leave the dataplane's table and those that come in. All
 * of it may take several messages (publish_message.h).
 *
 * Use: vly_publish_change_begin(), vly_publish_write_commit() until nothing is left. All zeros is
 * no change. The loop's thread; no function blocks.
 */
#ifndef VLY_CONTROL_PUBLISH_CHANGE_H
#define VLY_CONTROL_PUBLISH_CHANGE_H

#include "held_images.h"

struct vly_publish_change {
	uint64_t generation;
	uint64_t since; /* 0: the whole list */
	uint64_t *id;   /* the removed ones, then the added ones */
	uint32_t room;
	uint32_t removed_cnt;
	uint32_t added_cnt;
	uint32_t sent_cnt; /* of both */
};

/* From the images that the dataplane has live in the generation `since`, to `list`, sorted; `since`
 * 0: from nothing. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_publish_change_begin(struct vly_publish_change *change, const struct vly_held_images *held,
			 const struct vly_image_list *list, uint64_t since, uint64_t generation);

static inline bool
vly_publish_change_is_sent(const struct vly_publish_change *change)
{
	return change->sent_cnt == change->removed_cnt + change->added_cnt;
}

/* Frees what it points to. */
__attribute__((nonnull)) void vly_publish_change_free(struct vly_publish_change *change);

#endif
