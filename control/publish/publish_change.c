/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish_change.h"

#include <stdlib.h>

static int
reserve(struct vly_publish_change *change, uint32_t cnt)
{
	if (cnt <= change->room)
		return 0;
	void *grown = realloc(change->id, cnt * sizeof(*change->id));
	if (!grown)
		return -1;
	change->id = grown;
	change->room = cnt;
	return 0;
}

/* Both are sorted: the held ids upwards, the list downwards. Writes the ids that only one of them
 * has: of `held` if `removed`, or else of the list. Returns their number. */
static uint32_t
write_only(const struct vly_held_ids *held, const struct vly_image_list *list, bool removed,
	   uint64_t *to)
{
	uint32_t cnt = 0;
	uint32_t i = 0;
	uint32_t left = list->cnt;

	while (i < held->cnt || left > 0) { /* each turn takes one of them */
		uint64_t old = i < held->cnt ? held->id[i] : UINT64_MAX;
		uint64_t next = left > 0 ? list->image[left - 1]->id : UINT64_MAX;
		if (old < next && removed)
			to[cnt++] = old;
		if (next < old && !removed)
			to[cnt++] = next;
		i += old <= next;
		left -= next <= old;
	}
	return cnt;
}

int
vly_publish_change_begin(struct vly_publish_change *change, const struct vly_held_images *held,
			 const struct vly_image_list *list, uint64_t since, uint64_t generation)
{
	static const struct vly_held_ids nothing;
	const struct vly_held_ids *from = since > 0 ? &held->committed : &nothing;

	/* one more: an array, even if there is nothing in it */
	if (reserve(change, from->cnt + list->cnt + 1) < 0)
		return -1;
	change->generation = generation;
	change->since = since;
	change->sent_cnt = 0;
	change->removed_cnt = write_only(from, list, true, change->id);
	change->added_cnt = write_only(from, list, false, change->id + change->removed_cnt);
	return 0;
}

void
vly_publish_change_free(struct vly_publish_change *change)
{
	free(change->id);
}
