/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file_text.h"
#include "common/number.h"
#include "map_lines.h"
#include "map_text.h"

/* A minute: what takes longer is no round trip. */
#define MS_MAX 60000

struct measurement {
	struct vly_region_prefix prefix;
	uint32_t family;
	uint32_t pool;
	uint32_t us;
};

struct measurements {
	struct measurement *item;
	size_t cnt;
	size_t room;
	struct vly_region_names pools;
};

/* Milliseconds, with up to three decimals: "12", "12.5". */
static bool
read_ms(const char *text, uint32_t *us)
{
	uint64_t whole;
	uint64_t part = 0;
	const char *point = vly_number_read(text, strlen(text), 0, MS_MAX, &whole);

	if (point == NULL)
		return false;
	if (*point == '.') {
		size_t digits = strlen(point + 1);
		if (digits > 3 || !vly_number_is(point + 1, digits, 0, 999, &part))
			return false;
		for (; digits < 3; digits++)
			part *= 10;
	} else if (*point != '\0') {
		return false;
	}
	*us = (uint32_t)(whole * 1000 + part);
	return true;
}

static int
add(struct measurements *all, const struct measurement *item)
{
	if (all->cnt == all->room) {
		size_t room = all->room ? 2 * all->room : 64;
		void *grown = realloc(all->item, room * sizeof(*item));
		if (grown == NULL)
			return -1;
		all->item = grown;
		all->room = room;
	}
	all->item[all->cnt++] = *item;
	return 0;
}

static int
parse_lines(struct vly_map_lines *lines, struct measurements *all)
{
	int more;

	while ((more = vly_map_lines_next(lines, 3, "prefix pool milliseconds")) > 0) {
		struct measurement item = {0};
		enum vly_family family;
		if (vly_map_lines_prefix(lines, &item.prefix, &family) != 0 ||
		    vly_map_lines_name(lines, &all->pools, &item.pool) != 0)
			return -1;
		item.family = family;
		if (!read_ms(lines->word[2], &item.us))
			return vly_map_lines_refuse(
				lines,
				"milliseconds are a number from 0 to %d, such as 12 or 12.5: %.64s",
				MS_MAX, lines->word[2]);
		if (add(all, &item) != 0)
			return vly_map_lines_refuse(lines, "out of memory");
	}
	return more;
}

static int
compare_prefixes(const struct measurement *a, const struct measurement *b)
{
	return a->family != b->family ? (int)a->family - (int)b->family
				      : vly_region_prefix_compare(&a->prefix, &b->prefix);
}

static int
compare_pools(const void *a, const void *b)
{
	const struct measurement *left = a;
	const struct measurement *right = b;
	int order = compare_prefixes(left, right);

	if (order != 0)
		return order;
	if (left->pool != right->pool)
		return left->pool < right->pool ? -1 : 1;
	return (left->prefix.line > right->prefix.line) - (left->prefix.line < right->prefix.line);
}

/* Of the same prefix. */
static int
compare_times(const void *a, const void *b)
{
	const struct measurement *left = a;
	const struct measurement *right = b;

	if (left->us != right->us)
		return left->us < right->us ? -1 : 1;
	return (left->pool > right->pool) - (left->pool < right->pool);
}

static int
find_twins(struct vly_map_lines *lines, const struct measurements *all)
{
	char prefix[VLY_PREFIX_TEXT_BYTES];

	for (size_t i = 1; i < all->cnt; i++) {
		const struct measurement *first = &all->item[i - 1];
		const struct measurement *second = &all->item[i];
		if (first->pool != second->pool || compare_prefixes(first, second) != 0)
			continue;
		lines->line = second->prefix.line;
		return vly_map_lines_refuse(
			lines, "%s with %s is on line %u already: keep one of them",
			vly_region_prefix_format(&first->prefix, (enum vly_family)first->family,
						 prefix),
			vly_region_name(&all->pools, first->pool), first->prefix.line);
	}
	return 0;
}

/* Appends the prefix of item[0..cnt-1], which are sorted by time. */
static int
add_ranking(struct vly_region_list *list, const struct measurements *all,
	    const struct measurement *item, size_t cnt)
{
	char name[VLY_MAP_POOLS_MAX * (VLY_REGION_NAME_MAX + 1)];
	struct vly_region_prefix prefix = item->prefix;
	size_t used = 0;

	for (size_t i = 0; i < cnt; i++)
		used += (size_t)snprintf(name + used, sizeof(name) - used, "%s%s", i > 0 ? " " : "",
					 vly_region_name(&all->pools, item[i].pool));
	uint32_t region = vly_region_number(&list->names, name);
	if (region == 0)
		return -1;
	prefix.region = region & (VLY_REGION_MAX - 1);
	return vly_region_list_add(list, (enum vly_family)item->family, &prefix);
}

static int
rank(struct vly_map_lines *lines, struct measurements *all, unsigned pools_max,
     struct vly_region_list *list)
{
	size_t end;

	if (all->cnt > 0)
		qsort(all->item, all->cnt, sizeof(*all->item), compare_pools);
	if (find_twins(lines, all) != 0)
		return -1;
	for (size_t first = 0; first < all->cnt; first = end) {
		struct measurement *item = &all->item[first];
		end = first + 1;
		while (end < all->cnt && compare_prefixes(item, &all->item[end]) == 0)
			end++;
		qsort(item, end - first, sizeof(*item), compare_times);
		size_t cnt = end - first < pools_max ? end - first : pools_max;
		lines->line = item->prefix.line;
		if (add_ranking(list, all, item, cnt) != 0)
			return vly_map_lines_refuse(
				lines, "out of memory, or more than %u different orders of pools",
				VLY_REGION_MAX - 1);
	}
	return 0;
}

int
vly_map_latency_parse(const char *file, const char *text, size_t bytes, unsigned pools_max,
		      struct vly_region_list *list, char reason[VLY_REASON_BYTES])
{
	struct vly_map_lines lines = {.file = file, .text = text, .bytes = bytes, .reason = reason};
	struct measurements all = {0};
	int error = -1;

	if (parse_lines(&lines, &all) == 0)
		error = rank(&lines, &all, pools_max, list);
	free(all.item);
	vly_region_names_free(&all.pools);
	if (error != 0)
		vly_region_list_free(list);
	return error;
}

int
vly_map_latency_read(const char *path, unsigned pools_max, struct vly_region_list *list,
		     char reason[VLY_REASON_BYTES])
{
	struct vly_file_text text;
	const char *why = vly_file_text_read(&text, path);

	if (why != NULL) {
		snprintf(reason, VLY_REASON_BYTES, "%s: %s", path, why);
		return -1;
	}
	int error = vly_map_latency_parse(path, text.start, text.len, pools_max, list, reason);
	vly_file_text_free(&text);
	return error;
}
