/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_uses.h"

#include <stdlib.h>
#include <string.h>

/* Returns where the image is, or belongs. */
static uint32_t
find_place(const struct vly_image_uses *uses, uint64_t id)
{
	uint32_t low = 0;
	uint32_t high = uses->cnt;

	if (high > 0 && uses->use[high - 1].image->id < id)
		return high; /* a new image is newer than all others */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (uses->use[middle].image->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_at(const struct vly_image_uses *uses, uint32_t place, const struct vly_live_image *image)
{
	return place < uses->cnt && uses->use[place].image == image;
}

static int
make_room(struct vly_image_uses *uses)
{
	if (uses->cnt < uses->room)
		return 0;
	uint32_t room = uses->room > 0 ? 2 * uses->room : 16;
	void *grown = realloc(uses->use, room * sizeof(*uses->use));
	if (grown == NULL)
		return -1;
	uses->use = grown;
	uses->room = room;
	return 0;
}

int
vly_image_uses_add(struct vly_image_uses *uses, struct vly_live_image *image)
{
	uint32_t place = find_place(uses, image->id);

	if (is_at(uses, place, image)) {
		uses->use[place].zone_cnt++;
		return 0;
	}
	if (make_room(uses) != 0)
		return -1;
	struct vly_image_use *use = &uses->use[place];
	memmove(use + 1, use, (uses->cnt - place) * sizeof(*use));
	*use = (struct vly_image_use){vly_live_image_get(image), 1};
	uses->cnt++;
	uses->bytes += image->bytes;
	return 0;
}

void
vly_image_uses_drop(struct vly_image_uses *uses, const struct vly_live_image *image)
{
	uint32_t place = find_place(uses, image->id);

	if (!is_at(uses, place, image))
		return;
	struct vly_image_use *use = &uses->use[place];
	if (--use->zone_cnt > 0)
		return;
	uses->bytes -= image->bytes;
	vly_live_image_put(use->image);
	memmove(use, use + 1, (uses->cnt - place - 1) * sizeof(*use));
	uses->cnt--;
}

const struct vly_image_use *
vly_image_uses_find(const struct vly_image_uses *uses, const struct vly_live_image *image)
{
	uint32_t place = find_place(uses, image->id);

	return is_at(uses, place, image) ? &uses->use[place] : NULL;
}

struct vly_image_list *
vly_image_uses_list(const struct vly_image_uses *uses)
{
	struct vly_image_list *list = vly_image_list_new();

	for (uint32_t i = uses->cnt; list != NULL && i-- > 0;)
		if (vly_image_list_add(list, uses->use[i].image) != 0) {
			vly_image_list_free(list);
			return NULL;
		}
	return list;
}

uint64_t
vly_image_use_garbage(const struct vly_image_use *use)
{
	const struct vly_live_image *image = use->image;

	if (use->zone_cnt >= image->zone_cnt)
		return 0;
	return image->bytes / image->zone_cnt * (image->zone_cnt - use->zone_cnt);
}

void
vly_image_uses_free(struct vly_image_uses *uses)
{
	for (uint32_t i = 0; i < uses->cnt; i++)
		vly_live_image_put(uses->use[i].image);
	free(uses->use);
	*uses = (struct vly_image_uses){0};
}
