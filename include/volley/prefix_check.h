/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks a prefix table (prefix.h) from another process (untrusted); its builder uses some of the
 * functions, too. Pure; any thread; does not block. */
#ifndef VLY_PREFIX_CHECK_H
#define VLY_PREFIX_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include <volley/prefix.h>

/* The last address of range4[i], without its last octet. */
static inline uint32_t
vly_prefix_last_net4(const struct vly_prefix_table *table, uint32_t i)
{
	return (i + 1 < table->range4_cnt ? table->range4[i + 1].start - 1 : UINT32_MAX) >> 8;
}

/* The upper 32 bits of the first and of the last address of range6[i]. */
static inline uint32_t
vly_prefix_first_net6(const struct vly_prefix_table *table, uint32_t i)
{
	return (uint32_t)(table->range6[i].start_high >> 32);
}

static inline uint32_t
vly_prefix_last_net6(const struct vly_prefix_table *table, uint32_t i)
{
	if (i + 1 == table->range6_cnt)
		return UINT32_MAX;
	const struct vly_prefix6 *next = &table->range6[i + 1];
	return (uint32_t)((next->start_high - (next->start_low == 0)) >> 32);
}

/* The bits of listed6 that are needed, at most one for each network of each range; more than
 * VLY_PREFIX_LISTED6_CNT means all. */
static inline uint64_t
vly_prefix_net6_cnt(const struct vly_prefix_table *table)
{
	uint64_t cnt = 0;

	for (uint32_t i = 0; i < table->range6_cnt; i++)
		if (table->range6[i].action != VLY_PREFIX_NONE)
			cnt += (uint64_t)vly_prefix_last_net6(table, i) + 1 -
			       vly_prefix_first_net6(table, i);
	return cnt;
}

/* Whether range4[i] has no action, or all its networks have their bits set. */
static inline bool
vly_prefix_range4_is_listed(const struct vly_prefix_table *table, uint32_t i)
{
	uint32_t last = vly_prefix_last_net4(table, i);

	if (table->range4[i].action == VLY_PREFIX_NONE)
		return true;
	for (uint32_t net = table->range4[i].start >> 8; net <= last; net++)
		if (!vly_prefix_is_listed4(table, net << 8))
			return false;
	return true;
}

static inline bool
vly_prefix_range6_is_listed(const struct vly_prefix_table *table, uint32_t i)
{
	uint32_t last = vly_prefix_last_net6(table, i);

	if (table->range6[i].action == VLY_PREFIX_NONE)
		return true;
	for (uint64_t net = vly_prefix_first_net6(table, i); net <= last; net++)
		if (!vly_prefix_is_listed6(table, (uint32_t)net))
			return false;
	return true;
}

static inline bool
vly_prefix_all_listed6(const struct vly_prefix_table *table)
{
	for (uint32_t i = 0; i < sizeof(table->listed6); i++)
		if (table->listed6[i] != UINT8_MAX)
			return false;
	return true;
}

/* Whether the buckets of an index cover all ranges in order. */
static inline bool
vly_prefix_index_is_sound(const uint32_t *index, uint32_t bucket_cnt, uint32_t range_cnt)
{
	for (uint32_t i = 0; i < bucket_cnt; i++)
		if (index[i] > index[i + 1])
			return false;
	return index[0] == 0 && index[bucket_cnt] == range_cnt;
}

/* Whether range i is found in its bucket. */
static inline bool
vly_prefix_is_indexed(const uint32_t *index, uint32_t bucket, uint32_t i)
{
	return index[bucket] <= i && i < index[bucket + 1];
}

static inline bool
vly_prefix_table4_is_sound(const struct vly_prefix_table *table)
{
	const struct vly_prefix4 *range = table->range4;

	if (table->range4_cnt == 0)
		return true;
	if (table->range4_cnt > VLY_PREFIX_RANGES_MAX ||
	    !vly_prefix_index_is_sound(table->index4, VLY_PREFIX_INDEX4_CNT, table->range4_cnt))
		return false;
	for (uint32_t i = 0; i < table->range4_cnt; i++) {
		bool in_order = i == 0 ? range[i].start == 0 : range[i].start > range[i - 1].start;
		if (!in_order || range[i].action > VLY_PREFIX_ALLOW ||
		    !vly_prefix_is_indexed(table->index4, vly_prefix_bucket4(range[i].start), i) ||
		    !vly_prefix_range4_is_listed(table, i))
			return false;
	}
	return true;
}

/* Whether the parts of index6 follow each other. *bucket_cnt: their buckets together. */
static inline bool
vly_prefix_parts_are_sound(const struct vly_prefix_table *table, uint32_t *bucket_cnt)
{
	*bucket_cnt = 0;
	for (uint32_t i = 0; i < VLY_PREFIX_PART_CNT; i++) {
		uint32_t part = table->part6[i];
		if (VLY_PREFIX_PART_BUCKET(part) != *bucket_cnt ||
		    VLY_PREFIX_PART_BITS(part) > VLY_PREFIX_RANGES_BITS)
			return false;
		*bucket_cnt += UINT32_C(1) << VLY_PREFIX_PART_BITS(part);
		if (*bucket_cnt > VLY_PREFIX_INDEX6_CNT)
			return false;
	}
	return true;
}

static inline bool
vly_prefix_is_before(const struct vly_prefix6 *a, const struct vly_prefix6 *b)
{
	return a->start_high < b->start_high ||
	       (a->start_high == b->start_high && a->start_low < b->start_low);
}

static inline bool
vly_prefix_table6_is_sound(const struct vly_prefix_table *table)
{
	const struct vly_prefix6 *range = table->range6;
	uint32_t bucket_cnt;

	if (table->range6_cnt == 0)
		return true;
	if (table->range6_cnt > VLY_PREFIX_RANGES_MAX ||
	    !vly_prefix_parts_are_sound(table, &bucket_cnt) ||
	    !vly_prefix_index_is_sound(table->index6, bucket_cnt, table->range6_cnt))
		return false;
	for (uint32_t i = 0; i < table->range6_cnt; i++) {
		bool in_order = i == 0 ? (range[i].start_high | range[i].start_low) == 0
				       : vly_prefix_is_before(&range[i - 1], &range[i]);
		uint32_t bucket = vly_prefix_bucket6(table, range[i].start_high);
		if (!in_order || range[i].action > VLY_PREFIX_ALLOW ||
		    !vly_prefix_is_indexed(table->index6, bucket, i))
			return false;
	}
	if (vly_prefix_net6_cnt(table) > VLY_PREFIX_LISTED6_CNT)
		return vly_prefix_all_listed6(table);
	for (uint32_t i = 0; i < table->range6_cnt; i++)
		if (!vly_prefix_range6_is_listed(table, i))
			return false;
	return true;
}

/* Whether searches stay inside the table and end at the range that covers the address. Reads all of
 * the table once. */
static inline bool
vly_prefix_table_is_sound(const struct vly_prefix_table *table)
{
	return vly_prefix_table4_is_sound(table) && vly_prefix_table6_is_sound(table);
}

#endif
