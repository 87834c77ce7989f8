/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "live_image.h"

#include "base/image_block.h"
#include "compile/merge.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

uint64_t
vly_live_image_next_id(void)
{
	static _Atomic uint64_t id;
	struct timespec now;
	uint64_t none = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t start = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
	atomic_compare_exchange_strong(&id, &none, start);
	return atomic_fetch_add(&id, 1);
}

struct vly_live_image *
vly_live_image_new(uint64_t id, int fd, uint64_t bytes, uint32_t zone_cnt)
{
	struct vly_live_image *image = calloc(1, sizeof(*image));

	if (!image) {
		close(fd);
		return NULL;
	}
	image->id = id;
	image->fd = fd;
	image->is_huge = vly_image_block_is_huge(fd);
	image->bytes = bytes;
	image->zone_cnt = zone_cnt;
	image->refs = 1;
	return image;
}

struct vly_live_image *
vly_live_image_get(struct vly_live_image *image)
{
	image->refs++;
	return image;
}

void
vly_live_image_put(struct vly_live_image *image)
{
	if (!image || --image->refs > 0)
		return;
	close(image->fd);
	vly_merge_index_free(image->index);
	free(image);
}

struct vly_image_list *
vly_image_list_new(void)
{
	struct vly_image_list *list = calloc(1, sizeof(*list));

	if (list)
		list->refs = 1;
	return list;
}

struct vly_image_list *
vly_image_list_get(struct vly_image_list *list)
{
	list->refs++;
	return list;
}

int
vly_image_list_add(struct vly_image_list *list, struct vly_live_image *image)
{
	if (list->cnt == list->room) {
		uint32_t room = list->room ? 2 * list->room : 8;
		void *grown = realloc(list->image, room * sizeof(*list->image));
		if (!grown)
			return -1;
		list->image = grown;
		list->room = room;
	}
	list->image[list->cnt++] = vly_live_image_get(image);
	return 0;
}

static int
compare_newest(const void *a, const void *b)
{
	const struct vly_live_image *const *left = a;
	const struct vly_live_image *const *right = b;

	return ((*left)->id < (*right)->id) - ((*left)->id > (*right)->id);
}

void
vly_image_list_sort(struct vly_image_list *list)
{
	if (list->cnt > 1)
		qsort(list->image, list->cnt, sizeof(*list->image), compare_newest);
}

void
vly_image_list_unique(struct vly_image_list *list)
{
	uint32_t cnt = 0;

	for (uint32_t i = 0; i < list->cnt; i++) {
		if (cnt > 0 && list->image[cnt - 1] == list->image[i])
			vly_live_image_put(list->image[i]);
		else
			list->image[cnt++] = list->image[i];
	}
	list->cnt = cnt;
}

void
vly_image_list_free(struct vly_image_list *list)
{
	if (!list || --list->refs > 0)
		return;
	for (uint32_t i = 0; i < list->cnt; i++)
		vly_live_image_put(list->image[i]);
	free(list->image);
	free(list);
}
