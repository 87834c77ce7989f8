/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "cache_lookup.h"
#include "common/log.h"
#include "reload_parts.h"

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

bool
vly_reload_has_cache(const struct vly_reloader *reloader, const struct vly_config *config)
{
	return reloader->keep_images && strcmp(config->control->image_cache, "on") == 0;
}

struct vly_load_settings
vly_reload_settings(const struct vly_reloader *reloader, const struct vly_config *config)
{
	struct vly_load_settings settings = {
		.key = reloader->key,
		.living = reloader->living,
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
	struct vly_load_settings settings = vly_reload_settings(reloader, config);

	reload->settings = vly_cache_settings_hash(&settings);
	settings.image_max = image_room(reload);
	settings.only_copies = reload->is_packing;
	if (reload->alone && !reload->without_cache && vly_reload_has_cache(reloader, config))
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
