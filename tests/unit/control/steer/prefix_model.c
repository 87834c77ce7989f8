/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prefix_model.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/client_map_check.h"

static unsigned
address_bits(enum vly_family family)
{
	return family == VLY_FAMILY_IPV4 ? 32 : 128;
}

static vly_u128
random_number(struct vly_test_random *random)
{
	vly_u128 high = vly_test_random_next(random);

	return high << 64 | vly_test_random_next(random);
}

/* The bits behind the first `bits` ones of an address. */
static vly_u128
host_mask(unsigned bits)
{
	return bits >= 128 ? 0 : ~(vly_u128)0 >> bits;
}

static vly_u128
family_mask(enum vly_family family)
{
	return ~host_mask(address_bits(family));
}

static vly_u128
first_of(const struct vly_region_prefix *prefix)
{
	return (vly_u128)prefix->high << 64 | prefix->low;
}

static vly_u128
last_of(const struct vly_region_prefix *prefix)
{
	return first_of(prefix) | host_mask(prefix->bits);
}

static struct vly_region_prefix
random_prefix(struct vly_model *model, const struct vly_model_shape *shape, enum vly_family family,
	      struct vly_test_random *random)
{
	unsigned max = address_bits(family);
	unsigned times = family == VLY_FAMILY_IPV4 ? 1 : 2;
	unsigned bits =
		times * (shape->bits_min +
			 vly_test_random_below(random, shape->bits_max - shape->bits_min + 1));
	vly_u128 number = random_number(random);
	size_t cnt = model->list.cnt[family];

	if (cnt > 0 && vly_test_random_chance(random, shape->nested)) {
		const struct vly_region_prefix *around =
			&model->list.prefix[family][vly_test_random_below(random, (unsigned)cnt)];
		number = (number & host_mask(around->bits)) | first_of(around);
		bits = around->bits + vly_test_random_below(random, max - around->bits + 1);
	}
	bits = bits > max ? max : bits;
	number &= ~host_mask(bits);
	return (struct vly_region_prefix){
		.high = (uint64_t)(number >> 64), .low = (uint64_t)number, .bits = bits & 0xff};
}

static bool
is_there(const struct vly_region_list *list, enum vly_family family,
	 const struct vly_region_prefix *prefix)
{
	for (size_t i = 0; i < list->cnt[family]; i++)
		if (vly_region_prefix_compare(&list->prefix[family][i], prefix) == 0)
			return true;
	return false;
}

/* Removes the second one of equal prefixes: large lists are not searched for each prefix. */
static void
settle(struct vly_region_list *list)
{
	struct vly_region_twins twins;

	if (vly_region_list_settle(list, &twins) == 0)
		return;
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++) {
		struct vly_region_prefix *prefix = list->prefix[family];
		size_t kept = 0;
		for (size_t i = 0; i < list->cnt[family]; i++)
			if (kept == 0 ||
			    vly_region_prefix_compare(&prefix[kept - 1], &prefix[i]) != 0)
				prefix[kept++] = prefix[i];
		list->cnt[family] = kept;
	}
	/* settle() stops at the first pair, when one family may not be sorted yet */
	settle(list);
}

void
vly_model_random(struct vly_model *model, const struct vly_model_shape *shape,
		 struct vly_test_random *random)
{
	char name[16];

	memset(model, 0, sizeof(*model));
	model->class_cnt = shape->class_cnt;
	model->class_of = calloc(shape->region_cnt + 1, sizeof(*model->class_of));
	for (unsigned i = 1; i <= shape->region_cnt; i++) {
		snprintf(name, sizeof(name), "r%u", i);
		cr_assert_eq(vly_region_number(&model->list.names, name), i);
	}
	for (unsigned i = 0; i <= shape->region_cnt; i++)
		model->class_of[i] = vly_test_random_below(random, shape->class_cnt);
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++)
		for (size_t i = 0; i < shape->prefix_cnt; i++) {
			struct vly_region_prefix prefix =
				random_prefix(model, shape, family, random);
			if (shape->prefix_cnt < 10000 && is_there(&model->list, family, &prefix))
				continue;
			prefix.region =
				(1 + vly_test_random_below(random, shape->region_cnt)) & 0xffffff;
			cr_assert_eq(vly_region_list_add(&model->list, family, &prefix), 0);
		}
	settle(&model->list);
}

/* The longest prefix around the address decides. */
uint32_t
vly_model_class(const struct vly_model *model, const struct vly_model_address *address)
{
	const struct vly_region_prefix *best = NULL;

	for (size_t i = 0; i < model->list.cnt[address->family]; i++) {
		const struct vly_region_prefix *prefix = &model->list.prefix[address->family][i];
		if (first_of(prefix) <= address->number && address->number <= last_of(prefix) &&
		    (best == NULL || prefix->bits > best->bits))
			best = prefix;
	}
	return model->class_of[best != NULL ? best->region : 0];
}

static int
compare_numbers(const void *a, const void *b)
{
	vly_u128 left;
	vly_u128 right;

	memcpy(&left, a, sizeof(left));
	memcpy(&right, b, sizeof(right));
	return (left > right) - (left < right);
}

void
vly_model_make_points(struct vly_model *model)
{
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++) {
		struct vly_model_points *points = &model->points[family];
		size_t cnt = model->list.cnt[family];
		points->at = calloc(2 * cnt + 1, sizeof(*points->at));
		points->class = calloc(2 * cnt + 1, sizeof(*points->class));
		points->cnt = 1; /* address 0 */
		for (size_t i = 0; i < cnt; i++) {
			const struct vly_region_prefix *prefix = &model->list.prefix[family][i];
			vly_u128 last = last_of(prefix);
			points->at[points->cnt++] = first_of(prefix);
			if (last != ~(vly_u128)0)
				points->at[points->cnt++] = last + 1;
		}
		qsort(points->at, points->cnt, sizeof(*points->at), compare_numbers);
		for (size_t i = 0; i < points->cnt; i++) {
			struct vly_model_address at = {.family = family, .number = points->at[i]};
			points->class[i] = vly_model_class(model, &at);
		}
	}
}

struct vly_model_address
vly_model_address(const struct vly_model *model, struct vly_test_random *random)
{
	struct vly_model_address address = {
		.family = vly_test_random_chance(random, 50) ? VLY_FAMILY_IPV4 : VLY_FAMILY_IPV6};
	size_t cnt = model->list.cnt[address.family];
	unsigned how = cnt > 0 ? vly_test_random_below(random, 4) : 0;
	vly_u128 one = (vly_u128)1 << (128 - address_bits(address.family));

	address.number = random_number(random);
	if (how > 0) {
		const struct vly_region_prefix *prefix =
			&model->list.prefix[address.family]
					   [vly_test_random_below(random, (unsigned)cnt)];
		vly_u128 inside = address.number & host_mask(prefix->bits);
		address.number = how == 1   ? first_of(prefix) | inside
				 : how == 2 ? last_of(prefix) + (inside & 1 ? one : 0)
					    : first_of(prefix) - (inside & 1 ? one : 0);
	}
	address.number &= family_mask(address.family);
	return address;
}

/* The last point up to the address. */
static size_t
find_point(const struct vly_model_points *points, vly_u128 number)
{
	size_t from = 0;
	size_t to = points->cnt;

	while (to - from > 1) {
		size_t middle = from + (to - from) / 2;
		if (points->at[middle] <= number)
			from = middle;
		else
			to = middle;
	}
	return from;
}

uint32_t
vly_model_point_class(const struct vly_model *model, const struct vly_model_address *address)
{
	const struct vly_model_points *points = &model->points[address->family];

	return points->class[find_point(points, address->number)];
}

unsigned
vly_model_scope(const struct vly_model *model, const struct vly_model_address *address)
{
	const struct vly_model_points *points = &model->points[address->family];
	size_t from = find_point(points, address->number);
	size_t to = from + 1;
	uint32_t class = points->class[from];

	while (from > 0 && points->class[from - 1] == class)
		from--;
	while (to < points->cnt && points->class[to] == class)
		to++;
	unsigned bits = 0;
	while (bits < address_bits(address->family) &&
	       ((address->number & ~host_mask(bits)) < points->at[from] ||
		(to < points->cnt && (address->number | host_mask(bits)) >= points->at[to])))
		bits++;
	return bits;
}

bool
vly_model_is_uniform(const struct vly_model *model, const struct vly_model_address *address,
		     unsigned bits)
{
	uint32_t class = vly_model_class(model, address);
	vly_u128 first = address->number & ~host_mask(bits);
	vly_u128 last = address->number | host_mask(bits);
	struct vly_model_address at = {.family = address->family, .number = first};

	if (vly_model_class(model, &at) != class)
		return false;
	for (size_t i = 0; i < model->list.cnt[at.family]; i++) {
		const struct vly_region_prefix *prefix = &model->list.prefix[at.family][i];
		vly_u128 change[2] = {first_of(prefix), last_of(prefix) + 1};
		for (unsigned j = 0; j < 2; j++) {
			at.number = change[j];
			if (change[j] > first && change[j] <= last &&
			    vly_model_class(model, &at) != class)
				return false;
		}
	}
	return true;
}

struct vly_client_map *
vly_model_write(const struct vly_built_map *built)
{
	uint64_t bytes = vly_built_map_bytes(built);
	struct vly_client_map *map = aligned_alloc(64, bytes);

	cr_assert_not_null(map);
	memset(map, 0xa5, bytes);
	vly_built_map_write(built, map);
	const char *wrong = vly_client_map_check(map, bytes);
	cr_assert_null(wrong, "%s", wrong);
	return map;
}

struct vly_client_map *
vly_model_map(const struct vly_model *model)
{
	struct vly_partition partition;
	struct vly_built_map built;

	cr_assert_eq(vly_partition_make(&partition, &model->list), 0);
	cr_assert_eq(vly_client_map_build(&built, &partition, model->class_of, model->class_cnt),
		     0);
	vly_partition_free(&partition);
	struct vly_client_map *map = vly_model_write(&built);
	vly_built_map_free(&built);
	return map;
}

uint32_t
vly_model_look_up(const struct vly_client_map *map, const struct vly_model_address *address)
{
	struct vly_address wire;
	vly_u128 number = address->number;

	if (address->family == VLY_FAMILY_IPV4)
		number = (vly_u128)0xffff << 32 | number >> 96;
	for (unsigned i = 0; i < 16; i++)
		wire.octet[i] = (uint8_t)(number >> (120 - 8 * i));
	return vly_client_map_find(map, &wire);
}

void
vly_model_free(struct vly_model *model)
{
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++) {
		free(model->points[family].at);
		free(model->points[family].class);
	}
	free(model->class_of);
	vly_region_list_free(&model->list);
}
