/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "owners.h"

#include <stdlib.h>
#include <string.h>

struct vly_catalog_source *
vly_owners_add(struct vly_owners *owners, const char *name)
{
	struct vly_catalog_source *source = calloc(1, sizeof(*source));
	struct vly_catalog_source **at = &owners->sources;

	if (!source || !(source->name = strdup(name))) {
		free(source);
		return NULL;
	}
	while (*at)
		at = &(*at)->next;
	*at = source;
	return source;
}

struct vly_catalog_source *
vly_owners_source(const struct vly_owners *owners, const char *name)
{
	struct vly_catalog_source *source = owners->sources;

	while (source && strcmp(source->name, name) != 0)
		source = source->next;
	return source;
}

struct vly_owned_zone *
vly_owners_find(const struct vly_owners *owners, const char *name)
{
	struct vly_owned_zone *zone;

	HASH_FIND_STR(owners->by_name, name, zone);
	return zone;
}

static const struct vly_catalog_member *
entry_of(const struct vly_catalog_source *source, const char *zone)
{
	return source->catalog ? vly_catalog_find(source->catalog, zone) : NULL;
}

const struct vly_catalog_member *
vly_owners_member(const struct vly_owned_zone *zone)
{
	return entry_of(zone->owner, zone->name);
}

void
vly_owners_touch(struct vly_owners *owners, struct vly_owned_zone *zone)
{
	if (zone->is_dirty)
		return;
	zone->is_dirty = true;
	zone->next_dirty = NULL;
	if (!owners->dirty)
		owners->dirty_end = &owners->dirty;
	*owners->dirty_end = zone;
	owners->dirty_end = &zone->next_dirty;
}

struct vly_owned_zone *
vly_owners_next_dirty(struct vly_owners *owners)
{
	struct vly_owned_zone *zone = owners->dirty;

	if (zone) {
		owners->dirty = zone->next_dirty;
		zone->is_dirty = false;
	}
	return zone;
}

static struct vly_owned_zone *
enter(struct vly_owners *owners, const char *name)
{
	struct vly_owned_zone *zone = calloc(1, sizeof(*zone));

	if (zone && (zone->name = strdup(name)) != NULL) {
		HASH_ADD_KEYPTR(hh, owners->by_name, zone->name, strlen(zone->name), zone);
		if (zone->hh.tbl)
			return zone;
		free(zone->name);
	}
	free(zone);
	owners->is_out_of_memory = true;
	return NULL;
}

static void
contest(struct vly_owners *owners, struct vly_catalog_source *source, const char *name)
{
	struct vly_contested *entry;
	size_t len = strlen(name);

	HASH_FIND(hh, source->contested, name, len, entry);
	if (entry)
		return;
	entry = calloc(1, sizeof(*entry) + len + 1);
	if (entry) {
		memcpy(entry->name, name, len);
		HASH_ADD(hh, source->contested, name, len, entry);
	}
	if (!entry || !entry->hh.tbl) {
		free(entry);
		owners->is_out_of_memory = true;
	}
}

static void
contest_no_more(struct vly_catalog_source *source, const char *name)
{
	struct vly_contested *entry;

	HASH_FIND(hh, source->contested, name, strlen(name), entry);
	if (!entry)
		return;
	HASH_DELETE(hh, source->contested, entry);
	free(entry);
}

/* The zone belongs to `source` from now on. */
static void
hand_over(struct vly_owners *owners, struct vly_owned_zone *zone, struct vly_catalog_source *source,
	  bool is_reset)
{
	contest_no_more(source, zone->name);
	zone->owner = source;
	zone->is_reset |= is_reset;
	zone->keeps_data = false;
	vly_owners_touch(owners, zone);
}

/* A catalog lists a zone that it does not own yet. */
static void
claim(struct vly_owners *owners, struct vly_catalog_source *source,
      const struct vly_catalog_member *member, enum vly_owners_why why)
{
	struct vly_owned_zone *zone = vly_owners_find(owners, member->zone);

	if (!zone) {
		zone = enter(owners, member->zone);
		if (zone)
			hand_over(owners, zone, source, false);
		return;
	}
	if (zone->owner == source)
		return;
	if (!zone->owner) {
		hand_over(owners, zone, source, !zone->keeps_data);
		return;
	}
	const struct vly_catalog_member *present = vly_owners_member(zone);
	if (!present || !present->coo || strcmp(present->coo, source->name) != 0) {
		contest(owners, source, member->zone);
		return;
	}
	contest(owners, zone->owner, member->zone);
	hand_over(owners, zone, source,
		  why != VLY_OWNERS_START && !vly_catalog_same_label(present, member));
}

/* A catalog lists a zone no more. */
static void
release(struct vly_owners *owners, struct vly_catalog_source *source, const char *name,
	enum vly_owners_why why)
{
	struct vly_owned_zone *zone = vly_owners_find(owners, name);

	contest_no_more(source, name);
	if (!zone || zone->owner != source)
		return;
	zone->owner = NULL;
	zone->keeps_data = why == VLY_OWNERS_GONE;
	vly_owners_touch(owners, zone);
	for (struct vly_catalog_source *other = owners->sources; other && !zone->owner;
	     other = other->next) {
		const struct vly_catalog_member *member =
			other == source ? NULL : entry_of(other, name);
		if (member)
			claim(owners, other, member, why);
	}
}

/* An entry of a catalog has another label, groups, or coo. */
static void
change(struct vly_owners *owners, struct vly_catalog_source *source,
       const struct vly_catalog_difference *difference, enum vly_owners_why why)
{
	const struct vly_catalog_member *after = difference->after;
	struct vly_owned_zone *zone = vly_owners_find(owners, after->zone);

	if (!zone || zone->owner != source)
		return;
	zone->is_reset |= !vly_catalog_same_label(difference->before, after);
	vly_owners_touch(owners, zone);
	/* the catalog that gets the zone may have listed it before */
	struct vly_catalog_source *heir = after->coo ? vly_owners_source(owners, after->coo) : NULL;
	const struct vly_catalog_member *member = heir ? entry_of(heir, after->zone) : NULL;
	if (member)
		claim(owners, heir, member, why);
}

struct vly_catalog *
vly_owners_take(struct vly_owners *owners, struct vly_catalog_source *source,
		struct vly_catalog *next, const struct vly_catalog_difference *difference,
		uint32_t cnt, enum vly_owners_why why)
{
	struct vly_catalog *old = source->catalog;
	struct vly_contested *entry;
	struct vly_contested *after;

	source->catalog = next;
	for (uint32_t i = 0; i < cnt; i++)
		if (!difference[i].after)
			release(owners, source, difference[i].before->zone, why);
		else if (difference[i].before)
			change(owners, source, &difference[i], why);
		else
			claim(owners, source, difference[i].after, why);
	/* entries that had no effect so far: the owner may have named this catalog in the meantime */
	HASH_ITER(hh, source->contested, entry, after)
	{
		const struct vly_catalog_member *member = entry_of(source, entry->name);
		if (member)
			claim(owners, source, member, why);
	}
	return old;
}

static void
free_source(struct vly_catalog_source *source)
{
	struct vly_contested *entry;
	struct vly_contested *next;

	HASH_ITER(hh, source->contested, entry, next)
	{
		HASH_DELETE(hh, source->contested, entry);
		free(entry);
	}
	vly_catalog_free(source->catalog);
	free(source->name);
	free(source);
}

void
vly_owners_drop(struct vly_owners *owners, struct vly_catalog_source *source)
{
	struct vly_catalog_source **at = &owners->sources;

	while (*at != source)
		at = &(*at)->next;
	*at = source->next;
	free_source(source);
}

void
vly_owners_forget(struct vly_owners *owners, struct vly_owned_zone *zone)
{
	HASH_DELETE(hh, owners->by_name, zone);
	free(zone->zone.file);
	free(zone->name);
	free(zone);
}

void
vly_owners_clear(struct vly_owners *owners)
{
	struct vly_owned_zone *zone;
	struct vly_owned_zone *next;
	struct vly_catalog_source *after;

	HASH_ITER(hh, owners->by_name, zone, next)
	vly_owners_forget(owners, zone);
	for (struct vly_catalog_source *source = owners->sources; source; source = after) {
		after = source->next;
		free_source(source);
	}
	*owners = (struct vly_owners){0};
}
