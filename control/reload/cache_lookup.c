/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cache_lookup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "common/version.h"
#include "file_look.h"
#include "store/image_files.h"

uint64_t
vly_cache_settings_hash(const struct vly_load_settings *settings)
{
	static const uint8_t wire[64] = "\6volley\7example";
	struct vly_name name;
	struct {
		struct vly_hash_key key;
		uint64_t hash; /* of a name: the function counts, too */
		uint32_t image_version;
		uint8_t severity[VLY_ZONE_CHECK_CNT];
		uint8_t any_all;
		uint8_t additional_none;
		uint8_t verify;
		uint64_t steer;
		char release[32];
	} what;

	memset(&what, 0, sizeof(what)); /* padding is summed up, too */
	what.key = settings->key;
	if (vly_name_scan(&name, wire, sizeof(wire) - VLY_NAME_SLACK_BYTES) != 0) {
		vly_name_hash(&name, &settings->key);
		what.hash = name.hash[0];
	}
	what.image_version = VLY_IMAGE_VERSION;
	memcpy(what.severity, settings->severity, sizeof(what.severity));
	what.any_all = settings->any_all;
	what.additional_none = settings->additional_none;
	what.verify = settings->dnssec.verify;
	what.steer = settings->steer ? settings->steer->answers_hash : 0;
	snprintf(what.release, sizeof(what.release), "%s", vly_version);
	return XXH3_64bits(&what, sizeof(what));
}

/* Finds items by name: mostly in the order of the index, which is that of the configuration
 * then. */
struct finder {
	const struct vly_load_item *items;
	uint32_t cnt;
	uint32_t next;
	const struct vly_load_item **by_name; /* made when the order does not fit */
};

static int
compare_names(const void *a, const void *b)
{
	const struct vly_load_item *const *left = a;
	const struct vly_load_item *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

static const struct vly_load_item *
find_sorted(struct finder *finder, const char *name)
{
	const struct vly_load_item wanted = {.name = name};
	const struct vly_load_item *key = &wanted;

	if (finder->by_name == NULL) {
		finder->by_name = calloc(finder->cnt + 1, sizeof(*finder->by_name));
		if (finder->by_name == NULL)
			return NULL;
		for (uint32_t i = 0; i < finder->cnt; i++)
			finder->by_name[i] = &finder->items[i];
		qsort(finder->by_name, finder->cnt, sizeof(*finder->by_name), compare_names);
	}
	const struct vly_load_item *const *found = bsearch(&key, finder->by_name, finder->cnt,
							   sizeof(*finder->by_name), compare_names);
	return found != NULL ? *found : NULL;
}

static const struct vly_load_item *
find_item(struct finder *finder, const char *name)
{
	const struct vly_load_item *item = NULL;

	if (finder->next < finder->cnt && strcmp(finder->items[finder->next].name, name) == 0)
		item = &finder->items[finder->next];
	else
		item = find_sorted(finder, name);
	if (item != NULL)
		finder->next = (uint32_t)(item - finder->items) + 1;
	return item;
}

static void
match_zones(struct vly_cache_lookup *lookup, const struct vly_load_item *items, uint32_t cnt)
{
	struct finder finder = {.items = items, .cnt = cnt};
	bool all_found = true;
	uint32_t *found_cnt = calloc(lookup->index.image_cnt + 1, sizeof(*found_cnt));

	for (uint32_t z = 0; found_cnt != NULL && z < lookup->index.zone_cnt; z++) {
		const struct vly_index_zone *zone = &lookup->index.zone[z];
		const struct vly_load_item *item = find_item(&finder, zone->name);
		all_found &= item != NULL;
		if (item == NULL)
			continue;
		uint32_t idx = (uint32_t)(item - items);
		found_cnt[zone->image] += lookup->zone_of[idx] == 0;
		lookup->zone_of[idx] = z + 1;
		lookup->unchanged[idx] = strcmp(item->file, zone->file) == 0 &&
					 vly_file_stamp_equals(&item->stamp, &zone->info.stamp) &&
					 vly_includes_unchanged(zone->includes);
	}
	for (uint32_t i = 0; i < lookup->index.image_cnt; i++) {
		const struct vly_index_image *image = &lookup->index.image[i];
		const uint32_t elsewhere = all_found ? image->superseded_cnt : 0;
		lookup->image[i].useless =
			found_cnt == NULL || found_cnt[i] + elsewhere != image->zone_cnt;
	}
	free(found_cnt);
	free(finder.by_name);
}

static struct vly_cache_lookup *
new_lookup(const struct vly_image_index *index, uint32_t item_cnt)
{
	struct vly_cache_lookup *lookup = calloc(1, sizeof(*lookup));

	if (lookup == NULL)
		return NULL;
	lookup->index = *index;
	lookup->image = calloc(index->image_cnt + 1, sizeof(*lookup->image));
	lookup->zone_of = calloc(item_cnt + 1, sizeof(*lookup->zone_of));
	lookup->unchanged = calloc(item_cnt + 1, sizeof(*lookup->unchanged));
	if (lookup->image == NULL || lookup->zone_of == NULL || lookup->unchanged == NULL) {
		lookup->index = (struct vly_image_index){0};
		vly_cache_lookup_free(lookup);
		return NULL;
	}
	for (uint32_t i = index->image_cnt; i-- > 0;) { /* the oldest is the last one */
		lookup->image[i].image = index->image[i];
		lookup->image[i].id = vly_live_image_next_id();
	}
	return lookup;
}

enum vly_state_read
vly_cache_lookup_open(struct vly_cache_lookup **lookup, const struct vly_load_settings *settings,
		      const struct vly_load_item *items, uint32_t cnt, char *reason,
		      size_t reason_bytes)
{
	struct vly_image_index index;
	size_t len;
	char *text;
	enum vly_state_read result =
		vly_image_files_read_index(settings->cache_dir, &text, &len, reason, reason_bytes);

	if (result != VLY_STATE_READ)
		return result;
	errno = 0;
	int parsed = vly_image_index_parse(&index, text, len, vly_cache_settings_hash(settings));
	if (parsed < 0 && errno == ENOMEM) {
		snprintf(reason, reason_bytes, "%s/index: out of memory", settings->cache_dir);
		return VLY_STATE_UNREADABLE;
	}
	if (parsed != 0) {
		snprintf(reason, reason_bytes, "%s/index: %s", settings->cache_dir,
			 parsed > 0 ? "it was written with another hash key, other settings or "
				      "another release"
				    : "it is damaged");
		return parsed > 0 ? VLY_STATE_UNREADABLE : VLY_STATE_DAMAGED;
	}
	*lookup = new_lookup(&index, cnt);
	if (*lookup == NULL) {
		vly_image_index_free(&index);
		snprintf(reason, reason_bytes, "%s/index: out of memory", settings->cache_dir);
		return VLY_STATE_UNREADABLE;
	}
	match_zones(*lookup, items, cnt);
	return VLY_STATE_READ;
}

struct vly_cached_image *
vly_cache_lookup_image(const struct vly_cache_lookup *lookup, uint32_t item)
{
	if (lookup->zone_of[item] == 0)
		return NULL;
	struct vly_cached_image *cached =
		&lookup->image[lookup->index.zone[lookup->zone_of[item] - 1].image];
	return cached->useless ? NULL : cached;
}

int
vly_cache_lookup_read(const struct vly_load_settings *settings, struct vly_cached_image *cached,
		      char *reason, size_t reason_bytes)
{
	if (cached->live != NULL)
		return 0;
	int fd = vly_image_files_read(settings->cache_dir, &cached->image, &settings->key, reason,
				      reason_bytes);
	cached->is_kept = fd < 0 && errno != EBADMSG && errno != ENOENT;
	if (fd >= 0) {
		cached->live = vly_live_image_new(cached->id, fd, cached->image.bytes,
						  cached->image.zone_cnt);
		cached->is_kept = cached->live == NULL;
		if (cached->live == NULL)
			snprintf(reason, reason_bytes, "out of memory");
	}
	cached->useless = cached->live == NULL;
	return cached->useless ? -1 : 0;
}

void
vly_cache_lookup_take(const struct vly_cache_lookup *lookup, uint32_t item_idx,
		      struct vly_load_item *item)
{
	const struct vly_index_zone *zone = &lookup->index.zone[lookup->zone_of[item_idx] - 1];

	item->image = vly_live_image_get(lookup->image[zone->image].live);
	item->info = zone->info;
	item->cached = true;
	if (*zone->includes == '\0')
		return;
	item->includes = strdup(zone->includes);
	if (item->includes == NULL)
		item->info.stamp.inode = 0;
}

void
vly_cache_lookup_free(struct vly_cache_lookup *lookup)
{
	if (lookup == NULL)
		return;
	for (uint32_t i = 0; i < lookup->index.image_cnt; i++)
		vly_live_image_put(lookup->image[i].live);
	vly_image_index_free(&lookup->index);
	free(lookup->image);
	free(lookup->zone_of);
	free(lookup->unchanged);
	free(lookup);
}
