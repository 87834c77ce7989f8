/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reload_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "living/living_load.h"

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
	struct vly_load_settings settings = vly_reload_settings(reloader, reloader->live);

	if (reloader->store_wanted && !may_replace_cache(reloader))
		reloader->store_wanted = false;
	if (!reloader->store_wanted || !vly_reload_has_cache(reloader, reloader->live->config) ||
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
		       struct vly_key_files *(*read_keys)(void *arg,
							  const struct vly_config *config),
		       void (*configured)(void *arg, const struct vly_config *config,
					  const struct vly_reload_files *files),
		       void *arg)
{
	reloader->read_keys = read_keys;
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
