/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "held_images.h"

#include <stdlib.h>
#include <string.h>

/* The index of the first id that is not smaller. Halves 2^32, or less. */
static uint32_t
find_place(const struct vly_held_ids *ids, uint64_t id)
{
	uint32_t low = 0;
	uint32_t high = ids->cnt;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (ids->id[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
have(const struct vly_held_ids *ids, uint64_t id)
{
	uint32_t place = find_place(ids, id);

	return place < ids->cnt && ids->id[place] == id;
}

static int
reserve(struct vly_held_ids *ids, uint32_t cnt)
{
	uint32_t room = ids->room ? ids->room : 16;

	while (room < cnt)
		room *= 2;
	if (room == ids->room)
		return 0;
	void *grown = realloc(ids->id, room * sizeof(*ids->id));
	if (!grown)
		return -1;
	ids->id = grown;
	ids->room = room;
	return 0;
}

bool
vly_held_images_have(const struct vly_held_images *held, uint64_t id)
{
	return have(&held->committed, id) || have(&held->sent, id);
}

int
vly_held_images_add(struct vly_held_images *held, uint64_t id)
{
	struct vly_held_ids *sent = &held->sent;

	if (reserve(sent, sent->cnt + 1) < 0)
		return -1;
	/* images are sent in the order of their ids, so that this mostly appends */
	uint32_t place = find_place(sent, id);
	memmove(sent->id + place + 1, sent->id + place, (sent->cnt - place) * sizeof(*sent->id));
	sent->id[place] = id;
	sent->cnt++;
	return 0;
}

int
vly_held_images_reserve(struct vly_held_images *held, uint32_t cnt)
{
	return reserve(&held->committed, cnt);
}

void
vly_held_images_commit(struct vly_held_images *held, const struct vly_image_list *list)
{
	held->is_known = true;
	held->sent.cnt = 0;
	held->committed.cnt = list->cnt;
	for (uint32_t i = 0; i < list->cnt; i++)
		held->committed.id[i] = list->image[list->cnt - 1 - i]->id;
}

void
vly_held_images_disconnect(struct vly_held_images *held)
{
	held->sent.cnt = 0;
}

void
vly_held_images_clear(struct vly_held_images *held)
{
	held->is_known = false;
	held->sent.cnt = 0;
	held->committed.cnt = 0;
}

void
vly_held_images_free(struct vly_held_images *held)
{
	free(held->committed.id);
	free(held->sent.id);
}
