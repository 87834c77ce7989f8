/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "partition.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One prefix inside the other, from /0 to /128. */
#define NESTED_MAX 129

/* One family while it is made. */
struct maker {
	struct vly_part *part;
	struct {
		struct vly_boundary after; /* the first address behind the prefix */
		bool last;                 /* there is none */
		uint32_t region;
	} nested[NESTED_MAX];
	unsigned nested_cnt;
};

static bool
is_before(const struct vly_boundary *a, uint64_t high, uint64_t low)
{
	return a->high != high ? a->high < high : a->low < low;
}

/* From the place of `at` on, the region is `region`. There is room: see allocate(). */
static void
begin(struct vly_part *part, const struct vly_boundary *at, uint32_t region)
{
	struct vly_boundary *end = part->boundary + part->cnt;

	if (part->cnt > 0 && end[-1].high == at->high && end[-1].low == at->low) {
		part->cnt--;
		end--;
	}
	if (part->cnt > 0 && end[-1].region == region)
		return;
	*end = (struct vly_boundary){.high = at->high, .low = at->low, .region = region};
	part->cnt++;
}

/* Ends the innermost prefix: behind it, the one around it goes on. */
static void
leave(struct maker *maker)
{
	unsigned left = --maker->nested_cnt;

	if (!maker->nested[left].last)
		begin(maker->part, &maker->nested[left].after,
		      left > 0 ? maker->nested[left - 1].region : 0);
}

/* The first address behind a prefix. Returns false when the prefix ends with the last address. */
static bool
end_of(const struct vly_region_prefix *prefix, struct vly_boundary *after)
{
	unsigned bits = prefix->bits;

	after->high = prefix->high;
	after->low = prefix->low;
	if (bits > 64) {
		after->low += UINT64_C(1) << (128 - bits);
		after->high += after->low == 0;
		return after->low != 0 || after->high != 0;
	}
	after->high += bits > 0 ? UINT64_C(1) << (64 - bits) : 0;
	return after->high != 0;
}

/* Whether all bits behind the first `bits` are 0. */
static bool
ends_after(const struct vly_region_prefix *prefix, unsigned bits)
{
	if (bits >= 64)
		return bits >= 128 || prefix->low << (bits - 64) == 0;
	return prefix->low == 0 && prefix->high << bits == 0;
}

/* Bits behind its length would put a prefix across the end of another one, or make an IPv4 address longer
 * than 32 bits; and more prefixes than lengths could be inside each other. */
static bool
is_sound(const struct vly_region_prefix *prefix, enum vly_family family, uint32_t region_cnt)
{
	return prefix->bits <= (family == VLY_FAMILY_IPV4 ? 32 : 128) &&
	       prefix->region < region_cnt && ends_after(prefix, prefix->bits);
}

static bool
is_settled(const struct vly_region_list *list, enum vly_family family, uint32_t region_cnt)
{
	const struct vly_region_prefix *prefix = list->prefix[family];

	for (size_t i = 0; i < list->cnt[family]; i++)
		if (!is_sound(&prefix[i], family, region_cnt) ||
		    (i > 0 && vly_region_prefix_compare(&prefix[i - 1], &prefix[i]) >= 0))
			return false;
	return true;
}

static void
enter(struct maker *maker, const struct vly_region_prefix *prefix)
{
	struct vly_boundary at = {.high = prefix->high, .low = prefix->low};
	unsigned n;

	while (maker->nested_cnt > 0 && !maker->nested[maker->nested_cnt - 1].last &&
	       !is_before(&at, maker->nested[maker->nested_cnt - 1].after.high,
			  maker->nested[maker->nested_cnt - 1].after.low))
		leave(maker);
	n = maker->nested_cnt++;
	maker->nested[n].last = !end_of(prefix, &maker->nested[n].after);
	maker->nested[n].region = prefix->region;
	begin(maker->part, &at, prefix->region);
}

static int
allocate(struct vly_part *part, size_t prefix_cnt)
{
	part->boundary = malloc((2 * prefix_cnt + 1) * sizeof(*part->boundary));
	return part->boundary == NULL ? -1 : 0;
}

/* Gives back what was not needed. */
static void
trim(struct vly_part *part)
{
	void *smaller = realloc(part->boundary, part->cnt * sizeof(*part->boundary));

	if (smaller != NULL)
		part->boundary = smaller;
}

static int
make_part(struct vly_part *part, const struct vly_region_prefix *prefix, size_t cnt)
{
	struct maker maker = {.part = part};

	if (allocate(part, cnt) != 0)
		return -1;
	part->boundary[part->cnt++] = (struct vly_boundary){0};
	for (size_t i = 0; i < cnt; i++)
		enter(&maker, &prefix[i]);
	while (maker.nested_cnt > 0)
		leave(&maker);
	trim(part);
	return 0;
}

int
vly_partition_make(struct vly_partition *partition, const struct vly_region_list *list)
{
	memset(partition, 0, sizeof(*partition));
	partition->region_cnt = vly_region_cnt(&list->names);
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++)
		if (!is_settled(list, family, partition->region_cnt)) {
			errno = EINVAL;
			return -1;
		}
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++)
		if (make_part(&partition->part[family], list->prefix[family], list->cnt[family]) !=
		    0) {
			vly_partition_free(partition);
			errno = ENOMEM;
			return -1;
		}
	return 0;
}

void
vly_partition_renumber(struct vly_partition *partition, const uint32_t *number, uint32_t region_cnt)
{
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++) {
		struct vly_part *part = &partition->part[family];
		size_t cnt = part->cnt;
		part->cnt = 0;
		for (size_t i = 0; i < cnt; i++) {
			struct vly_boundary at = part->boundary[i];
			begin(part, &at, number[at.region]);
		}
	}
	partition->region_cnt = region_cnt;
}

uint32_t
vly_partition_region(const struct vly_partition *partition, enum vly_family family, uint64_t high,
		     uint64_t low)
{
	const struct vly_part *part = &partition->part[family];
	size_t from = 0;
	size_t to = part->cnt; /* the boundaries from `to` on are above the address */

	while (to - from > 1) {
		size_t middle = from + (to - from) / 2;
		const struct vly_boundary *at = &part->boundary[middle];
		if (is_before(at, high, low) || (at->high == high && at->low == low))
			from = middle;
		else
			to = middle;
	}
	return part->boundary[from].region;
}

void
vly_partition_free(struct vly_partition *partition)
{
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++)
		free(partition->part[family].boundary);
	memset(partition, 0, sizeof(*partition));
}
