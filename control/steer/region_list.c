/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "region_list.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include <volley/octets.h>

struct vly_region {
	UT_hash_handle hh;
	uint32_t number;
	char name[];
};

static struct vly_region *
find(const struct vly_region_names *names, const char *name)
{
	struct vly_region *region;

	HASH_FIND_STR(names->by_name, name, region);
	return region;
}

static int
make_room(struct vly_region_names *names)
{
	if (names->cnt < names->room)
		return 0;
	uint32_t room = names->room ? 2 * names->room : 64;
	void *grown = realloc(names->by_number, room * sizeof(struct vly_region *));
	if (grown == NULL)
		return -1;
	names->by_number = grown;
	names->room = room;
	return 0;
}

bool
vly_region_name_is_sound(const char *name, size_t len)
{
	if (len == 0 || len > VLY_REGION_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	return true;
}

uint32_t
vly_region_number(struct vly_region_names *names, const char *name)
{
	struct vly_region *region = find(names, name);
	size_t bytes = strlen(name) + 1;

	if (region != NULL)
		return region->number;
	if (vly_region_cnt(names) == VLY_REGION_MAX || make_room(names) != 0)
		return 0;
	region = malloc(sizeof(*region) + bytes);
	if (region == NULL)
		return 0;
	memcpy(region->name, name, bytes);
	region->number = names->cnt + 1;
	HASH_ADD_KEYPTR(hh, names->by_name, region->name, bytes - 1, region);
	if (find(names, name) == NULL) { /* no memory for the table */
		free(region);
		return 0;
	}
	names->by_number[names->cnt++] = region;
	return region->number;
}

uint32_t
vly_region_cnt(const struct vly_region_names *names)
{
	return names->cnt + 1;
}

const char *
vly_region_name(const struct vly_region_names *names, uint32_t number)
{
	return names->by_number[number - 1]->name;
}

struct vly_region_prefix
vly_region_prefix_of(const struct vly_prefix_rule *rule, enum vly_family *family)
{
	struct vly_region_prefix prefix = {.bits = rule->bits};

	*family = VLY_FAMILY_IPV6;
	if (vly_prefix_rule_is_ipv4(rule)) {
		*family = VLY_FAMILY_IPV4;
		prefix.bits = (uint8_t)(rule->bits - 96);
		prefix.high = (uint64_t)vly_be32(rule->address + 12) << 32;
		return prefix;
	}
	prefix.high = vly_be64(rule->address);
	prefix.low = vly_be64(rule->address + 8);
	return prefix;
}

const char *
vly_region_prefix_format(const struct vly_region_prefix *prefix, enum vly_family family,
			 char out[VLY_PREFIX_TEXT_BYTES])
{
	bool ipv4 = family == VLY_FAMILY_IPV4;
	struct vly_prefix_rule rule = {.bits = (uint8_t)(prefix->bits + (ipv4 ? 96 : 0))};
	uint64_t high = ipv4 ? 0 : prefix->high;
	uint64_t low = ipv4 ? UINT64_C(0xffff00000000) | prefix->high >> 32 : prefix->low;

	for (unsigned i = 0; i < 8; i++) {
		rule.address[i] = (uint8_t)(high >> (56 - 8 * i));
		rule.address[8 + i] = (uint8_t)(low >> (56 - 8 * i));
	}
	return vly_prefix_format(&rule, out);
}

int
vly_region_prefix_compare(const struct vly_region_prefix *a, const struct vly_region_prefix *b)
{
	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	return (int)a->bits - (int)b->bits;
}

int
vly_region_list_add(struct vly_region_list *list, enum vly_family family,
		    const struct vly_region_prefix *prefix)
{
	if (list->cnt[family] == list->room[family]) {
		size_t room = list->room[family] ? 2 * list->room[family] : 64;
		void *grown = realloc(list->prefix[family], room * sizeof(*prefix));
		if (grown == NULL)
			return -1;
		list->prefix[family] = grown;
		list->room[family] = room;
	}
	list->prefix[family][list->cnt[family]++] = *prefix;
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const struct vly_region_prefix *left = a;
	const struct vly_region_prefix *right = b;
	int order = vly_region_prefix_compare(left, right);

	return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

/* Databases are read in order, and many texts are written so. */
static void
sort(struct vly_region_prefix *prefix, size_t cnt)
{
	size_t i = 1;

	while (i < cnt && compare(&prefix[i - 1], &prefix[i]) <= 0)
		i++;
	if (i < cnt)
		qsort(prefix, cnt, sizeof(*prefix), compare);
}

int
vly_region_list_settle(struct vly_region_list *list, struct vly_region_twins *twins)
{
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++) {
		struct vly_region_prefix *prefix = list->prefix[family];
		sort(prefix, list->cnt[family]);
		for (size_t i = 1; i < list->cnt[family]; i++)
			if (vly_region_prefix_compare(&prefix[i - 1], &prefix[i]) == 0) {
				*twins = (struct vly_region_twins){.family = family,
								   .first = prefix[i - 1],
								   .second = prefix[i]};
				return -1;
			}
	}
	return 0;
}

void
vly_region_names_free(struct vly_region_names *names)
{
	HASH_CLEAR(hh, names->by_name);
	for (uint32_t i = 0; i < names->cnt; i++)
		free(names->by_number[i]);
	free(names->by_number);
	memset(names, 0, sizeof(*names));
}

void
vly_region_list_free(struct vly_region_list *list)
{
	vly_region_names_free(&list->names);
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++)
		free(list->prefix[family]);
	memset(list, 0, sizeof(*list));
}
