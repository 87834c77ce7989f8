/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reload_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "cache_lookup.h"
#include "common/log.h"
#include "living/living_load.h"

static void load_without_cache(struct vly_reload *reload);

static bool
all_copied(const struct vly_reload *reload)
{
	for (uint32_t i = 0; i < reload->zone_cnt; i++)
		if (!reload->items[i].is_copied || !reload->items[i].image)
			return false;
	return true;
}

/* All items have been worked at. */
static void
stage(struct vly_reload *reload)
{
	uint32_t staged = 0;

	for (uint32_t i = 0; i < reload->zone_cnt; i++) {
		if (reload->items[i].is_unchanged || reload->items[i].is_adopted) {
			reload->report.unchanged_cnt++;
			reload->report.record_cnt += reload->zones[i]->info.record_cnt;
			if (!reload->items[i].is_copied)
				continue;
			vly_served_zones_stage(reload->target, reload->zones[i], &reload->items[i]);
			continue;
		}
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
	bool none = staged + reload->report.unchanged_cnt == 0 && reload->zone_cnt > 0 &&
		    !reload->target->staged;
	/* nothing to publish: no zone has loaded, and if a zone was removed, none is left */
	if (none && (!reload->is_full || reload->target->loaded_cnt == 0)) {
		if (reload->next)
			vly_served_zones_copy_errors(reload->reloader->live, reload->next);
		vly_reload_finish(reload, VLY_RELOAD_FAILED,
				  "%s did not load; nothing was published",
				  reload->zone_cnt == 1 ? "the zone" : "all zones");
		return;
	}
	vly_reload_publish(reload, load_without_cache);
}

static void
on_loaded(void *arg)
{
	struct vly_reload *reload = arg;

	reload->reloader->spares_cache |= vly_loader_spares_cache(reload->loader);
	reload->loader = NULL;
	if (reload->is_packing && !all_copied(reload)) {
		vly_log_warning("the zones of small images could not be moved together: out of "
				"memory");
		vly_reload_give_up_pack(reload);
		vly_reload_drop(reload);
		return;
	}
	vly_reload_reread(reload, stage);
}

/* The number of images that the load may make, beside those that are live. It is at least 1: images
 * may become free when the last of their zones gets a new one. */
static uint32_t
image_room(const struct vly_reload *reload)
{
	uint32_t cnt = reload->reloader->live->uses.cnt;
	uint32_t max = vly_reload_images_max(reload);

	return cnt < max ? max - cnt : 1;
}

static bool
has_cache(const struct vly_reloader *reloader, const struct vly_config *config)
{
	return reloader->keep_images && strcmp(config->control->image_cache, "on") == 0;
}

/* The settings that the zones of a list are compiled with. */
static struct vly_load_settings
load_settings(const struct vly_reloader *reloader, const struct vly_served_zones *served)
{
	const struct vly_config *config = served->config;
	struct vly_load_settings settings = {
		.key = reloader->key,
		.living = reloader->living,
		.steer = served->steer,
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

void
vly_reload_load(struct vly_reload *reload)
{
	struct vly_reloader *reloader = reload->reloader;
	const struct vly_config *config = reload->target->config;
	struct vly_load_settings settings = load_settings(reloader, reload->target);

	reload->settings = vly_cache_settings_hash(&settings);
	settings.image_max = image_room(reload);
	settings.only_copies = reload->is_packing;
	if (reload->alone && !reload->without_cache && has_cache(reloader, config))
		settings.cache_dir = reloader->cache_dir;
	reload->items = calloc(reload->zone_cnt + 1, sizeof(*reload->items));
	for (uint32_t i = 0; reload->items && i < reload->zone_cnt; i++) {
		reload->items[i].name = reload->zones[i]->name;
		reload->items[i].file = reload->zones[i]->file;
	}
	if (reload->items) {
		vly_reload_keep(reload);
		vly_reload_prepare_living(reload);
		reload->loader = vly_loader_start(reloader->loop, &settings, reload->items,
						  reload->zone_cnt, on_loaded, reload);
	}
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
	vly_reload_load(reload);
}

static const char spared[] = "image cache not written: it could not be read, and may hold the last "
			     "good version of a zone that did not load";

/* A cache that could not be read may have the only good version of a zone. It is not replaced until
 * every zone has a version. */
static bool
may_replace_cache(struct vly_reloader *reloader)
{
	bool complete = reloader->live->loaded_cnt == reloader->live->zone_cnt;

	if (!reloader->spares_cache || complete) {
		reloader->spares_cache = false;
		return true;
	}
	if (!reloader->spare_reported)
		vly_log_warning("%s", spared);
	reloader->spare_reported = true;
	return false;
}

static void
on_store_time(uv_timer_t *timer)
{
	vly_reloader_kick(timer->data);
}

/* The live images are stored between two reloads, which do not wait for the disk. */
static void
store(struct vly_reloader *reloader)
{
	struct vly_load_settings settings = load_settings(reloader, reloader->live);

	if (reloader->store_wanted && !may_replace_cache(reloader))
		reloader->store_wanted = false;
	if (!reloader->store_wanted || !has_cache(reloader, reloader->live->config) ||
	    vly_image_cache_is_busy(reloader->cache))
		return;
	uint64_t wait_ms = vly_image_cache_wait_ms(reloader->cache);
	if (wait_ms > 0) {
		if (!uv_is_active((uv_handle_t *)&reloader->store_timer))
			uv_timer_start(&reloader->store_timer, on_store_time, wait_ms, 0);
		return;
	}
	reloader->store_wanted = false;
	vly_image_cache_store(reloader->cache, reloader->live, &settings);
}

static void
on_stored(void *arg)
{
	vly_reloader_kick(arg);
}

static void
choose_packed(uv_work_t *work)
{
	vly_reload_choose_pack(work->data);
}

static void
on_packed_chosen(uv_work_t *work, int status)
{
	struct vly_reload *reload = work->data;

	(void)status;
	if (reload->zone_cnt > 0) {
		vly_reload_load(reload);
		return;
	}
	vly_reload_give_up_pack(reload);
	vly_reload_drop(reload);
}

static void
choose_members(struct vly_reload *reload)
{
	vly_reload_choose_members(reload);
	if (!reload->zones)
		vly_reload_finish(reload, VLY_RELOAD_FAILED, "out of memory");
	else if (reload->zone_cnt == 0 && !reload->target->staged)
		vly_reload_drop(reload);
	else
		vly_reload_load(reload);
}

/* What people ask for goes first. */
static struct vly_reload *
next_reload(struct vly_reloader *reloader)
{
	struct vly_reload *reload = vly_reload_queue_take(&reloader->queue);

	const bool is_due = vly_directory_watch_is_due(&reloader->directories);
	const bool has_members = reloader->member_batch != NULL;
	const bool is_packing = !is_due && !has_members && vly_reload_pack_is_due(reloader->live);
	if (reload || !reloader->started || (!is_due && !has_members && !is_packing))
		return reload;
	reload = calloc(1, sizeof(*reload));
	if (!reload)
		return NULL;
	reload->reloader = reloader;
	reload->begin_ms = uv_now(reloader->loop);
	reload->is_packing = is_packing;
	if (is_packing)
		return reload;
	if (has_members) {
		reload->member_batch = reloader->member_batch;
		reloader->member_batch = NULL;
		return reload;
	}
	reload->is_watched = true;
	reload->files = vly_directory_watch_take(&reloader->directories);
	reload->is_full = !reload->files;
	return reload;
}

static void
on_directory_due(void *arg)
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
	if (vly_image_cache_is_reading(reloader->cache) || !(reload = next_reload(reloader)))
		return;
	reloader->running = reload;
	reload->work.data = reload;
	reload->phase = "reading";
	if (reload->is_full)
		vly_directory_watch_clear(&reloader->directories);
	reload->target = reloader->live;
	if (reload->member_batch)
		choose_members(reload);
	else if (reload->is_packing)
		uv_queue_work(reloader->loop, &reload->work, choose_packed, on_packed_chosen);
	else if (!reload->is_full && !reload->is_watched)
		vly_reload_choose_named(reload);
	else
		uv_queue_work(reloader->loop, &reload->work, vly_reload_read_config,
			      vly_reload_on_config);
}

struct vly_reloader *
vly_reloader_new(uv_loop_t *loop, const char *config_path, struct vly_config *config,
		 const struct vly_hash_key *key, bool keep_images, struct vly_publisher *publisher,
		 struct vly_publish_turns *turns, struct vly_defender *defender,
		 struct vly_living *living)
{
	struct vly_reloader *reloader = calloc(1, sizeof(*reloader));

	if (!reloader)
		return NULL;
	reloader->loop = loop;
	reloader->config_path = strdup(config_path);
	reloader->key = *key;
	reloader->keep_images = keep_images;
	reloader->publisher = publisher;
	reloader->turns = turns;
	reloader->defender = defender;
	reloader->living = living;
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
	vly_living_on_signatures(living, vly_reload_on_signatures, reloader);
	reloader->on_kick = on_kick;
	uv_idle_init(loop, &reloader->kick);
	reloader->kick.data = reloader;
	uv_timer_init(loop, &reloader->watch);
	reloader->watch.data = reloader;
	uv_timer_init(loop, &reloader->store_timer);
	reloader->store_timer.data = reloader;
	vly_directory_watch_init(&reloader->directories, loop, on_directory_due, reloader);
	vly_directory_watch_set(&reloader->directories, config);
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

void
vly_reload_force(struct vly_reload_asker *asker)
{
	asker->reload->is_forced = true;
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
on_store_timer_closed(uv_handle_t *handle)
{
	struct vly_reloader *reloader = handle->data;

	uv_close((uv_handle_t *)&reloader->watch, on_watch_closed);
}

static void
on_kick_closed(uv_handle_t *handle)
{
	struct vly_reloader *reloader = handle->data;

	uv_close((uv_handle_t *)&reloader->store_timer, on_store_timer_closed);
}

static void
on_directories_closed(void *arg)
{
	struct vly_reloader *reloader = arg;

	uv_close((uv_handle_t *)&reloader->kick, on_kick_closed);
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
		vly_directory_watch_close(&reloader->directories, on_directories_closed);
}

void
vly_reloader_on_config(struct vly_reloader *reloader,
		       void (*configured)(void *arg, const struct vly_config *config), void *arg)
{
	reloader->configured = configured;
	reloader->configured_arg = arg;
}

void
vly_reloader_on_expired(struct vly_reloader *reloader,
			bool (*is_expired)(void *arg, const char *zone), void *arg)
{
	reloader->is_expired = is_expired;
	reloader->is_expired_arg = arg;
}
