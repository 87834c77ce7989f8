/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Partitions: what they are made of, their products, and client maps of products. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "prefix_model.h"

static const struct vly_model_shape shape = {.prefix_cnt = 300,
					     .region_cnt = 12,
					     .class_cnt = 4,
					     .nested = 60,
					     .bits_min = 2,
					     .bits_max = 20};

static uint32_t
region_at(const struct vly_partition *partition, const struct vly_model_address *address)
{
	return vly_partition_region(partition, address->family, (uint64_t)(address->number >> 64),
				    (uint64_t)address->number);
}

Test(partition, regions)
{
	struct vly_test_random random = {.state = 1};
	struct vly_partition partition;
	struct vly_model model;

	vly_model_random(&model, &shape, &random);
	cr_assert_eq(vly_partition_make(&partition, &model.list), 0);
	cr_expect_eq(partition.region_cnt, shape.region_cnt + 1);
	for (unsigned i = 0; i < 20000; i++) {
		struct vly_model_address address = vly_model_address(&model, &random);
		cr_assert_eq(model.class_of[region_at(&partition, &address)],
			     vly_model_class(&model, &address));
	}
	vly_partition_renumber(&partition, model.class_of, model.class_cnt);
	cr_expect_eq(partition.region_cnt, model.class_cnt);
	for (unsigned i = 0; i < 20000; i++) {
		struct vly_model_address address = vly_model_address(&model, &random);
		cr_assert_eq(region_at(&partition, &address), vly_model_class(&model, &address));
	}
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++)
		for (size_t i = 1; i < partition.part[family].cnt; i++)
			cr_assert_neq(partition.part[family].boundary[i].region,
				      partition.part[family].boundary[i - 1].region);
	vly_partition_free(&partition);
	vly_model_free(&model);
}

/* All of both families is one region. */
Test(partition, default_routes)
{
	struct vly_region_list list = {0};
	struct vly_partition partition;
	struct vly_region_prefix all = {.region = 1};

	cr_assert_eq(vly_region_number(&list.names, "all"), 1);
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++)
		cr_assert_eq(vly_region_list_add(&list, family, &all), 0);
	cr_assert_eq(vly_partition_make(&partition, &list), 0);
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++) {
		cr_expect_eq(partition.part[family].cnt, 1);
		cr_expect_eq(partition.part[family].boundary[0].region, 1);
	}
	vly_partition_free(&partition);
	vly_region_list_free(&list);
}

/* The class of a pair is any number: the scope of the product must be that of both together. */
static void
compare_map(const struct vly_partition *product, const struct vly_region_pair *pair,
	    const struct vly_model model[2], struct vly_test_random *random)
{
	uint32_t *class_of = calloc(product->region_cnt, sizeof(*class_of));
	struct vly_built_map built;

	for (uint32_t i = 0; i < product->region_cnt; i++)
		class_of[i] = (model[0].class_of[pair[i].a] + 2 * model[1].class_of[pair[i].b]) % 5;
	cr_assert_eq(vly_client_map_build(&built, product, class_of, 5), 0);
	struct vly_client_map *map = vly_model_write(&built);
	for (unsigned i = 0; i < 20000; i++) {
		struct vly_model_address address = vly_model_address(&model[i % 2], random);
		uint32_t leaf = vly_model_look_up(map, &address);
		cr_assert_eq(VLY_CLIENT_LEAF_CLASS(leaf),
			     (vly_model_class(&model[0], &address) +
			      2 * vly_model_class(&model[1], &address)) %
				     5);
		/* another address of the leaf's prefix has the same leaf */
		unsigned bits = VLY_CLIENT_LEAF_BITS(leaf);
		vly_u128 host = bits < 128 ? ~(vly_u128)0 >> bits : 0;
		address.number ^= host & ((vly_u128)vly_test_random_next(random) << 64 |
					  vly_test_random_next(random));
		cr_assert_eq(vly_model_look_up(map, &address), leaf);
	}
	free(map);
	vly_built_map_free(&built);
	free(class_of);
}

Test(partition, product)
{
	struct vly_test_random random = {.state = 2};
	struct vly_region_pair *pair;
	struct vly_partition part[2];
	struct vly_partition product;
	struct vly_model model[2];

	for (unsigned i = 0; i < 2; i++) {
		vly_model_random(&model[i], &shape, &random);
		cr_assert_eq(vly_partition_make(&part[i], &model[i].list), 0);
	}
	cr_assert_eq(vly_partition_product(&product, &pair, &part[0], &part[1]), 0);
	for (unsigned i = 0; i < 20000; i++) {
		struct vly_model_address address = vly_model_address(&model[i % 2], &random);
		uint32_t region = region_at(&product, &address);
		cr_assert_lt(region, product.region_cnt);
		cr_assert_eq(pair[region].a, region_at(&part[0], &address));
		cr_assert_eq(pair[region].b, region_at(&part[1], &address));
	}
	for (uint32_t i = 0; i < product.region_cnt; i++)
		for (uint32_t j = 0; j < i; j++)
			cr_assert(pair[i].a != pair[j].a || pair[i].b != pair[j].b);
	compare_map(&product, pair, model, &random);
	free(pair);
	vly_partition_free(&product);
	for (unsigned i = 0; i < 2; i++) {
		vly_partition_free(&part[i]);
		vly_model_free(&model[i]);
	}
}

/* The list has one region, and the prefixes of a family as they are given. Returns errno, or 0. */
static int
refusal(enum vly_family family, const struct vly_region_prefix *prefix, size_t cnt)
{
	struct vly_region_list list = {0};
	struct vly_partition partition;

	cr_assert_eq(vly_region_number(&list.names, "one"), 1);
	for (size_t i = 0; i < cnt; i++)
		cr_assert_eq(vly_region_list_add(&list, family, &prefix[i]), 0);
	errno = 0;
	int error = vly_partition_make(&partition, &list) == 0 ? 0 : errno;
	if (error == 0)
		vly_partition_free(&partition);
	vly_region_list_free(&list);
	return error;
}

#define TEN (UINT64_C(10) << 56)

Test(partition, prefixes_that_are_not_sound)
{
	static const struct {
		enum vly_family family;
		struct vly_region_prefix prefix;
		int error;
	} given[] = {
		{VLY_FAMILY_IPV4, {.high = TEN, .bits = 8, .region = 1}, 0},
		{VLY_FAMILY_IPV4, {.high = TEN | UINT64_C(1) << 32, .bits = 32, .region = 1}, 0},
		{VLY_FAMILY_IPV6, {.high = TEN | 1, .bits = 64, .region = 1}, 0},
		{VLY_FAMILY_IPV6, {.high = TEN, .low = 1, .bits = 128, .region = 1}, 0},
		{VLY_FAMILY_IPV4, {.high = TEN, .bits = 4, .region = 1}, EINVAL},
		{VLY_FAMILY_IPV4, {.high = TEN, .bits = 0, .region = 1}, EINVAL},
		{VLY_FAMILY_IPV4, {.high = TEN | 1, .bits = 32, .region = 1}, EINVAL},
		{VLY_FAMILY_IPV4, {.high = TEN, .low = 1, .bits = 32, .region = 1}, EINVAL},
		{VLY_FAMILY_IPV4, {.high = TEN, .bits = 33, .region = 1}, EINVAL},
		{VLY_FAMILY_IPV4, {.high = TEN, .bits = 8, .region = 2}, EINVAL},
		{VLY_FAMILY_IPV6, {.high = TEN | 1, .bits = 63, .region = 1}, EINVAL},
		{VLY_FAMILY_IPV6, {.high = TEN, .low = 1, .bits = 64, .region = 1}, EINVAL},
		{VLY_FAMILY_IPV6, {.high = TEN, .low = 1, .bits = 127, .region = 1}, EINVAL},
		{VLY_FAMILY_IPV6, {.high = TEN, .bits = 129, .region = 1}, EINVAL},
	};

	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		cr_expect_eq(refusal(given[i].family, &given[i].prefix, 1), given[i].error,
			     "case %zu", i);
}

/* More prefixes that begin inside each other than there are lengths; and lists that are not in order. */
Test(partition, lists_that_are_not_settled)
{
	struct vly_region_prefix prefix[400];

	for (unsigned i = 0; i < 400; i++)
		prefix[i] = (struct vly_region_prefix){
			.high = TEN + (UINT64_C(1) << 32) * i, .bits = 8, .region = 1};
	cr_expect_eq(refusal(VLY_FAMILY_IPV4, prefix, 400), EINVAL);
	for (unsigned i = 0; i < 400; i++)
		prefix[i] = prefix[0];
	cr_expect_eq(refusal(VLY_FAMILY_IPV4, prefix, 400), EINVAL, "all the same");
	prefix[0].high += UINT64_C(1) << 56;
	cr_expect_eq(refusal(VLY_FAMILY_IPV4, prefix, 2), EINVAL, "not in order");
	prefix[0].high -= UINT64_C(1) << 57;
	cr_expect_eq(refusal(VLY_FAMILY_IPV4, prefix, 2), 0);
}

Test(partition, maps_of_unsound_partitions)
{
	static const struct {
		struct vly_boundary at[3];
		size_t cnt;
		int result;
	} given[] = {
		{{{0}, {TEN, 0, 1}, {TEN << 1, 0, 0}}, 3, 0},
		{{{0}}, 0, -1},
		{{{1, 0, 0}}, 1, -1},
		{{{0}, {TEN << 1, 0, 1}, {TEN, 0, 0}}, 3, -1},
		{{{0}, {TEN, 0, 1}, {TEN, 0, 0}}, 3, -1},
		{{{0}, {TEN, 0, 2}}, 2, -1},
		{{{0}, {TEN | 1, 0, 1}}, 2, -1},
		{{{0}, {TEN, 1, 1}}, 2, -1},
	};
	static const uint32_t class_of[] = {0, 1};

	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		struct vly_boundary at4[3], at6 = {0};
		memcpy(at4, given[i].at, sizeof(at4));
		const struct vly_partition partition = {.part = {{at4, given[i].cnt}, {&at6, 1}},
							.region_cnt = 2};
		struct vly_built_map map;
		int result = vly_client_map_build(&map, &partition, class_of, 2);
		cr_expect_eq(result, given[i].result, "case %zu", i);
		if (result == 0)
			vly_built_map_free(&map);
	}
}
