/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "loader_parts.h"
#include "plan.h"

/* Files that one thread looks at before others may have it: about 10 ms. */
#define LOOKS_PER_GROUP 4096

/* The group of an item that is none of this phase's. */
#define NO_GROUP UINT32_MAX

/* Sorts item indices by group, in one counting pass. */
static void
fill_groups(struct vly_loader *loader, const uint32_t *group_of)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < loader->cnt; i++)
		if (group_of[i] != NO_GROUP)
			loader->group[group_of[i]].cnt++;
	for (uint32_t g = 0; g < loader->group_cnt; g++) {
		struct vly_load_group *group = &loader->group[g];
		group->loader = loader;
		group->work.data = group;
		group->item = loader->order + at;
		at += group->cnt;
		group->cnt = 0;
	}
	for (uint32_t i = 0; i < loader->cnt; i++)
		if (group_of[i] != NO_GROUP) {
			struct vly_load_group *group = &loader->group[group_of[i]];
			group->item[group->cnt++] = i;
			if (loader->phase == VLY_LOAD_FROM_CACHE ||
			    loader->phase == VLY_LOAD_OLD_ONES)
				group->cached = vly_cache_lookup_image(loader->lookup, i);
		}
}

/* Items that are looked at together. */
static uint32_t
group_looks(const struct vly_loader *loader, uint32_t *group_of)
{
	for (uint32_t i = 0; i < loader->cnt; i++)
		group_of[i] = i / LOOKS_PER_GROUP;
	return (loader->cnt + LOOKS_PER_GROUP - 1) / LOOKS_PER_GROUP;
}

/* Numbers the groups that zones are read into, those of living zones or all others, from `first` on.
 * Both kinds share no image, as the cache can't have those of living zones. Returns how many groups
 * there are, 0 also without memory. */
static uint32_t
group_kind(const struct vly_loader *loader, bool living, uint32_t first, uint32_t *group_of)
{
	struct vly_plan_zone *zone = calloc(loader->cnt + 1, sizeof(*zone));
	uint32_t *group = calloc(loader->cnt + 1, sizeof(*group));
	uint32_t cnt = 0;
	uint32_t group_cnt = 0;

	for (uint32_t i = 0; zone && i < loader->cnt; i++)
		if (vly_load_is_to_read(&loader->items[i]) && loader->items[i].is_living == living)
			zone[cnt++] = (struct vly_plan_zone){loader->items[i].stamp.bytes,
							     loader->items[i].name};
	if (zone && group)
		group_cnt = vly_plan_groups(zone, cnt, &loader->settings.key,
					    loader->settings.image_max, group);
	cnt = 0;
	for (uint32_t i = 0; group_cnt > 0 && i < loader->cnt; i++)
		if (vly_load_is_to_read(&loader->items[i]) && loader->items[i].is_living == living)
			group_of[i] = first + group[cnt++];
	free(zone);
	free(group);
	return group_cnt;
}

static uint32_t
group_files(const struct vly_loader *loader, uint32_t *group_of)
{
	for (uint32_t i = 0; i < loader->cnt; i++)
		group_of[i] = NO_GROUP;
	uint32_t cnt = group_kind(loader, false, 0, group_of);
	return cnt + group_kind(loader, true, cnt, group_of);
}

static bool
wants_cached(const struct vly_loader *loader, uint32_t item)
{
	if (loader->items[item].is_living)
		return false;
	return loader->phase == VLY_LOAD_FROM_CACHE ? loader->lookup->unchanged[item]
						    : loader->items[item].error != NULL;
}

/* Numbers the images of the cache that are needed in this phase. */
static uint32_t
group_cached(const struct vly_loader *loader, uint32_t *group_of)
{
	uint32_t *number = calloc(loader->lookup->index.image_cnt + 1, sizeof(*number));
	uint32_t group_cnt = 0;

	for (uint32_t i = 0; number && i < loader->cnt; i++) {
		const struct vly_cached_image *cached = vly_cache_lookup_image(loader->lookup, i);
		group_of[i] = NO_GROUP;
		if (!cached || !wants_cached(loader, i))
			continue;
		uint32_t image = (uint32_t)(cached - loader->lookup->image);
		if (number[image] == 0)
			number[image] = ++group_cnt;
		group_of[i] = number[image] - 1;
	}
	free(number);
	return group_cnt;
}

static void
open_cache(struct vly_loader *loader)
{
	if (!loader->settings.cache_dir)
		return;
	enum vly_state_read result = vly_cache_lookup_open(
		&loader->lookup, &loader->settings, loader->items, loader->cnt,
		loader->cache_reason, sizeof(loader->cache_reason));
	loader->spares_cache = result == VLY_STATE_UNREADABLE;
	if (result == VLY_STATE_NONE)
		loader->cache_reason[0] = '\0';
}

void
vly_load_make_groups(struct vly_loader *loader)
{
	uint32_t *group_of = calloc(loader->cnt + 1, sizeof(*group_of));

	if (loader->phase == VLY_LOAD_FROM_CACHE)
		open_cache(loader);
	loader->order = calloc(loader->cnt + 1, sizeof(*loader->order));
	if (group_of && loader->order) {
		if (loader->phase == VLY_LOAD_LOOK)
			loader->group_cnt = group_looks(loader, group_of);
		else if (loader->phase == VLY_LOAD_FROM_FILES)
			loader->group_cnt = group_files(loader, group_of);
		else if (loader->lookup)
			loader->group_cnt = group_cached(loader, group_of);
		loader->group = calloc(loader->group_cnt + 1, sizeof(*loader->group));
		if (!loader->group)
			loader->group_cnt = 0;
		if (loader->group_cnt > 0)
			fill_groups(loader, group_of);
	}
	free(group_of);
}
