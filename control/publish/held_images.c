/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "held_images.h"

#include <stdlib.h>

bool
vly_held_images_have(const struct vly_held_images *held, uint64_t id)
{
	for (uint32_t i = held->cnt; i-- > 0;)
		if (held->id[i] == id)
			return true;
	return false;
}

int
vly_held_images_add(struct vly_held_images *held, uint64_t id)
{
	if (held->cnt == held->room) {
		uint32_t room = held->room ? 2 * held->room : 16;
		void *grown = realloc(held->id, room * sizeof(*held->id));
		if (!grown)
			return -1;
		held->id = grown;
		held->room = room;
	}
	held->id[held->cnt++] = id;
	return 0;
}

void
vly_held_images_commit(struct vly_held_images *held, const struct vly_image_list *list)
{
	held->cnt = 0;
	for (uint32_t i = 0; i < list->cnt; i++)
		if (vly_held_images_add(held, list->image[i]->id) < 0)
			break;
	held->committed_cnt = held->cnt;
}

void
vly_held_images_disconnect(struct vly_held_images *held)
{
	held->cnt = held->committed_cnt;
}

void
vly_held_images_clear(struct vly_held_images *held)
{
	held->cnt = 0;
	held->committed_cnt = 0;
}

void
vly_held_images_free(struct vly_held_images *held)
{
	free(held->id);
}
