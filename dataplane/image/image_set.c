/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_set.h"

#include <stdio.h>
#include <stdlib.h>

static struct vly_held_image *
find(const struct vly_image_set *set, uint64_t id)
{
	for (size_t i = 0; i < set->cnt; i++)
		if (set->held[i].image->id == id)
			return &set->held[i];
	return NULL;
}

/* Closes the images for which keep() returns false. */
static void
prune(struct vly_image_set *set, bool (*keep)(const struct vly_held_image *held))
{
	size_t kept = 0;

	for (size_t i = 0; i < set->cnt; i++) {
		if (keep(&set->held[i]))
			set->held[kept++] = set->held[i];
		else
			vly_image_close(set->held[i].image);
	}
	set->cnt = kept;
}

static bool
is_live(const struct vly_held_image *held)
{
	return held->live;
}

static bool
is_none(const struct vly_held_image *held)
{
	(void)held;
	return false;
}

static bool
has_live(const struct vly_image_set *set)
{
	for (size_t i = 0; i < set->cnt; i++)
		if (set->held[i].live)
			return true;
	return false;
}

enum vly_publish_code
vly_image_set_add(struct vly_image_set *set, int fd, uint64_t id, struct vly_image_error *error)
{
	if (find(set, id) != NULL) {
		snprintf(error->text, sizeof(error->text), "image %llu is already held",
			 (unsigned long long)id);
		return VLY_PUBLISH_REFUSED;
	}
	if (set->cnt == set->room) {
		/* At most the live list and the one that replaces it. */
		size_t room = set->room == 0 ? 16 : 2 * set->room;
		struct vly_held_image *held = NULL;
		if (room <= 2 * VLY_PUBLISH_IMAGES_MAX)
			held = realloc(set->held, room * sizeof(*held));
		if (held == NULL) {
			snprintf(error->text, sizeof(error->text), "%zu images are already held",
				 set->cnt);
			return VLY_PUBLISH_NO_MEMORY;
		}
		set->held = held;
		set->room = room;
	}
	const struct vly_image_helpers *helpers = has_live(set) ? &set->beside : &set->before;
	struct vly_image *image = vly_image_open(fd, id, helpers, error);
	if (image == NULL)
		return VLY_PUBLISH_REFUSED;
	set->held[set->cnt++] = (struct vly_held_image){.image = image};
	return VLY_PUBLISH_OK;
}

/* Writes the images of the ids to `list` in their order, and marks them as wanted. */
static enum vly_publish_code
mark_wanted(struct vly_image_set *set, const uint64_t *ids, size_t id_cnt, struct vly_image **list,
	    struct vly_image_error *error)
{
	for (size_t i = 0; i < set->cnt; i++)
		set->held[i].wanted = false;
	for (size_t i = 0; i < id_cnt; i++) {
		struct vly_held_image *held = find(set, ids[i]);
		if (held == NULL || held->wanted) {
			snprintf(error->text, sizeof(error->text), "image %llu is %s",
				 (unsigned long long)ids[i],
				 held == NULL ? "not held" : "listed twice");
			return held == NULL ? VLY_PUBLISH_UNKNOWN : VLY_PUBLISH_MALFORMED;
		}
		held->wanted = true;
		list[i] = held->image;
	}
	return VLY_PUBLISH_OK;
}

enum vly_publish_code
vly_image_set_commit(struct vly_image_set *set, const uint64_t *ids, size_t id_cnt,
		     uint32_t *zone_cnt, struct vly_image_error *error)
{
	struct vly_image **list = calloc(id_cnt + 1, sizeof(struct vly_image *));
	struct vly_table *table = NULL;

	if (list == NULL) {
		snprintf(error->text, sizeof(error->text), "no memory for %zu images", id_cnt);
		return VLY_PUBLISH_NO_MEMORY;
	}
	enum vly_publish_code code = mark_wanted(set, ids, id_cnt, list, error);
	if (code == VLY_PUBLISH_OK) {
		table = vly_table_build(list, id_cnt, error);
		if (table == NULL)
			code = VLY_PUBLISH_REFUSED;
	}
	free(list);
	if (code != VLY_PUBLISH_OK)
		return code;

	*zone_cnt = table->zone_cnt;
	vly_table_publish(table);
	for (size_t i = 0; i < set->cnt; i++)
		set->held[i].live = set->held[i].wanted;
	prune(set, is_live);
	return VLY_PUBLISH_OK;
}

void
vly_image_set_forget_pending(struct vly_image_set *set)
{
	prune(set, is_live);
}

void
vly_image_set_destroy(struct vly_image_set *set)
{
	vly_table_publish(NULL);
	prune(set, is_none);
	free(set->held);
	*set = (struct vly_image_set){0};
}
