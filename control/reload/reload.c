/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reload_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "common/log.h"

static void load_without_cache(struct vly_reload *reload);

static void
on_loaded(void *arg)
{
	struct vly_reload *reload = arg;
	uint32_t staged = 0;

	reload->reloader->spares_cache |= vly_loader_spares_cache(reload->loader);
	reload->loader = NULL;
	for (uint32_t i = 0; i < reload->zone_cnt; i++) {
		reload->has_cached |= reload->items[i].cached;
		if (reload->items[i].image) {
			staged++;
			reload->report.record_cnt += reload->items[i].info.record_cnt;
			reload->report.cached_cnt +=
				reload->items[i].cached && !reload->items[i].error;
		}
		vly_served_zones_stage(reload->target, reload->zones[i], &reload->items[i]);
	}
	uv_update_time(reload->reloader->loop);
	bool none = staged == 0 && reload->zone_cnt > 0;
	/* nothing to publish: no zone has loaded, and if a zone was removed, none is left */
	if (none && (!reload->next || reload->next->loaded_cnt == 0)) {
		if (reload->next)
			vly_served_zones_copy_errors(reload->reloader->live, reload->next);
		vly_reload_finish(reload, VLY_RELOAD_FAILED,
				  "%s did not load; nothing was published",
				  reload->zone_cnt == 1 ? "the zone" : "all zones");
		return;
	}
	vly_reload_publish(reload, load_without_cache);
}

/* The number of images that the load may make, beside those that are live. It is at least 1: images
 * may become free when the last of their zones gets a new one. */
static uint32_t
image_room(const struct vly_reload *reload)
{
	struct vly_image_list *list = vly_served_zones_images(reload->reloader->live);
	uint32_t cnt = list ? list->cnt : 0;
	uint32_t max = vly_reload_images_max(reload);

	vly_image_list_free(list);
	return cnt < max ? max - cnt : 1;
}

static bool
has_cache(const struct vly_reloader *reloader, const struct vly_config *config)
{
	return reloader->keep_images && strcmp(config->control->image_cache, "on") == 0;
}

/* The settings that the zones of a configuration are compiled with. */
static struct vly_load_settings
load_settings(const struct vly_reloader *reloader, const struct vly_config *config)
{
	struct vly_load_settings settings = {
		.key = reloader->key,
		.any_all = strcmp(config->answers->any, "all") == 0,
		.additional_none = strcmp(config->answers->additional, "none") == 0,
	};

	vly_config_severities(config, settings.severity);
	settings.dnssec.verify = (uint8_t)vly_config_verify(config);
	settings.dnssec.now_s = (uint64_t)time(NULL);
	if (getrandom(&settings.dnssec.seed, sizeof(settings.dnssec.seed), GRND_NONBLOCK) < 0)
		settings.dnssec.seed = uv_hrtime(); /* the same sample twice does no harm */
	return settings;
}

static void
load(struct vly_reload *reload)
{
	struct vly_reloader *reloader = reload->reloader;
	const struct vly_config *config = reload->target->config;
	struct vly_load_settings settings = load_settings(reloader, config);

	settings.image_max = image_room(reload);
	if (reload->alone && !reload->without_cache && has_cache(reloader, config))
		settings.cache_dir = reloader->cache_dir;
	reload->items = calloc(reload->zone_cnt + 1, sizeof(*reload->items));
	for (uint32_t i = 0; reload->items && i < reload->zone_cnt; i++) {
		reload->items[i].name = reload->zones[i]->name;
		reload->items[i].file = reload->zones[i]->file;
	}
	if (reload->items)
		reload->loader = vly_loader_start(reloader->loop, &settings, reload->items,
						  reload->zone_cnt, on_loaded, reload);
	if (!reload->loader)
		vly_reload_finish(reload, VLY_RELOAD_FAILED, "out of memory");
}

static void
load_without_cache(struct vly_reload *reload)
{
	reload->without_cache = true;
	reload->has_cached = false;
	reload->report.record_cnt = 0;
	reload->report.cached_cnt = 0;
	reload->phase = "reading";
	vly_load_items_clear(reload->items, reload->zone_cnt);
	free(reload->items);
	load(reload);
}

static void
choose_all(struct vly_reload *reload, struct vly_served_zones *target)
{
	reload->target = target;
	reload->zone_cnt = target->config->zone_cnt;
	reload->zones = calloc(reload->zone_cnt + 1, sizeof(struct vly_served_zone *));
	for (uint32_t i = 0; reload->zones && i < reload->zone_cnt; i++)
		reload->zones[i] = &target->zones[i];
	if (reload->zones)
		load(reload);
	else
		vly_reload_finish(reload, VLY_RELOAD_FAILED, "out of memory");
}

static int
compare_places(const void *a, const void *b)
{
	const struct vly_served_zone *const *left = a;
	const struct vly_served_zone *const *right = b;

	return (*left > *right) - (*left < *right);
}

static void
choose_named(struct vly_reload *reload)
{
	const struct vly_reload_asker *asker = reload->askers;
	struct vly_served_zones *live = reload->reloader->live;
	struct vly_served_zone **zones = calloc(asker->name_cnt, sizeof(*zones));

	for (uint32_t i = 0; zones && i < asker->name_cnt; i++) {
		zones[i] = vly_served_zones_find(live, asker->names[i]);
		if (!zones[i]) {
			free(zones);
			vly_reload_finish(reload, VLY_RELOAD_FAILED,
					  "zone %.300s is not in the configuration",
					  asker->names[i]);
			return;
		}
	}
	if (zones)
		qsort(zones, asker->name_cnt, sizeof(*zones), compare_places);
	reload->target = live;
	reload->zones = zones;
	reload->zone_cnt = zones ? asker->name_cnt : 0;
	if (zones)
		load(reload);
	else
		vly_reload_finish(reload, VLY_RELOAD_FAILED, "out of memory");
}

static void
read_config(uv_work_t *work)
{
	struct vly_reload *reload = work->data;

	reload->config = vly_config_load(reload->reloader->config_path, &reload->config_errors);
	if (reload->config && vly_config_read_lists(reload->config, &reload->config_errors) < 0) {
		vly_config_free(reload->config);
		reload->config = NULL;
	}
}

static void
on_config(uv_work_t *work, int status)
{
	struct vly_reload *reload = work->data;

	(void)status;
	if (!reload->config) {
		vly_reload_queue_put_back(&reload->reloader->queue, reload);
		vly_reload_finish(reload, VLY_RELOAD_FAILED,
				  "the configuration has errors; nothing was changed");
		return;
	}
	reload->next = vly_served_zones_successor(reload->reloader->live, reload->config);
	if (!reload->next) {
		vly_reload_finish(reload, VLY_RELOAD_FAILED, "out of memory");
		return;
	}
	reload->config = NULL;
	choose_all(reload, reload->next);
}

static const char spared[] = "image cache not written: it could not be read, and may hold the last "
			     "good version of a zone that did not load";

/* A cache that could not be read may have the only good version of a zone. It is not replaced until
 * every zone has a version. */
static bool
may_replace_cache(struct vly_reloader *reloader)
{
	bool complete = reloader->live->loaded_cnt == reloader->live->config->zone_cnt;

	if (!reloader->spares_cache || complete) {
		reloader->spares_cache = false;
		return true;
	}
	if (!reloader->spare_reported)
		vly_log_warning("%s", spared);
	reloader->spare_reported = true;
	return false;
}

/* The live images are stored between two reloads, which do not wait for the disk. */
static void
store(struct vly_reloader *reloader)
{
	struct vly_load_settings settings = load_settings(reloader, reloader->live->config);

	if (reloader->store_wanted && !may_replace_cache(reloader))
		reloader->store_wanted = false;
	if (!reloader->store_wanted || !has_cache(reloader, reloader->live->config) ||
	    vly_image_cache_is_busy(reloader->cache))
		return;
	reloader->store_wanted = false;
	vly_image_cache_store(reloader->cache, reloader->live, &settings);
}

static void
on_stored(void *arg)
{
	vly_reloader_kick(arg);
}

static void
on_kick(uv_idle_t *kick)
{
	struct vly_reloader *reloader = kick->data;
	struct vly_reload *reload;

	uv_idle_stop(kick);
	if (reloader->running)
		return;
	store(reloader);
	if (vly_image_cache_is_reading(reloader->cache) ||
	    !(reload = vly_reload_queue_take(&reloader->queue)))
		return;
	reloader->running = reload;
	reload->work.data = reload;
	reload->phase = "reading";
	if (reload->alone)
		choose_all(reload, reloader->live);
	else if (!reload->is_full)
		choose_named(reload);
	else
		uv_queue_work(reloader->loop, &reload->work, read_config, on_config);
}

struct vly_reloader *
vly_reloader_new(uv_loop_t *loop, const char *config_path, struct vly_config *config,
		 const struct vly_hash_key *key, bool keep_images, struct vly_publisher *publisher,
		 struct vly_defender *defender)
{
	struct vly_reloader *reloader = calloc(1, sizeof(*reloader));

	if (!reloader)
		return NULL;
	reloader->loop = loop;
	reloader->config_path = strdup(config_path);
	reloader->key = *key;
	reloader->keep_images = keep_images;
	reloader->publisher = publisher;
	reloader->defender = defender;
	reloader->live = vly_served_zones_new(config);
	if (asprintf(&reloader->cache_dir, "%s/images", config->control->state_dir) < 0)
		reloader->cache_dir = NULL;
	if (reloader->cache_dir)
		reloader->cache =
			vly_image_cache_new(loop, reloader->cache_dir, on_stored, reloader);
	if (!reloader->config_path || !reloader->live || !reloader->cache) {
		vly_image_cache_free(reloader->cache);
		free(reloader->cache_dir);
		free(reloader->config_path);
		free(reloader);
		return NULL;
	}
	reloader->on_kick = on_kick;
	uv_idle_init(loop, &reloader->kick);
	reloader->kick.data = reloader;
	uv_timer_init(loop, &reloader->watch);
	reloader->watch.data = reloader;
	return reloader;
}

struct vly_reload_asker *
vly_reloader_request(struct vly_reloader *reloader, char *const *zones, uint32_t zone_cnt,
		     void (*done)(void *arg, const struct vly_reload_report *report), void *arg)
{
	struct vly_reload_asker *asker =
		vly_reload_queue_ask(&reloader->queue, zones, zone_cnt, !reloader->started,
				     uv_now(reloader->loop), done, arg);

	if (!asker)
		return NULL;
	asker->reload->reloader = reloader;
	reloader->started = true;
	vly_reloader_kick(reloader);
	return asker;
}

static void
ignore_report(void *arg, const struct vly_reload_report *report)
{
	(void)arg;
	(void)report;
}

void
vly_reload_forget(struct vly_reload_asker *asker)
{
	asker->done = ignore_report;
}

void
vly_reload_progress(const struct vly_reload_asker *asker, struct vly_reload_progress *progress)
{
	const struct vly_reload *reload = asker->reload;

	memset(progress, 0, sizeof(*progress));
	progress->phase = reload->phase;
	progress->duration_ms = uv_now(reload->reloader->loop) - asker->asked_ms;
	if (reload->loader)
		vly_loader_progress(reload->loader, &progress->load);
}

const struct vly_served_zones *
vly_reloader_served(const struct vly_reloader *reloader)
{
	return reloader->live;
}

uint32_t
vly_reloader_pending(const struct vly_reloader *reloader)
{
	return reloader->queue.cnt + (reloader->running != NULL);
}

static void
on_watch_closed(uv_handle_t *handle)
{
	struct vly_reloader *reloader = handle->data;

	vly_served_zones_free(reloader->live);
	vly_image_cache_free(reloader->cache);
	free(reloader->cache_dir);
	free(reloader->config_path);
	free(reloader);
}

static void
on_kick_closed(uv_handle_t *handle)
{
	struct vly_reloader *reloader = handle->data;

	uv_close((uv_handle_t *)&reloader->watch, on_watch_closed);
}

const char *
vly_reloader_trouble(const struct vly_reloader *reloader)
{
	return reloader->spare_reported && reloader->spares_cache
		       ? spared
		       : vly_image_cache_trouble(reloader->cache);
}

bool
vly_reloader_is_storing(const struct vly_reloader *reloader)
{
	return vly_image_cache_is_busy(reloader->cache);
}

void
vly_reloader_free(struct vly_reloader *reloader)
{
	if (reloader)
		uv_close((uv_handle_t *)&reloader->kick, on_kick_closed);
}
