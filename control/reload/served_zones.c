/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "served_zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"

/* An image that has this mark was met in the walk under way. Each walk takes the next number, which
 * is cheaper than to take the marks of all images back. */
static uint32_t walk_mark;

/* Returns 0, or -1 without memory. */
static int
add_zones(struct vly_served_zones *served)
{
	const struct vly_config *config = served->config;

	for (unsigned i = 0; i < config->zone_cnt; i++) {
		struct vly_served_zone *zone = &served->zones[i];
		zone->name = config->zones[i].name;
		zone->file = config->zones[i].file;
		HASH_ADD_KEYPTR(hh, served->by_name, zone->name, strlen(zone->name), zone);
		if (!zone->hh.tbl)
			return -1;
	}
	return 0;
}

struct vly_served_zones *
vly_served_zones_new(struct vly_config *config)
{
	struct vly_served_zones *served = calloc(1, sizeof(*served));

	if (!served)
		return NULL;
	served->config = config;
	served->zones = calloc(config->zone_cnt + 1, sizeof(*served->zones));
	if (served->zones && add_zones(served) == 0)
		return served;
	HASH_CLEAR(hh, served->by_name);
	free(served->zones);
	free(served);
	return NULL;
}

static struct vly_zone_error *
copy_error(const struct vly_zone_error *error)
{
	struct vly_zone_error *copy = error ? malloc(sizeof(*copy)) : NULL;

	if (copy)
		*copy = *error;
	return copy;
}

static void
set_error(struct vly_served_zones *served, struct vly_served_zone *zone,
	  struct vly_zone_error *error)
{
	served->failed_cnt -= zone->error != NULL;
	served->failed_cnt += error != NULL;
	free(zone->error);
	zone->error = error;
}

struct vly_served_zones *
vly_served_zones_successor(const struct vly_served_zones *live, struct vly_config *config)
{
	struct vly_served_zones *served = vly_served_zones_new(config);

	for (unsigned i = 0; served && i < config->zone_cnt; i++) {
		struct vly_served_zone *zone = &served->zones[i];
		const struct vly_served_zone *old = vly_served_zones_find(live, zone->name);
		if (!old)
			continue;
		if (old->image) {
			zone->image = vly_live_image_get(old->image);
			zone->info = old->info;
			zone->loaded_unix_ns = old->loaded_unix_ns;
			zone->cached = old->cached;
			zone->signature_level = old->signature_level;
			served->cached_cnt += old->cached;
			zone->includes = old->includes ? strdup(old->includes) : NULL;
			if (old->includes && !zone->includes)
				zone->info.stamp.inode = 0;
			served->loaded_cnt++;
		}
		set_error(served, zone, copy_error(old->error));
	}
	return served;
}

struct vly_served_zone *
vly_served_zones_find(const struct vly_served_zones *served, const char *name)
{
	struct vly_served_zone *zone;

	HASH_FIND_STR(served->by_name, name, zone);
	return zone;
}

void
vly_served_zones_stage(struct vly_served_zones *served, struct vly_served_zone *zone,
		       struct vly_load_item *item)
{
	zone->staged = item->image;
	zone->staged_info = item->info;
	zone->staged_includes = item->includes;
	zone->staged_cached = item->cached;
	set_error(served, zone, item->error);
	item->image = NULL;
	item->includes = NULL;
	item->error = NULL;
}

struct vly_image_list *
vly_served_zones_images(const struct vly_served_zones *served)
{
	struct vly_image_list *list = vly_image_list_new();

	walk_mark++;
	for (unsigned i = 0; list && i < served->config->zone_cnt; i++) {
		struct vly_served_zone *zone = &served->zones[i];
		struct vly_live_image *image = zone->staged ? zone->staged : zone->image;
		if (!image || image->mark == walk_mark)
			continue;
		image->mark = walk_mark;
		if (vly_image_list_add(list, image) < 0) {
			vly_image_list_free(list);
			return NULL;
		}
	}
	if (list)
		vly_image_list_sort(list);
	return list;
}

uint32_t
vly_served_zones_remnants(const struct vly_served_zones *live, const struct vly_served_zones *next,
			  const struct vly_image_list *list)
{
	uint32_t cnt = 0;

	walk_mark++;
	for (uint32_t i = 0; i < list->cnt; i++)
		list->image[i]->mark = walk_mark;
	for (unsigned i = 0; i < live->config->zone_cnt; i++) {
		const struct vly_served_zone *zone = &live->zones[i];
		if (!zone->image || zone->image->mark != walk_mark ||
		    vly_served_zones_find(next, zone->name))
			continue;
		vly_log_warning(
			"zone %s was removed from the configuration but is still served, until "
			"all zones in the same image load",
			zone->name);
		cnt++;
	}
	return cnt;
}

void
vly_served_zones_accept(struct vly_served_zones *served)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	for (unsigned i = 0; i < served->config->zone_cnt; i++) {
		struct vly_served_zone *zone = &served->zones[i];
		if (!zone->staged)
			continue;
		served->loaded_cnt += zone->image == NULL;
		vly_live_image_put(zone->image);
		zone->image = zone->staged;
		zone->staged = NULL;
		zone->info = zone->staged_info;
		free(zone->includes);
		zone->includes = zone->staged_includes;
		zone->staged_includes = NULL;
		served->cached_cnt -= zone->cached;
		served->cached_cnt += zone->staged_cached;
		zone->cached = zone->staged_cached;
		zone->loaded_unix_ns =
			(uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
	}
}

void
vly_served_zones_refuse(struct vly_served_zones *served, const char *reason)
{
	for (unsigned i = 0; i < served->config->zone_cnt; i++) {
		struct vly_served_zone *zone = &served->zones[i];
		if (!zone->staged)
			continue;
		struct vly_zone_error *error = calloc(1, sizeof(*error));
		if (error) {
			snprintf(error->file, sizeof(error->file), "%s", zone->file);
			snprintf(error->text, sizeof(error->text), "%s", reason);
		}
		set_error(served, zone, error);
		vly_live_image_put(zone->staged);
		zone->staged = NULL;
		free(zone->staged_includes);
		zone->staged_includes = NULL;
	}
}

void
vly_served_zones_copy_errors(struct vly_served_zones *live, const struct vly_served_zones *next)
{
	for (unsigned i = 0; i < live->config->zone_cnt; i++) {
		struct vly_served_zone *zone = &live->zones[i];
		const struct vly_served_zone *refused = vly_served_zones_find(next, zone->name);
		if (refused)
			set_error(live, zone, copy_error(refused->error));
	}
}

void
vly_served_zones_free(struct vly_served_zones *served)
{
	if (!served)
		return;
	HASH_CLEAR(hh, served->by_name);
	for (unsigned i = 0; i < served->config->zone_cnt; i++) {
		vly_live_image_put(served->zones[i].image);
		vly_live_image_put(served->zones[i].staged);
		free(served->zones[i].includes);
		free(served->zones[i].staged_includes);
		free(served->zones[i].error);
	}
	vly_config_free(served->config);
	free(served->zones);
	free(served);
}
