/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

static struct vly_table *live;

/*
 * Building, in order:
 *   1. Zones go into the slots, image by image, newest first. A zone that is in already is
 *      contested in this image; its names here are stale.
 *   2. Each other zone votes with its number of names for the image that it is in: once for each
 *      number of last labels that could make a slice. Then the number of labels is chosen with
 *      which most names are where the route leads.
 *   3. Each zone with a live zone below it is contested.
 * Slices depend on hashes, and the writer's choice of labels is not in the image: hence the vote.
 */

/* The most last labels that can make a slice. Zones below registries have two or three labels,
 * those of reverse IPv4 networks five; zones with more than eight share a slice with their
 * neighbours. The votes take 24 octets for each slice and number of labels, 0.9 MB while a table is
 * built. */
#define ROUTE_LABELS_MAX 8

/* The votes in one slice. Images come one after the other, so one running count is enough. */
struct slice {
	uint32_t part;     /* 1 + the part that is being counted; 0: none yet */
	uint32_t part_max; /* the part with most names so far */
	uint64_t cnt;      /* names of `part` */
	uint64_t cnt_max;  /* names of `part_max` */
};

/* [labels][slice]: the votes if so many last labels make a slice. */
struct votes {
	struct slice slice[ROUTE_LABELS_MAX + 1][VLY_IMAGE_SLICES];
};

/* Words of the bitmap of an image's zones. */
static uint64_t
bitmap_words(const struct vly_image *image)
{
	return ((uint64_t)image->header->zone_cnt + 63) / 64;
}

static void
contest(const struct vly_table_part *part, uint32_t zone_idx)
{
	part->contested[zone_idx / 64] |= UINT64_C(1) << zone_idx % 64;
}

/* Counts the names of a zone for its part. Parts come in ascending order. */
static void
vote(struct votes *votes, uint32_t part_idx, const struct vly_name *apex, uint64_t node_cnt)
{
	for (unsigned labels = 0; labels <= apex->label_cnt && labels <= ROUTE_LABELS_MAX;
	     labels++) {
		uint64_t hash = apex->hash[apex->label_cnt - labels];
		struct slice *slice = &votes->slice[labels][labels > 0 ? vly_image_slice(hash) : 0];
		slice->cnt = slice->part == part_idx + 1 ? slice->cnt + node_cnt : node_cnt;
		slice->part = part_idx + 1;
		if (slice->cnt > slice->cnt_max) {
			slice->cnt_max = slice->cnt;
			slice->part_max = part_idx;
		}
	}
}

/* Takes the number of labels with which most names are in the part that the route selects. */
static void
choose_route(struct vly_table *table, const struct votes *votes)
{
	uint64_t cnt_max = 0;

	for (unsigned labels = 0; labels <= ROUTE_LABELS_MAX; labels++) {
		const struct slice *slice = votes->slice[labels];
		uint64_t cnt = 0;
		for (unsigned i = 0; i < VLY_IMAGE_SLICES; i++)
			cnt += slice[i].cnt_max;
		if (cnt <= cnt_max)
			continue;
		cnt_max = cnt;
		table->route_labels = labels;
		for (unsigned i = 0; i < VLY_IMAGE_SLICES; i++)
			table->route[i] = (uint16_t)slice[i].part_max;
	}
}

/* The apex of a zone, hashed. */
static bool
scan_apex(const struct vly_table *table, const struct vly_image *image, uint32_t zone_idx,
	  struct vly_name *name)
{
	const struct vly_image_node *apex = vly_image_at(image->heap, image->zone[zone_idx].apex);

	if (vly_name_scan(name, vly_image_node_name(apex), apex->name_len) == 0)
		return false; /* can't be: the image was verified */
	vly_name_hash(name, &table->key);
	return true;
}

/* Returns false if a newer image has the zone. */
static bool
insert(struct vly_table *table, struct vly_table_part *part, uint32_t zone_idx,
       struct vly_name *name)
{
	const struct vly_image_zone *zone = &part->image->zone[zone_idx];

	if (!scan_apex(table, part->image, zone_idx, name) ||
	    vly_table_find(table, name, 0, true) != NULL)
		return false;
	uint32_t at = vly_table_slot_idx(table, name->hash[0]);
	while (table->slot[at].part != NULL)
		at = (at + 1) & table->slot_mask;
	table->slot[at] = (struct vly_table_slot){
		.tag = vly_image_tag(name->hash[0]),
		.zone_idx = zone_idx,
		.part = part,
	};
	if (part->label_max < zone->label_max)
		part->label_max = zone->label_max;
	table->label_cnts[name->label_cnt / 64] |= UINT64_C(1) << (63 - name->label_cnt % 64);
	table->zone_cnt++;
	return true;
}

/* Inserts the zones that no newer image has. The others are contested: a name found in this image
 * is answered from the newer one. */
static void
insert_all(struct vly_table *table, uint32_t part_idx, struct votes *votes)
{
	struct vly_table_part *part = &table->part[part_idx];
	struct vly_name name;

	for (uint32_t i = 0; i < part->image->header->zone_cnt; i++) {
		if (!insert(table, part, i, &name))
			contest(part, i);
		else if (votes != NULL)
			vote(votes, part_idx, &name, part->image->zone[i].node_cnt);
	}
}

/* Contests the closest zone above this one: names found in it may belong to this one. Zones further
 * above are contested by the zones in between. */
static void
contest_above(const struct vly_table *table, const struct vly_image *image, uint32_t zone_idx)
{
	const struct vly_table_slot *above = NULL;
	struct vly_name name;

	if (!scan_apex(table, image, zone_idx, &name))
		return;
	for (unsigned i = 1; above == NULL && i <= name.label_cnt; i++)
		above = vly_table_find(table, &name, i, true);
	if (above != NULL)
		contest(above->part, above->zone_idx);
}

/* The fewest labels of an apex. */
static unsigned
label_cnt_min(const struct vly_table *table)
{
	return table->label_cnts[0] != 0 ? (unsigned)__builtin_clzll(table->label_cnts[0])
					 : 64 + (unsigned)__builtin_clzll(table->label_cnts[1]);
}

/* Contests all zones below whose apex there is another. */
static void
contest_parents(const struct vly_table *table, size_t part_cnt)
{
	const unsigned shallowest = label_cnt_min(table);

	for (size_t i = 0; i < part_cnt; i++) {
		const struct vly_image *image = table->part[i].image;
		for (uint32_t zone = 0; zone < image->header->zone_cnt; zone++)
			if (image->zone[zone].label_cnt > shallowest)
				contest_above(table, image, zone);
	}
}

/* Most images have no contested zone: then there is no bitmap to read for each name. */
static void
forget_uncontested(struct vly_table_part *part)
{
	uint64_t any = 0;

	for (uint64_t i = 0; i < bitmap_words(part->image); i++)
		any |= part->contested[i];
	if (any == 0)
		part->contested = NULL;
}

/* Octets of the parts and their bitmaps. */
static uint64_t
parts_bytes(struct vly_image *const *images, size_t image_cnt)
{
	uint64_t bytes = image_cnt * sizeof(struct vly_table_part);

	for (size_t i = 0; i < image_cnt; i++)
		bytes += bitmap_words(images[i]) * sizeof(uint64_t);
	return bytes;
}

static void
begin_parts(struct vly_table *table, struct vly_image *const *images, size_t image_cnt)
{
	table->part = (struct vly_table_part *)(table->slot + table->slot_mask + 1);
	uint64_t *contested = (uint64_t *)(table->part + image_cnt);
	for (size_t i = 0; i < image_cnt; i++) {
		table->part[i] = (struct vly_table_part){
			.image = images[i],
			.bucket = images[i]->bucket,
			.bucket_cnt = images[i]->bucket_cnt,
			.contested = contested,
		};
		contested += bitmap_words(images[i]);
	}
}

/* A table without zones, but with room for all: at least half of the slots stay free, so that a
 * search ends soon. Slots, parts and bitmaps are one allocation. */
static struct vly_table *
begin(struct vly_image *const *images, size_t image_cnt, struct vly_image_error *error)
{
	uint64_t zone_cnt = 0;
	uint64_t slot_cnt = 2;
	struct vly_table *table = NULL;

	for (size_t i = 0; i < image_cnt; i++)
		zone_cnt += images[i]->header->zone_cnt;
	while (slot_cnt < 2 * zone_cnt)
		slot_cnt *= 2;
	if (slot_cnt <= UINT32_MAX)
		table = calloc(1, sizeof(*table) + slot_cnt * sizeof(struct vly_table_slot) +
					  parts_bytes(images, image_cnt));
	if (table == NULL) {
		snprintf(error->text, sizeof(error->text), "no memory for a table of %llu zones",
			 (unsigned long long)zone_cnt);
		return NULL;
	}
	table->slot_mask = (uint32_t)(slot_cnt - 1);
	if (zone_cnt > 0) {
		table->key = images[0]->header->hash_key;
		begin_parts(table, images, image_cnt);
	}
	return table;
}

static bool
have_one_key(struct vly_image *const *images, size_t image_cnt, struct vly_image_error *error)
{
	for (size_t i = 1; i < image_cnt; i++) {
		if (memcmp(&images[i]->header->hash_key, &images[0]->header->hash_key,
			   sizeof(struct vly_hash_key)) == 0)
			continue;
		snprintf(error->text, sizeof(error->text),
			 "images %llu and %llu have different hash keys",
			 (unsigned long long)images[0]->id, (unsigned long long)images[i]->id);
		return false;
	}
	return true;
}

struct vly_table *
vly_table_build(struct vly_image *const *images, size_t image_cnt, struct vly_image_error *error)
{
	if (!have_one_key(images, image_cnt, error))
		return NULL;
	struct vly_table *table = begin(images, image_cnt, error);
	if (table == NULL || table->part == NULL)
		return table;
	/* Without votes, the route leads to the newest image: slower, but correct. */
	struct votes *votes = image_cnt > 1 ? calloc(1, sizeof(*votes)) : NULL;
	for (size_t i = 0; i < image_cnt; i++)
		insert_all(table, (uint32_t)i, votes);
	contest_parents(table, image_cnt);
	for (size_t i = 0; i < image_cnt; i++)
		forget_uncontested(&table->part[i]);
	if (votes != NULL)
		choose_route(table, votes);
	free(votes);
	return table;
}

void
vly_table_publish(struct vly_table *table)
{
	struct vly_table *before = rcu_xchg_pointer(&live, table);

	synchronize_rcu();
	free(before);
}

const struct vly_table *
vly_table_live(void)
{
	return rcu_dereference(live);
}
