/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zones of directories: which come, go or are read again, after a scan or by single files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"
#include "image_source.h"
#include "reload_parts.h"

/* Zones that were met in the scan under way have this mark. */
static uint32_t scan_mark;

void
vly_reload_remove_zone(struct vly_served_zones *served, struct vly_served_zone *zone)
{
	/* before its removal is staged: an image that is for this zone alone is freed with it */
	if (zone->image)
		zone->image->is_stale = true;
	vly_served_zones_stage_removal(served, zone);
}

/* A zone that has moved, but whose new path there is no memory for: it stays as it is until the next scan. */
static void
leave(struct vly_reloader *reloader, struct vly_served_zone *zone, const char *file)
{
	zone->scan_mark = scan_mark;
	vly_directory_watch_want_scan(&reloader->directories);
	vly_log_error("zone %s is not read from %s yet: out of memory", zone->name, file);
}

/* Returns the zone of a file; or NULL: the name is that of another zone, or there is no memory. */
static struct vly_served_zone *
meet(struct vly_served_zones *target, struct vly_reloader *reloader, const char *name,
     const char *file)
{
	const struct vly_served_zones *live = reloader->live;
	struct vly_served_zone *zone = vly_served_zones_find(target, name);

	if (zone && (zone->directory == 0 || zone->scan_mark == scan_mark)) {
		if (strcmp(zone->file, file) == 0)
			return NULL;
		reloader->has_shadowed |= zone->directory != 0;
		vly_log_warning("%s is not served: zone %s is served from %s", file, name,
				zone->file);
		return NULL;
	}
	if (zone && strcmp(zone->file, file) == 0)
		return zone;
	if (zone) {
		if (vly_served_zones_move(zone, file) == 0)
			return zone;
		leave(reloader, zone, file);
		return NULL;
	}
	zone = vly_served_zones_add(target, name, file);
	if (zone && target != live)
		vly_served_zones_take(target, zone, live);
	if (!zone) {
		vly_directory_watch_want_scan(&reloader->directories);
		vly_log_error("%s is not served: out of memory", file);
	}
	return zone;
}

int
vly_reload_apply_scan(struct vly_reload *reload, struct vly_served_zones *target)
{
	const struct vly_found_zones *scan = &reload->scan;
	const struct vly_served_zones *live = reload->reloader->live;
	struct vly_served_zone *zone;

	if (target->config->directory_cnt == 0)
		return 0;
	scan_mark++;
	reload->reloader->has_shadowed = false;
	for (uint32_t i = 0; i < scan->cnt; i++) {
		const struct vly_found_zone *found = &scan->zone[i];
		zone = meet(target, reload->reloader, found->name, found->file);
		if (!zone && vly_served_zones_find(live, found->name) &&
		    !vly_served_zones_find(target, found->name))
			return -1;
		if (!zone)
			continue;
		zone->directory = (uint16_t)(found->directory + 1);
		zone->scan_mark = scan_mark;
	}
	for (uint32_t i = 0; (zone = vly_served_zones_next(target, &i)) != NULL; i++)
		if (zone->directory != 0 && zone->scan_mark != scan_mark)
			vly_reload_remove_zone(target, zone);
	return 0;
}

void
vly_reload_look_at_files(struct vly_reload *reload)
{
	const struct vly_config *config = reload->reloader->live->config;
	struct vly_watched_file *file;
	struct vly_watched_file *next;
	struct stat status;
	char path[PATH_MAX];

	HASH_ITER(hh, reload->files, file, next)
	{
		snprintf(path, sizeof(path), "%s/%s", config->directories[file->directory].path,
			 file->name);
		file->exists = stat(path, &status) == 0 && !S_ISDIR(status.st_mode);
	}
}

void
vly_reload_begin_choosing(void)
{
	scan_mark++;
}

void
vly_reload_choose_zone(struct vly_reload *reload, struct vly_served_zone *zone)
{
	if (zone->scan_mark == scan_mark)
		return;
	zone->scan_mark = scan_mark;
	reload->zones[reload->zone_cnt++] = zone;
}

/* Removes the zone of a file that is gone, unless it has another file by now. */
static void
drop_file(struct vly_reload *reload, struct vly_served_zone *zone)
{
	vly_reload_remove_zone(reload->target, zone);
	/* another file, which was shadowed by this one, may have the same zone */
	if (reload->reloader->has_shadowed)
		vly_directory_watch_want_scan(&reload->reloader->directories);
}

/* Whether the file that a zone comes from is one of those that are gone. */
static bool
has_lost_file(const struct vly_reload *reload, const struct vly_served_zone *zone)
{
	struct vly_watched_file *file;

	if (zone->directory == 0)
		return false;
	file = vly_watched_files_find(reload->files, zone->directory - 1u,
				      strrchr(zone->file, '/') + 1);
	return file && !file->exists;
}

/* Takes one file: at first, those that exist are `wanted`, then those that are gone. So that the zone of a
 * file that was moved from one directory to another keeps being answered. */
static void
choose_file(struct vly_reload *reload, const struct vly_watched_file *file, bool wanted)
{
	struct vly_served_zones *live = reload->target;
	const struct vly_config_directory *directory = &live->config->directories[file->directory];
	char name[VLY_DOMAIN_TEXT_BYTES];
	char path[PATH_MAX];
	const char *why;

	if (file->exists != wanted)
		return;
	enum vly_directory_match match =
		vly_zone_directory_match(directory->pattern, file->name, name, &why);
	snprintf(path, sizeof(path), "%s/%s", directory->path, file->name);
	if (match == VLY_DIRECTORY_BAD && file->exists)
		vly_log_warning("%s is not served: %s", path, why);
	if (match != VLY_DIRECTORY_ZONE)
		return;
	struct vly_served_zone *zone = vly_served_zones_find(live, name);
	bool is_its =
		zone && zone->directory == file->directory + 1 && strcmp(zone->file, path) == 0;
	if (!file->exists) {
		if (is_its && zone->scan_mark != scan_mark) /* or it has moved: leave() */
			drop_file(reload, zone);
	} else if (zone && zone->is_leaving) {
		/* the zone can come back when its removal is live */
		vly_directory_watch_want_scan(&reload->reloader->directories);
	} else if (is_its) {
		vly_reload_choose_zone(reload, zone);
	} else if (zone && has_lost_file(reload, zone)) {
		if (vly_served_zones_move(zone, path) != 0) {
			leave(reload->reloader, zone, path);
			return;
		}
		zone->directory = (uint16_t)(file->directory + 1);
		vly_reload_choose_zone(reload, zone);
	} else if (zone) {
		reload->reloader->has_shadowed |= zone->directory != 0;
		vly_log_warning("%s is not served: zone %s is served from %s", path, name,
				zone->file);
	} else if ((zone = vly_served_zones_add(live, name, path)) != NULL) {
		zone->directory = (uint16_t)(file->directory + 1);
		vly_reload_choose_zone(reload, zone);
	}
}

/* Zones that share an image with a removed one. */
static void
choose_neighbour(void *arg, const char *name)
{
	struct vly_reload *reload = arg;
	struct vly_served_zone *zone = vly_served_zones_find(reload->target, name);

	if (zone && !zone->is_leaving && zone->image && zone->image->is_stale && !zone->is_adopted)
		vly_reload_choose_zone(reload, zone);
}

/* An image that a removed zone was in is not to stay: its other zones move to a new one. */
void
vly_reload_choose_neighbours(struct vly_reload *reload)
{
	const struct vly_image_uses *uses = &reload->target->uses;

	for (uint32_t i = 0; i < uses->cnt; i++)
		if (uses->use[i].image->is_stale &&
		    vly_image_each_zone(uses->use[i].image, choose_neighbour, reload) != 0)
			vly_log_warning("a removed zone is served until all zones are reloaded");
}

void
vly_reload_choose_files(struct vly_reload *reload)
{
	struct vly_served_zones *live = reload->reloader->live;
	struct vly_watched_file *file;
	struct vly_watched_file *next;

	reload->target = live;
	reload->zones = calloc(live->zone_cnt + HASH_COUNT(reload->files) + 1,
			       sizeof(struct vly_served_zone *));
	if (!reload->zones)
		return;
	scan_mark++;
	HASH_ITER(hh, reload->files, file, next)
	choose_file(reload, file, true);
	HASH_ITER(hh, reload->files, file, next)
	choose_file(reload, file, false);
	reload->neighbour_at = reload->zone_cnt;
	vly_reload_choose_neighbours(reload);
}
