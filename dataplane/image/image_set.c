/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/large.h"

/* An image with more zones than these replaces zones that are answered, as far as we know. */
#define ZONES_LOOKED_AT 64

/* The index of the first image whose id is not smaller. Halves 2^64, or less. */
static size_t
find_place(const struct vly_image_set *set, uint64_t id)
{
	size_t low = 0;
	size_t high = set->cnt;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (set->held[middle].image->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct vly_held_image *
find(const struct vly_image_set *set, uint64_t id)
{
	size_t place = find_place(set, id);

	return place < set->cnt && set->held[place].image->id == id ? &set->held[place] : NULL;
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

/* Whether the live table has data of the zone. */
static bool
is_answered(const struct vly_table *table, const struct vly_image *image, uint32_t zone_idx)
{
	struct vly_name name;

	vly_table_scan_apex(table, image, zone_idx, &name);
	const struct vly_table_slot slot = vly_table_find(table, &name, 0, true);
	return slot.part != NULL &&
	       !(slot.part->image->zone[slot.zone_idx].flags & VLY_IMAGE_UNREADY);
}

static bool
has_answered_zones(const struct vly_table *table, const struct vly_image *image)
{
	if (table == NULL)
		return false;
	if (image->header->zone_cnt > ZONES_LOOKED_AT)
		return true;
	for (uint32_t i = 0; i < image->header->zone_cnt; i++)
		if (is_answered(table, image, i))
			return true;
	return false;
}

/* Puts the next pages of an image on large ones. Returns whether there are more. */
static bool
enlarge(struct vly_held_image *held)
{
	const struct vly_image *image = held->image;

	return vly_large_copy_next(image->header, image->mapped_bytes, &held->large_bytes);
}

bool
vly_image_set_enlarge(struct vly_image_set *set)
{
	for (size_t i = find_place(set, set->enlarged_id); i < set->cnt; i++) {
		set->enlarged_id = set->held[i].image->id;
		if (set->held[i].live && enlarge(&set->held[i]))
			return true;
	}
	set->enlarged_id = 0;
	set->may_enlarge = false;
	for (size_t i = 0; i < set->cnt; i++)
		set->may_enlarge |= !set->held[i].live; /* its time comes */
	return false;
}

enum vly_publish_code
vly_image_set_add(struct vly_image_set *set, int fd, uint64_t id, struct vly_image_error *error)
{
	if (find(set, id) != NULL)
		return VLY_PUBLISH_OK; /* the same image, which control does not know is here */
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
	size_t place = find_place(set, id);
	memmove(set->held + place + 1, set->held + place,
		(set->cnt - place) * sizeof(set->held[0]));
	set->held[place] = (struct vly_held_image){.image = image};
	set->cnt++;
	if (!has_answered_zones(set->table, image))
		set->may_enlarge = true;
	else
		while (enlarge(&set->held[place])) /* once for each large page */
			;
	return VLY_PUBLISH_OK;
}

/* Marks the images of the ids as wanted, or as not wanted any more. */
static enum vly_publish_code
mark(struct vly_image_set *set, const uint64_t *ids, size_t cnt, bool wanted,
     struct vly_image_error *error)
{
	for (size_t i = 0; i < cnt; i++) {
		struct vly_held_image *held = find(set, ids[i]);
		if (held == NULL) {
			snprintf(error->text, sizeof(error->text), "image %llu is not held",
				 (unsigned long long)ids[i]);
			return VLY_PUBLISH_UNKNOWN;
		}
		if (held->wanted == wanted) {
			snprintf(error->text, sizeof(error->text), "image %llu is %s",
				 (unsigned long long)ids[i],
				 wanted ? "listed twice, or in the table already"
					: "to be removed, but not in the table");
			return VLY_PUBLISH_MALFORMED;
		}
		held->wanted = wanted;
	}
	return VLY_PUBLISH_OK;
}

static enum vly_publish_code
mark_all(struct vly_image_set *set, const struct vly_image_change *change,
	 struct vly_image_error *error)
{
	for (size_t i = 0; i < set->cnt; i++)
		set->held[i].wanted = set->held[i].live && !change->is_whole_list;
	enum vly_publish_code code = mark(set, change->removed, change->removed_cnt, false, error);
	return code == VLY_PUBLISH_OK ? mark(set, change->added, change->added_cnt, true, error)
				      : code;
}

/* Writes the images that are live and wanted as given to `list`; returns their number. */
static size_t
choose(const struct vly_image_set *set, bool live, bool wanted, struct vly_image **list)
{
	size_t cnt = 0;

	for (size_t i = 0; i < set->cnt; i++)
		if (set->held[i].live == live && set->held[i].wanted == wanted)
			list[cnt++] = set->held[i].image;
	return cnt;
}

/* Builds the table of all images that are wanted, and publishes it. */
static enum vly_publish_code
build(struct vly_image_set *set, struct vly_image **list, struct vly_image_error *error)
{
	size_t cnt = choose(set, true, true, list);

	cnt += choose(set, false, true, list + cnt);
	struct vly_table *table = vly_table_build(list, cnt, error);
	if (table == NULL)
		return VLY_PUBLISH_REFUSED;
	set->table = table;
	vly_table_publish(table);
	return VLY_PUBLISH_OK;
}

/* Changes the live table, or builds another. `list` has room for all images. */
static enum vly_publish_code
change_table(struct vly_image_set *set, struct vly_image **list, struct vly_image_error *error)
{
	enum vly_table_outcome outcome = VLY_TABLE_BUILD;

	if (set->table != NULL) {
		size_t removed_cnt = choose(set, true, false, list);
		size_t added_cnt = choose(set, false, true, list + removed_cnt);
		outcome = vly_table_change(set->table, list, removed_cnt, list + removed_cnt,
					   added_cnt, error);
	}
	if (outcome == VLY_TABLE_BUILD)
		return build(set, list, error);
	return outcome == VLY_TABLE_CHANGED ? VLY_PUBLISH_OK : VLY_PUBLISH_REFUSED;
}

enum vly_publish_code
vly_image_set_commit(struct vly_image_set *set, const struct vly_image_change *change,
		     uint32_t *zone_cnt, struct vly_image_error *error)
{
	struct vly_image **list = calloc(set->cnt + 1, sizeof(struct vly_image *));

	if (list == NULL) {
		snprintf(error->text, sizeof(error->text), "no memory for %zu images", set->cnt);
		return VLY_PUBLISH_NO_MEMORY;
	}
	enum vly_publish_code code = mark_all(set, change, error);
	if (code == VLY_PUBLISH_OK)
		code = change_table(set, list, error);
	free(list);
	if (code != VLY_PUBLISH_OK)
		return code;
	*zone_cnt = set->table->zone_cnt;
	for (size_t i = 0; i < set->cnt; i++) {
		struct vly_held_image *held = &set->held[i];
		/* vly_image_set_enlarge() has passed its place already */
		if (held->wanted && !held->live && held->image->id < set->enlarged_id)
			set->enlarged_id = held->image->id;
		held->live = held->wanted;
	}
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
