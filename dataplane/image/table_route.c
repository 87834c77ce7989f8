/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "table_book.h"

/*
 * Slices depend on hashes, and the writer's choice of labels is not in the image: hence a vote.
 * Each zone votes with its number of names for the image that it is in, once for each number of
 * last labels that could make a slice. Then the number of labels is chosen with which most names are
 * where the route leads.
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
struct vly_book_votes {
	struct slice slice[ROUTE_LABELS_MAX + 1][VLY_IMAGE_SLICES];
};

struct vly_book_votes *
vly_book_votes_new(void)
{
	return calloc(1, sizeof(struct vly_book_votes));
}

void
vly_book_vote(struct vly_book_votes *votes, uint32_t part_idx, const struct vly_name *apex,
	      uint64_t node_cnt)
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

void
vly_book_choose_route(struct vly_table *table, const struct vly_book_votes *votes)
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

/* The slice of the names below an apex that has at least as many labels as a slice. */
static unsigned
slice_of(const struct vly_table *table, const struct vly_name *apex)
{
	return table->route_labels == 0
		       ? 0
		       : vly_image_slice(
				 apex->hash[vly_name_last_labels(apex, table->route_labels)]);
}

bool
vly_book_is_routed(const struct vly_table *table, const struct vly_name *apex, uint32_t part_idx)
{
	return apex->label_cnt >= table->route_labels &&
	       table->route[slice_of(table, apex)] == part_idx;
}

/* The part with the most buckets that is not leaving. */
static uint32_t
largest_part(const struct vly_table *table)
{
	const struct vly_table_book *book = table->book;
	uint32_t largest = 0;
	uint32_t bucket_cnt = 0;

	for (uint32_t i = 0; i < book->part_end; i++) {
		if (book->part[i].image == NULL || book->part[i].is_leaving ||
		    table->part[i].bucket_cnt <= bucket_cnt)
			continue;
		largest = i;
		bucket_cnt = table->part[i].bucket_cnt;
	}
	return largest;
}

/* The largest zone of each slice among those of the plan. */
struct largest {
	uint32_t part; /* 1 + index; 0: none */
	uint64_t name_cnt;
};

static void
find_largest(const struct vly_table *table, const struct vly_book_plan *plan,
	     struct largest largest[VLY_IMAGE_SLICES])
{
	struct vly_name apex;

	for (size_t i = 0; i < plan->cnt; i++) {
		const struct vly_book_entry base = plan->step[i].base;
		if (base.part == 0)
			continue;
		vly_book_scan(table, base, &apex);
		if (apex.label_cnt < table->route_labels)
			continue;
		struct largest *slice = &largest[slice_of(table, &apex)];
		uint64_t name_cnt = vly_book_zone(table->book, base)->node_cnt;
		if (name_cnt > slice->name_cnt)
			*slice = (struct largest){base.part, name_cnt};
	}
}

static bool
is_leaving(const struct vly_table *table, unsigned slice)
{
	return table->book->part[table->route[slice]].is_leaving;
}

void
vly_book_reroute(struct vly_table *table, const struct vly_book_plan *plan)
{
	static struct largest largest[VLY_IMAGE_SLICES]; /* the main thread's */
	const unsigned slice_cnt = table->route_labels == 0 ? 1 : VLY_IMAGE_SLICES;
	unsigned first = 0;

	while (first < slice_cnt && !is_leaving(table, first))
		first++;
	if (first == slice_cnt)
		return;
	memset(largest, 0, sizeof(largest));
	find_largest(table, plan, largest);
	const uint32_t fallback = largest_part(table);
	for (unsigned i = first; i < slice_cnt; i++) {
		if (!is_leaving(table, i))
			continue;
		uint32_t part = largest[i].part != 0 ? largest[i].part - 1 : fallback;
		__atomic_store_n(&table->route[i], (uint16_t)part, __ATOMIC_RELAXED);
	}
}
