/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which zones a reload is about: the named ones, those of a new configuration, or those of files
 * that have changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "reload_parts.h"
#include "session/profiles.h"

static void
choose_all(struct vly_reload *reload, struct vly_served_zones *target)
{
	reload->target = target;
	reload->zones = calloc(target->zone_cnt + 1, sizeof(struct vly_served_zone *));
	for (uint32_t i = 0; reload->zones && i < target->place_cnt; i++)
		if (target->zones[i] && !target->zones[i]->is_leaving)
			reload->zones[reload->zone_cnt++] = target->zones[i];
	if (reload->zones)
		vly_reload_load(reload);
	else
		vly_reload_finish(reload, VLY_RELOAD_FAILED, "out of memory");
}

static int
compare_places(const void *a, const void *b)
{
	const struct vly_served_zone *const *left = a;
	const struct vly_served_zone *const *right = b;

	return ((*left)->place > (*right)->place) - ((*left)->place < (*right)->place);
}

void
vly_reload_choose_named(struct vly_reload *reload)
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
		vly_reload_load(reload);
	else
		vly_reload_finish(reload, VLY_RELOAD_FAILED, "out of memory");
}

static void choose_zones(struct vly_reload *reload);

/* Adds the zones that do not stand in the configuration, and chooses all. */
static void
complete(struct vly_reload *reload, struct vly_served_zones *target, bool with_members)
{
	if (vly_reload_apply_scan(reload, target) == 0 &&
	    (!with_members || vly_reload_apply_members(reload, target) == 0)) {
		choose_all(reload, target);
		return;
	}
	vly_reload_queue_put_back(&reload->reloader->queue, reload);
	vly_reload_finish(reload, VLY_RELOAD_FAILED, "out of memory; nothing was changed");
}

static void
read_beside(struct vly_reload *reload, const struct vly_config *config)
{
	const struct vly_reloader *reloader = reload->reloader;

	reload->beside.profiles = vly_profiles_load(config);
	if (reloader->read_keys)
		reload->beside.keys = reloader->read_keys(reloader->configured_arg, config);
}

static void
scan_directories(struct vly_reload *reload, const struct vly_config *config)
{
	reload->scan_failed = vly_zone_directories_scan(config, &reload->scan, reload->text) != 0;
}

void
vly_reload_read_config(uv_work_t *work)
{
	struct vly_reload *reload = work->data;
	const struct vly_reloader *reloader = reload->reloader;
	const struct vly_config *config = reloader->live->config;

	reload->has_same_config = reload->alone || reload->is_watched ||
				  (!reload->is_forced && !reloader->defence_failed &&
				   vly_config_is_unchanged(config, reloader->config_path));
	if (reload->files)
		vly_reload_look_at_files(reload);
	else if (reload->has_same_config)
		scan_directories(reload, config);
	if (reload->alone && reloader->members.prepare)
		reloader->members.prepare(reloader->members.arg, config);
	if (reload->has_same_config) {
		if (reload->is_full)
			read_beside(reload, config);
		return;
	}
	reload->config = vly_config_load(reload->reloader->config_path, &reload->config_errors);
	if (reload->config && vly_config_read_lists(reload->config, &reload->config_errors) < 0) {
		vly_config_free(reload->config);
		reload->config = NULL;
	}
	if (!reload->config)
		return;
	scan_directories(reload, reload->config);
	read_beside(reload, reload->config);
}

void
vly_reload_on_config(uv_work_t *work, int status)
{
	struct vly_reload *reload = work->data;

	(void)status;
	if (reload->scan_failed && !reload->alone) {
		char text[sizeof(reload->text)];
		snprintf(text, sizeof(text), "%s", reload->text);
		vly_reload_queue_put_back(&reload->reloader->queue, reload);
		vly_reload_finish(reload, VLY_RELOAD_FAILED, "%s; nothing was changed", text);
		return;
	}
	if (reload->scan_failed)
		vly_log_error("%s", reload->text);
	if (reload->has_same_config) {
		choose_zones(reload);
		return;
	}
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
	complete(reload, reload->next, true);
}

/* The configuration is as it was. */
static void
choose_zones(struct vly_reload *reload)
{
	struct vly_served_zones *live = reload->reloader->live;

	if (!reload->files) {
		complete(reload, live, reload->alone);
		return;
	}
	vly_reload_choose_files(reload);
	if (!reload->zones)
		vly_reload_finish(reload, VLY_RELOAD_FAILED, "out of memory");
	else if (reload->zone_cnt == 0 && !live->staged)
		vly_reload_drop(reload);
	else
		vly_reload_load(reload);
}
