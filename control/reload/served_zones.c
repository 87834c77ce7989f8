/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "served_zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "common/log.h"

/* Returns 0, or -1 without memory. */
static int
enter(struct vly_served_zones *served, struct vly_served_zone *zone)
{
	if (served->place_cnt == served->place_room) {
		uint32_t room = served->place_room < 8 ? 16 : 2 * served->place_room;
		void *grown = realloc(served->zones, room * sizeof(*served->zones));
		if (!grown)
			return -1;
		served->zones = grown;
		served->place_room = room;
	}
	HASH_ADD_KEYPTR(hh, served->by_name, zone->name, strlen(zone->name), zone);
	if (!zone->hh.tbl)
		return -1;
	zone->place = served->place_cnt;
	served->zones[served->place_cnt++] = zone;
	served->zone_cnt++;
	return 0;
}

static int
enter_configured(struct vly_served_zones *served)
{
	const struct vly_config *config = served->config;

	served->place_room = config->zone_cnt + 1;
	served->block = calloc(served->place_room, sizeof(*served->block));
	served->zones = calloc(served->place_room, sizeof(*served->zones));
	if (!served->block || !served->zones)
		return -1;
	for (unsigned i = 0; i < config->zone_cnt; i++) {
		struct vly_served_zone *zone = &served->block[i];
		zone->name = config->zones[i].name;
		zone->file = config->zones[i].file ? config->zones[i].file : "";
		zone->is_living = vly_config_is_living(&config->zones[i]);
		zone->policy = (uint8_t)vly_config_serial(&config->zones[i]);
		if (enter(served, zone) != 0)
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
	if (enter_configured(served) == 0)
		served->steer = vly_steer_model_new(config);
	if (served->steer)
		return served;
	HASH_CLEAR(hh, served->by_name);
	free(served->zones);
	free(served->block);
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

static struct vly_zone_error *
make_error(const struct vly_served_zone *zone, const char *text)
{
	struct vly_zone_error *error = calloc(1, sizeof(*error));

	if (error) {
		snprintf(error->file, sizeof(error->file), "%s", zone->file);
		snprintf(error->text, sizeof(error->text), "%s", text);
	}
	return error;
}

static void
set_error(struct vly_served_zones *served, struct vly_served_zone *zone,
	  struct vly_zone_error *error)
{
	if (zone->error && !error)
		DL_DELETE2(served->failed, zone, failed_prev, failed_next);
	else if (!zone->error && error)
		DL_APPEND2(served->failed, zone, failed_prev, failed_next);
	served->failed_cnt -= zone->error != NULL;
	served->failed_cnt += error != NULL;
	free(zone->error);
	zone->error = error;
}

static bool
is_signed(const struct vly_served_zone *zone)
{
	return zone->info.expiry_s != 0;
}

static void
set_info(struct vly_served_zones *served, struct vly_served_zone *zone,
	 const struct vly_zone_info *info)
{
	if (is_signed(zone)) {
		DL_DELETE2(served->signed_any, zone, signed_prev, signed_next);
		served->signed_cnt--;
	}
	zone->info = *info;
	if (!is_signed(zone)) {
		zone->signature_level = 0;
	} else {
		DL_APPEND2(served->signed_any, zone, signed_prev, signed_next);
		served->signed_cnt++;
	}
}

void
vly_served_zones_set_signatures(struct vly_served_zones *served, struct vly_served_zone *zone,
				uint64_t expiry_s, uint64_t margin_s)
{
	struct vly_zone_info info = zone->info;

	info.expiry_s = expiry_s;
	info.margin_s = margin_s;
	zone->signature_level = 0;
	set_info(served, zone, &info);
}

/* The image that the zone needs in this list. */
static struct vly_live_image *
own_image(const struct vly_served_zone *zone)
{
	return zone->is_adopted ? NULL : zone->image;
}

/* Without memory a zone is as if it had never been loaded. */
static void
copy_version(struct vly_served_zones *served, struct vly_served_zone *zone,
	     const struct vly_served_zone *old)
{
	if (!old->is_adopted && vly_image_uses_add(&served->uses, old->image) != 0)
		return;
	zone->is_adopted = old->is_adopted;
	zone->image = vly_live_image_get(old->image);
	set_info(served, zone, &old->info);
	zone->loaded_unix_ns = old->loaded_unix_ns;
	zone->cached = old->cached;
	zone->signature_level = old->signature_level;
	served->cached_cnt += old->cached;
	served->loaded_cnt++;
	zone->includes = old->includes ? strdup(old->includes) : NULL;
	if ((old->includes && !zone->includes) || strcmp(old->file, zone->file) != 0)
		zone->info.stamp.inode = 0;
}

void
vly_served_zones_take(struct vly_served_zones *next, struct vly_served_zone *zone,
		      const struct vly_served_zones *live)
{
	const struct vly_served_zone *old = vly_served_zones_find(live, zone->name);

	if (!old)
		return;
	if (old->image)
		copy_version(next, zone, old);
	set_error(next, zone, copy_error(old->error));
	next->taken_cnt++;
}

struct vly_served_zones *
vly_served_zones_successor(const struct vly_served_zones *live, struct vly_config *config)
{
	struct vly_served_zones *served = vly_served_zones_new(config);

	for (uint32_t i = 0; served && i < served->place_cnt; i++)
		vly_served_zones_take(served, served->zones[i], live);
	if (served)
		served->settings = live->settings;
	return served;
}

struct vly_served_zone *
vly_served_zones_find(const struct vly_served_zones *served, const char *name)
{
	struct vly_served_zone *zone;

	HASH_FIND_STR(served->by_name, name, zone);
	return zone;
}

struct vly_served_zone *
vly_served_zones_add(struct vly_served_zones *served, const char *name, const char *file)
{
	size_t name_bytes = strlen(name) + 1;
	size_t file_bytes = strlen(file) + 1;
	struct vly_served_zone *zone = calloc(1, sizeof(*zone) + name_bytes + file_bytes);

	if (!zone)
		return NULL;
	zone->name = memcpy(zone + 1, name, name_bytes);
	zone->file = memcpy((char *)(zone + 1) + name_bytes, file, file_bytes);
	zone->is_added = true;
	if (enter(served, zone) == 0)
		return zone;
	free(zone);
	return NULL;
}

int
vly_served_zones_move(struct vly_served_zone *zone, const char *file)
{
	char *copy = strdup(file);

	if (!copy)
		return -1;
	if (zone->has_own_file)
		free((char *)(uintptr_t)zone->file);
	zone->file = copy;
	zone->has_own_file = true;
	zone->info.stamp.inode = 0;
	return 0;
}

struct vly_served_zone *
vly_served_zones_next(const struct vly_served_zones *served, uint32_t *place)
{
	for (; *place < served->place_cnt; ++*place)
		if (served->zones[*place])
			return served->zones[*place];
	return NULL;
}

void
vly_served_zones_stage(struct vly_served_zones *served, struct vly_served_zone *zone,
		       struct vly_load_item *item)
{
	struct vly_live_image *before = zone->staged ? zone->staged->image : own_image(zone);

	set_error(served, zone, item->error);
	item->error = NULL;
	if (!item->image)
		return;
	if (vly_image_uses_add(&served->uses, item->image) != 0) {
		set_error(served, zone, make_error(zone, "out of memory"));
		return;
	}
	if (before)
		vly_image_uses_drop(&served->uses, before);
	if (!zone->staged) {
		zone->next_staged = served->staged;
		served->staged = zone;
		served->staged_new_cnt += zone->image == NULL;
	}
	zone->staged = item;
}

void
vly_served_zones_stage_removal(struct vly_served_zones *served, struct vly_served_zone *zone)
{
	if (zone->is_leaving)
		return;
	zone->is_leaving = true;
	if (own_image(zone))
		vly_image_uses_drop(&served->uses, zone->image);
	zone->next_staged = served->staged;
	served->staged = zone;
}

struct vly_image_list *
vly_served_zones_images(const struct vly_served_zones *served)
{
	return vly_image_uses_list(&served->uses);
}

bool
vly_served_zones_are_complete(const struct vly_served_zones *served)
{
	uint32_t missing_cnt = 0;

	for (const struct vly_served_zone *zone = served->failed; zone; zone = zone->failed_next)
		missing_cnt += zone->is_member && !zone->image && !zone->staged;
	return served->loaded_cnt + served->staged_new_cnt + missing_cnt == served->zone_cnt;
}

static void
log_remnant(const struct vly_served_zone *zone)
{
	vly_log_warning("zone %s was removed but is still served, until all zones in the same "
			"image load",
			zone->name);
}

uint32_t
vly_served_zones_staying(const struct vly_served_zones *served)
{
	uint32_t cnt = 0;

	for (const struct vly_served_zone *zone = served->staged; zone; zone = zone->next_staged) {
		if (!zone->is_leaving || !zone->image ||
		    !vly_image_uses_find(&served->uses, zone->image))
			continue;
		log_remnant(zone);
		cnt++;
	}
	return cnt;
}

uint32_t
vly_served_zones_remnants(const struct vly_served_zones *live, const struct vly_served_zones *next)
{
	struct vly_served_zone *zone;
	uint32_t cnt = 0;

	for (uint32_t i = 0; (zone = vly_served_zones_next(live, &i)) != NULL; i++) {
		if (!zone->image || vly_served_zones_find(next, zone->name) ||
		    !vly_image_uses_find(&next->uses, zone->image))
			continue;
		log_remnant(zone);
		cnt++;
	}
	return cnt;
}

/* Frees what a zone holds, and the zone if it has an allocation of its own. */
static void
free_zone(struct vly_served_zone *zone)
{
	vly_live_image_put(zone->image);
	free(zone->includes);
	free(zone->error);
	if (zone->has_own_file)
		free((char *)(uintptr_t)zone->file);
	if (zone->is_added)
		free(zone);
}

static void
remove_zone(struct vly_served_zones *served, struct vly_served_zone *zone)
{
	set_error(served, zone, NULL);
	set_info(served, zone, &(struct vly_zone_info){0});
	if (zone->image)
		zone->image->is_stale = true;
	served->loaded_cnt -= zone->image != NULL;
	served->cached_cnt -= zone->cached;
	served->zones[zone->place] = NULL;
	served->zone_cnt--;
	HASH_DELETE(hh, served->by_name, zone);
	bool is_added = zone->is_added;
	free_zone(zone);
	if (!is_added)
		*zone = (struct vly_served_zone){0};
}

static void
accept_zone(struct vly_served_zones *served, struct vly_served_zone *zone, uint64_t now_ns)
{
	struct vly_load_item *item = zone->staged;

	zone->staged = NULL;
	served->loaded_cnt += zone->image == NULL;
	vly_live_image_put(zone->image);
	zone->image = item->image;
	zone->is_adopted = false;
	item->image = NULL;
	set_info(served, zone, &item->info);
	free(zone->includes);
	zone->includes = item->includes;
	item->includes = NULL;
	served->cached_cnt -= zone->cached;
	served->cached_cnt += item->cached;
	zone->cached = item->cached;
	if (!item->is_copied)
		zone->loaded_unix_ns = now_ns;
}

void
vly_served_zones_accept(struct vly_served_zones *served)
{
	struct vly_served_zone *next;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	for (struct vly_served_zone *zone = served->staged; zone; zone = next) {
		next = zone->next_staged;
		if (zone->is_leaving)
			remove_zone(served, zone);
		else
			accept_zone(served, zone, vly_time_ns(&now));
	}
	served->staged = NULL;
	served->staged_new_cnt = 0;
}

void
vly_served_zones_hand_over(struct vly_served_zones *served, struct vly_served_zone *zone)
{
	if (!zone->is_adopted)
		vly_image_uses_drop(&served->uses, zone->image);
	zone->is_adopted = true;
}

void
vly_served_zones_set_error(struct vly_served_zones *served, struct vly_served_zone *zone,
			   const char *text)
{
	set_error(served, zone, text ? make_error(zone, text) : NULL);
}

void
vly_served_zones_refuse(struct vly_served_zones *served, const char *reason)
{
	/* first all images go that were new: there is room for the old ones then */
	for (struct vly_served_zone *zone = served->staged; zone; zone = zone->next_staged)
		if (zone->staged)
			vly_image_uses_drop(&served->uses, zone->staged->image);
	for (struct vly_served_zone *zone = served->staged; zone; zone = zone->next_staged) {
		if (own_image(zone) && vly_image_uses_add(&served->uses, zone->image) != 0)
			vly_log_error("zone %s: out of memory", zone->name);
		if (zone->staged)
			set_error(served, zone, make_error(zone, reason));
		zone->staged = NULL;
		zone->is_leaving = false;
	}
	served->staged = NULL;
	served->staged_new_cnt = 0;
}

void
vly_served_zones_copy_errors(struct vly_served_zones *live, const struct vly_served_zones *next)
{
	struct vly_served_zone *zone;

	for (uint32_t i = 0; (zone = vly_served_zones_next(live, &i)) != NULL; i++) {
		const struct vly_served_zone *refused = vly_served_zones_find(next, zone->name);
		if (refused)
			set_error(live, zone, copy_error(refused->error));
	}
}

void
vly_served_zones_free(struct vly_served_zones *served)
{
	struct vly_served_zone *zone;

	if (!served)
		return;
	HASH_CLEAR(hh, served->by_name);
	for (uint32_t i = 0; (zone = vly_served_zones_next(served, &i)) != NULL; i++)
		free_zone(zone);
	vly_image_uses_free(&served->uses);
	vly_steer_model_put(served->steer);
	vly_config_free(served->config);
	free(served->zones);
	free(served->block);
	free(served);
}
