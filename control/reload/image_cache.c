/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/reason.h"
#include "cache_lookup.h"
#include "common/log.h"
#include "common/plural.h"
#include "store/image_files.h"

/* The cache is written in one part of so many of the time at most. It is about all zones, and while
 * they are read no reload begins. Smaller: many changes in a row are slower. Larger: after a crash more
 * zones are read from their files. */
#define PAUSE_PART 20

enum state {
	IDLE,
	READING, /* the served zones */
	WRITING,
};

struct kept_image {
	struct vly_index_image image;
	uint32_t zone_cnt; /* that are answered from it, and can be told */
	uint32_t number;   /* in the index, when it is whole */
	bool is_whole;
};

struct vly_image_cache {
	uv_loop_t *loop;
	char *dir;
	void (*progress)(void *arg);
	void *arg;
	enum state state;
	uv_work_t work;
	const struct vly_served_zones *served; /* while READING */
	uint64_t settings;
	struct vly_image_list *list;
	struct kept_image *kept; /* [list->cnt] */
	struct vly_index_text text;
	uint32_t image_cnt; /* in the index */
	uint32_t zone_cnt;
	uint64_t begin_ms;
	uint64_t next_ms; /* not earlier is the next time */
	char reason[VLY_REASON_BYTES];
	char trouble[VLY_TROUBLE_BYTES]; /* of the last time that it was written, or "" */
};

static bool
can_be_told(const struct vly_served_zone *zone)
{
	return zone->image != NULL && !zone->is_adopted && strchr(zone->file, '\n') == NULL;
}

/* An image is stored when all zones in it are served from it, or from a newer image that is stored.
 * Any other would bring replaced versions back. */
static int
choose_images(struct vly_image_cache *cache)
{
	const struct vly_served_zones *served = cache->served;
	const struct vly_served_zone *zone;

	for (uint32_t i = 0; i < cache->list->cnt; i++)
		if (vly_image_files_describe(cache->list->image[i]->fd, &cache->kept[i].image) != 0)
			return -1;
	bool all_told = true;
	for (uint32_t i = 0; (zone = vly_served_zones_next(served, &i)) != NULL; i++)
		if (can_be_told(zone))
			cache->kept[zone->image->place].zone_cnt++;
		else if (zone->image != NULL && !zone->is_adopted)
			all_told = false;
	for (uint32_t i = 0; i < cache->list->cnt; i++)
		all_told &= !cache->list->image[i]->is_stale;
	for (uint32_t i = 0; i < cache->list->cnt; i++) {
		struct kept_image *kept = &cache->kept[i];
		kept->image.superseded_cnt = all_told ? kept->image.zone_cnt - kept->zone_cnt : 0;
		kept->is_whole =
			kept->zone_cnt + kept->image.superseded_cnt == kept->image.zone_cnt;
		if (!kept->is_whole)
			continue;
		kept->number = cache->image_cnt++;
		vly_index_add_image(&cache->text, &kept->image);
	}
	return 0;
}

static void
read_served(uv_work_t *work)
{
	struct vly_image_cache *cache = work->data;
	const struct vly_served_zones *served = cache->served;
	const struct vly_served_zone *zone;

	vly_index_begin(&cache->text, cache->settings);
	if (choose_images(cache) != 0) {
		snprintf(cache->reason, sizeof(cache->reason), "an image could not be read: %m");
		return;
	}
	for (uint32_t i = 0; (zone = vly_served_zones_next(served, &i)) != NULL; i++) {
		if (zone->image == NULL || zone->is_adopted ||
		    !cache->kept[zone->image->place].is_whole)
			continue;
		const struct vly_index_zone entry = {
			.image = cache->kept[zone->image->place].number,
			.info = zone->info,
			.name = zone->name,
			.file = zone->file,
			.includes = zone->includes != NULL ? zone->includes : "",
		};
		cache->zone_cnt += vly_index_add_zone(&cache->text, &entry);
	}
	if (vly_index_end(&cache->text) != 0)
		snprintf(cache->reason, sizeof(cache->reason), "out of memory");
}

static int
write_images(struct vly_image_cache *cache)
{
	for (uint32_t i = 0; i < cache->list->cnt; i++)
		if (cache->kept[i].is_whole &&
		    vly_image_files_write(cache->dir, &cache->kept[i].image,
					  cache->list->image[i]->fd, cache->reason,
					  sizeof(cache->reason)) != 0)
			return -1;
	return 0;
}

/* Images are written before the index that lists them, and images of the old index are removed
 * after it is replaced. */
static void
write_files(uv_work_t *work)
{
	struct vly_image_cache *cache = work->data;
	struct vly_index_image *listed = calloc(cache->image_cnt + 1, sizeof(*listed));

	if (listed == NULL)
		snprintf(cache->reason, sizeof(cache->reason), "out of memory");
	if (listed == NULL ||
	    vly_image_files_prepare(cache->dir, cache->reason, sizeof(cache->reason)) != 0 ||
	    write_images(cache) != 0 ||
	    vly_image_files_write_index(cache->dir, cache->text.text, cache->text.len,
					cache->reason, sizeof(cache->reason)) != 0) {
		free(listed);
		return;
	}
	for (uint32_t i = 0; i < cache->list->cnt; i++)
		if (cache->kept[i].is_whole)
			listed[cache->kept[i].number] = cache->kept[i].image;
	vly_image_files_prune(cache->dir, listed, cache->image_cnt);
	free(listed);
}

/* The same failure is logged once, and not at each reload. */
static void
tell(struct vly_image_cache *cache)
{
	char trouble[sizeof(cache->trouble)] = "";

	if (cache->reason[0] == '\0')
		vly_log_info("image cache: stored %" PRIu32 " zone%s in %" PRIu32 " image%s",
			     cache->zone_cnt, vly_plural(cache->zone_cnt), cache->image_cnt,
			     vly_plural(cache->image_cnt));
	else
		snprintf(trouble, sizeof(trouble), "image cache not written: %s", cache->reason);
	if (trouble[0] != '\0' && strcmp(trouble, cache->trouble) != 0)
		vly_log_warning("%s", trouble);
	memcpy(cache->trouble, trouble, sizeof(trouble));
}

static void
finish(struct vly_image_cache *cache)
{
	tell(cache);
	uv_update_time(cache->loop);
	cache->next_ms = uv_now(cache->loop) + PAUSE_PART * (uv_now(cache->loop) - cache->begin_ms);
	vly_image_list_free(cache->list);
	free(cache->kept);
	free(cache->text.text);
	cache->list = NULL;
	cache->kept = NULL;
	cache->text = (struct vly_index_text){0};
	cache->state = IDLE;
	cache->progress(cache->arg);
}

static void
on_written(uv_work_t *work, int status)
{
	(void)status;
	finish(work->data);
}

static void
on_read(uv_work_t *work, int status)
{
	struct vly_image_cache *cache = work->data;

	(void)status;
	cache->served = NULL;
	if (cache->reason[0] != '\0') {
		finish(cache);
		return;
	}
	cache->state = WRITING;
	uv_queue_work(cache->loop, &cache->work, write_files, on_written);
	cache->progress(cache->arg);
}

struct vly_image_cache *
vly_image_cache_new(uv_loop_t *loop, const char *dir, void (*progress)(void *arg), void *arg)
{
	struct vly_image_cache *cache = calloc(1, sizeof(*cache));

	if (cache != NULL)
		cache->dir = strdup(dir);
	if (cache == NULL || cache->dir == NULL) {
		free(cache);
		return NULL;
	}
	cache->loop = loop;
	cache->progress = progress;
	cache->arg = arg;
	cache->work.data = cache;
	return cache;
}

void
vly_image_cache_store(struct vly_image_cache *cache, const struct vly_served_zones *served,
		      const struct vly_load_settings *settings)
{
	cache->begin_ms = uv_now(cache->loop);
	cache->settings = vly_cache_settings_hash(settings);
	cache->reason[0] = '\0';
	cache->image_cnt = 0;
	cache->zone_cnt = 0;
	cache->list = vly_served_zones_images(served);
	if (cache->list != NULL)
		cache->kept = calloc(cache->list->cnt + 1, sizeof(*cache->kept));
	if (cache->kept == NULL) {
		snprintf(cache->reason, sizeof(cache->reason), "out of memory");
		finish(cache);
		return;
	}
	for (uint32_t i = 0; i < cache->list->cnt; i++)
		cache->list->image[i]->place = i;
	cache->served = served;
	cache->state = READING;
	uv_queue_work(cache->loop, &cache->work, read_served, on_read);
}

bool
vly_image_cache_is_reading(const struct vly_image_cache *cache)
{
	return cache->state == READING;
}

uint64_t
vly_image_cache_wait_ms(const struct vly_image_cache *cache)
{
	const uint64_t now_ms = uv_now(cache->loop);

	return now_ms < cache->next_ms ? cache->next_ms - now_ms : 0;
}

bool
vly_image_cache_is_busy(const struct vly_image_cache *cache)
{
	return cache->state != IDLE;
}

const char *
vly_image_cache_trouble(const struct vly_image_cache *cache)
{
	return cache->trouble;
}

void
vly_image_cache_free(struct vly_image_cache *cache)
{
	if (cache == NULL)
		return;
	free(cache->dir);
	free(cache);
}
