/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pending_commit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A commit may replace all images. */
#define IDS_MAX ((uint64_t)VLY_PUBLISH_IMAGES_MAX)

/* Appends `cnt` ids to the list. */
static enum vly_publish_code
append(uint64_t **list, size_t *list_cnt, const uint64_t *ids, uint32_t cnt,
       struct vly_image_error *error)
{
	if (cnt == 0)
		return VLY_PUBLISH_OK;
	if (*list_cnt + cnt > IDS_MAX) {
		snprintf(error->text, sizeof(error->text),
			 "a commit of more than %u images: the dataplane holds no more",
			 VLY_PUBLISH_IMAGES_MAX);
		return VLY_PUBLISH_REFUSED;
	}
	uint64_t *grown = realloc(*list, (*list_cnt + cnt) * sizeof(*grown));
	if (grown == NULL) {
		snprintf(error->text, sizeof(error->text), "no memory for a commit");
		return VLY_PUBLISH_NO_MEMORY;
	}
	memcpy(grown + *list_cnt, ids, cnt * sizeof(*grown));
	*list = grown;
	*list_cnt += cnt;
	return VLY_PUBLISH_OK;
}

enum vly_publish_code
vly_pending_commit_add(struct vly_pending_commit *pending,
		       const struct vly_publish_difference *part, struct vly_image_error *error)
{
	struct vly_image_change *change = &pending->change;
	enum vly_publish_code code = VLY_PUBLISH_OK;

	if (pending->is_begun &&
	    (part->generation != pending->generation || part->since != pending->since)) {
		snprintf(error->text, sizeof(error->text),
			 "COMMIT: a part belongs to another commit than those before it");
		code = VLY_PUBLISH_MALFORMED;
	}
	pending->is_begun = true;
	pending->generation = part->generation;
	pending->since = part->since;
	change->is_whole_list = part->since == 0;
	if (code == VLY_PUBLISH_OK)
		code = append(&change->removed, &change->removed_cnt, part->removed,
			      part->removed_cnt, error);
	if (code == VLY_PUBLISH_OK)
		code = append(&change->added, &change->added_cnt, part->added, part->added_cnt,
			      error);
	if (code != VLY_PUBLISH_OK)
		vly_pending_commit_clear(pending);
	else
		pending->is_whole = !part->more;
	return code;
}

void
vly_pending_commit_clear(struct vly_pending_commit *pending)
{
	free(pending->change.removed);
	free(pending->change.added);
	*pending = (struct vly_pending_commit){0};
}
