/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table_book.h"

static struct vly_table *live;

/* Images that can come into a table before it is built anew: 0.5 MiB that is not touched until
 * then. */
#define PARTS_SPARE 4096

/* route[] has 16 bits. */
#define PARTS_MAX UINT16_MAX

/* Of these, half are free at first. */
#define SLOTS_MIN 64

/*
 * Building, in order:
 *   1. Zones go into the slots, image by image, newest first: the first complete form of each is
 *      served, and votes for the route. Older ones are contested in their image; their names there
 *      are stale.
 *   2. Each zone with a live zone below it is contested.
 *   3. Zones of which there are several versions get their layers, as if the other versions came
 *      into a table that is live.
 */
struct building {
	struct vly_table *table;
	struct vly_book_votes *votes; /* NULL: one image, or no memory */
	struct vly_book_plan plan;    /* the zones of which there are versions */
	unsigned label_cnt_max;       /* of an apex */
};

static int
refuse_memory(struct vly_image_error *error, uint64_t zone_cnt)
{
	snprintf(error->text, sizeof(error->text), "no memory for a table of %llu zones",
		 (unsigned long long)zone_cnt);
	return -1;
}

/* Serves a zone whose newest complete form this is. */
static void
serve(struct building *building, uint32_t at, struct vly_book_entry entry,
      const struct vly_name *apex)
{
	struct vly_table *table = building->table;
	const uint64_t name_cnt = vly_book_zone(table->book, entry)->node_cnt;

	table->slot[at] = (struct vly_table_slot){
		.tag = vly_image_tag(apex->hash[0]),
		.zone_idx = entry.zone_idx,
		.part = &table->part[entry.part - 1],
	};
	table->label_cnts[apex->label_cnt / 64] |= UINT64_C(1) << (63 - apex->label_cnt % 64);
	table->zone_cnt++;
	table->book->name_cnt += name_cnt;
	if (building->label_cnt_max < apex->label_cnt)
		building->label_cnt_max = apex->label_cnt;
	(void)vly_book_count_below(table->book, apex, true);
	if (building->votes != NULL)
		vly_book_vote(building->votes, entry.part - 1, apex, name_cnt);
}

static int
add_zone(struct building *building, struct vly_book_entry entry)
{
	struct vly_table *table = building->table;
	struct vly_name apex;

	vly_book_scan(table, entry, &apex);
	if (vly_book_reserve_below(table->book, apex.label_cnt) != 0)
		return -1;
	const uint32_t at = vly_book_link(table, entry, &apex);
	if (!vly_book_is_overlay(table->book, entry) && table->slot[at].part == &vly_book_gone) {
		serve(building, at, entry, &apex);
		return 0;
	}
	vly_book_contest(table, entry);
	/* with a version, it may be the newest complete form nevertheless */
	return vly_book_zone(table->book, entry)->version != 0
		       ? vly_book_touch(table, &building->plan, at)
		       : 0;
}

static int
add_image(struct building *building, const struct vly_image *image)
{
	uint32_t part_idx = vly_book_add_part(building->table, image);

	if (part_idx == UINT32_MAX)
		return -1;
	building->table->book->image_cnt++;
	for (uint32_t zone = 0; zone < image->header->zone_cnt; zone++)
		if (add_zone(building, (struct vly_book_entry){part_idx + 1, zone}) != 0)
			return -1;
	return 0;
}

/* Contests the zones of a part below whose apex there is another zone. */
static void
contest_parents(const struct building *building, uint32_t part_idx)
{
	struct vly_table *table = building->table;
	const struct vly_image *image = table->part[part_idx].image;
	struct vly_name apex;

	for (uint32_t zone = 0; zone < image->header->zone_cnt; zone++) {
		const struct vly_book_entry entry = {part_idx + 1, zone};
		if (image->zone[zone].label_cnt >= building->label_cnt_max)
			continue; /* as most zones */
		vly_book_scan(table, entry, &apex);
		if (vly_book_has_below(table->book, apex.hash[0]))
			vly_book_contest(table, entry);
	}
}

/* Most images have no contested zone: then there is no bitmap to read for each name. */
static void
forget_uncontested(struct vly_table_part *part)
{
	uint64_t any = 0;

	for (uint64_t i = 0; i <= part->image->header->zone_cnt / 64; i++)
		any |= part->contested[i];
	if (any != 0)
		return;
	free(part->contested);
	part->contested = NULL;
}

static int
fill(struct building *building, struct vly_image *const *images, size_t image_cnt,
     struct vly_image_error *error)
{
	struct vly_table *table = building->table;

	for (size_t i = 0; i < image_cnt; i++)
		if (add_image(building, images[i]) != 0)
			return refuse_memory(error, table->zone_cnt);
	for (uint32_t i = 0; i < image_cnt; i++) {
		contest_parents(building, i);
		forget_uncontested(&table->part[i]);
	}
	if (building->votes != NULL)
		vly_book_choose_route(table, building->votes);
	int result = vly_book_decide(table, &building->plan, error);
	if (result == 0)
		vly_book_carry_out(table, &building->plan);
	vly_book_end(table, &building->plan, result == 0);
	return result;
}

static struct vly_table_book *
new_book(uint64_t slot_cnt, size_t image_cnt)
{
	struct vly_table_book *book = calloc(1, sizeof(*book));

	if (book == NULL)
		return NULL;
	book->part_room = image_cnt < (PARTS_MAX - PARTS_SPARE) / 2
				  ? (uint32_t)(2 * image_cnt + PARTS_SPARE)
				  : PARTS_MAX;
	book->part = calloc(book->part_room, sizeof(*book->part));
	book->head = calloc(slot_cnt, sizeof(*book->head));
	book->touched = calloc(slot_cnt / 64 + 1, sizeof(*book->touched));
	return book;
}

/* A table without zones, but with room for all of them. */
static struct vly_table *
begin(struct vly_image *const *images, size_t image_cnt)
{
	uint64_t zone_cnt = 0;
	uint64_t slot_cnt = SLOTS_MIN;
	struct vly_table *table = NULL;

	for (size_t i = 0; i < image_cnt; i++)
		zone_cnt += images[i]->header->zone_cnt;
	while (slot_cnt < 2 * zone_cnt)
		slot_cnt *= 2;
	if (slot_cnt <= UINT32_MAX && image_cnt < PARTS_MAX)
		table = calloc(1, sizeof(*table) + slot_cnt * sizeof(struct vly_table_slot));
	if (table == NULL)
		return NULL;
	table->slot_mask = (uint32_t)(slot_cnt - 1);
	if (zone_cnt == 0)
		return table;
	table->key = images[0]->header->hash_key;
	table->book = new_book(slot_cnt, image_cnt);
	if (table->book != NULL)
		table->part = calloc(table->book->part_room, sizeof(*table->part));
	if (table->part == NULL || table->book->part == NULL || table->book->head == NULL ||
	    table->book->touched == NULL) {
		vly_table_free(table);
		return NULL;
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

static int
newest_first(const void *a, const void *b)
{
	const uint64_t left = (*(struct vly_image *const *)a)->id;
	const uint64_t right = (*(struct vly_image *const *)b)->id;

	return (left < right) - (left > right);
}

static struct vly_table *
build_sorted(struct vly_image *const *images, size_t image_cnt, struct vly_image_error *error)
{
	struct building building = {.table = begin(images, image_cnt)};

	if (building.table == NULL) {
		(void)refuse_memory(error, 0);
		return NULL;
	}
	if (building.table->part == NULL)
		return building.table;
	/* Without votes, the route leads to the newest image: slower, but correct. */
	if (image_cnt > 1)
		building.votes = vly_book_votes_new();
	int result = fill(&building, images, image_cnt, error);
	free(building.votes);
	if (result == 0)
		return building.table;
	vly_table_free(building.table);
	return NULL;
}

struct vly_table *
vly_table_build(struct vly_image *const *images, size_t image_cnt, struct vly_image_error *error)
{
	struct vly_image **sorted = calloc(image_cnt + 1, sizeof(*sorted));

	if (sorted == NULL) {
		(void)refuse_memory(error, 0);
		return NULL;
	}
	if (image_cnt > 0)
		memcpy(sorted, images, image_cnt * sizeof(*sorted));
	qsort(sorted, image_cnt, sizeof(*sorted), newest_first);
	struct vly_table *table = NULL;
	if (have_one_key(images, image_cnt, error))
		table = build_sorted(sorted, image_cnt, error);
	free(sorted);
	return table;
}

/* Frees the layers of all zones that have several. */
static void
free_layers(struct vly_table *table)
{
	for (uint64_t i = 0; i <= table->slot_mask; i++) {
		const struct vly_table_part *part = table->slot[i].part;
		if (part == NULL || part->layers == NULL)
			continue;
		free((void *)(uintptr_t)part->layers);
		free((void *)(uintptr_t)part);
	}
}

void
vly_table_free(struct vly_table *table)
{
	if (table == NULL)
		return;
	struct vly_table_book *book = table->book;
	if (book != NULL) {
		free_layers(table);
		for (uint32_t i = 0; table->part != NULL && i < book->part_end; i++)
			vly_book_free_part(table, i);
		free(book->part);
		free(book->head);
		free(book->touched);
		free(book->below);
		free(book);
	}
	free(table->part);
	free(table);
}

void
vly_table_publish(struct vly_table *table)
{
	struct vly_table *before = rcu_xchg_pointer(&live, table);

	synchronize_rcu();
	vly_table_free(before);
}

const struct vly_table *
vly_table_live(void)
{
	return rcu_dereference(live);
}
