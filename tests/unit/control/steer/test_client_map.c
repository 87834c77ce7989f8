/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Client maps, compared with a naive model: class and scope of random addresses. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

#include "prefix_model.h"

static struct vly_test_random
seeded(void)
{
	const char *named = getenv("VOLLEY_SEED");
	uint64_t seed = named != NULL ? strtoull(named, NULL, 0) : (uint64_t)time(NULL);

	fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
	return (struct vly_test_random){.state = seed};
}

static void
expect_leaf(const struct vly_client_map *map, const struct vly_model_address *address,
	    uint32_t class, unsigned scope)
{
	uint32_t leaf = vly_model_look_up(map, address);

	cr_assert(VLY_CLIENT_LEAF_CLASS(leaf) == class && VLY_CLIENT_LEAF_BITS(leaf) == scope,
		  "family %d, %016llx %016llx: class %u of /%u, and not %u of /%u", address->family,
		  (unsigned long long)(address->number >> 64), (unsigned long long)address->number,
		  VLY_CLIENT_LEAF_CLASS(leaf), VLY_CLIENT_LEAF_BITS(leaf), class, scope);
}

static void
compare(const struct vly_model_shape *shape, unsigned lookup_cnt)
{
	struct vly_test_random random = seeded();
	struct vly_model model;

	vly_model_random(&model, shape, &random);
	vly_model_make_points(&model);
	struct vly_client_map *map = vly_model_map(&model);
	for (unsigned i = 0; i < lookup_cnt; i++) {
		struct vly_model_address address = vly_model_address(&model, &random);
		/* the class by the list is slow: it was asked at each point, and is here now and then */
		if (i % 1000 == 0)
			cr_assert_eq(VLY_CLIENT_LEAF_CLASS(vly_model_look_up(map, &address)),
				     vly_model_class(&model, &address));
		expect_leaf(map, &address, vly_model_point_class(&model, &address),
			    vly_model_scope(&model, &address));
	}
	free(map);
	vly_model_free(&model);
}

/* Each a million lookups. */
#define LOOKUPS 1000000

Test(client_map, nested_prefixes)
{
	compare(&(struct vly_model_shape){.prefix_cnt = 600,
					  .region_cnt = 20,
					  .class_cnt = 5,
					  .nested = 70,
					  .bits_min = 1,
					  .bits_max = 24},
		LOOKUPS);
}

Test(client_map, two_classes_of_many_regions)
{
	compare(&(struct vly_model_shape){.prefix_cnt = 800,
					  .region_cnt = 100,
					  .class_cnt = 2,
					  .nested = 50,
					  .bits_min = 6,
					  .bits_max = 32},
		LOOKUPS);
}

/* So close together that branches spill. */
Test(client_map, crowded_prefixes)
{
	compare(&(struct vly_model_shape){.prefix_cnt = 1500,
					  .region_cnt = 50,
					  .class_cnt = 50,
					  .nested = 98,
					  .bits_min = 8,
					  .bits_max = 12},
		LOOKUPS);
}

Test(client_map, long_paths)
{
	compare(&(struct vly_model_shape){.prefix_cnt = 40,
					  .region_cnt = 3,
					  .class_cnt = 3,
					  .nested = 30,
					  .bits_min = 28,
					  .bits_max = 64},
		LOOKUPS);
}

Test(client_map, few_prefixes)
{
	for (unsigned i = 0; i < 20; i++)
		compare(&(struct vly_model_shape){.prefix_cnt = i / 2,
						  .region_cnt = 2,
						  .class_cnt = 2,
						  .nested = 50,
						  .bits_min = 0,
						  .bits_max = 32},
			LOOKUPS / 20);
}

/* Too large for points: the list says for some addresses whether the prefix of the leaf is uniform,
 * and that a wider one is not. */
static void
spot_check(size_t prefix_cnt, unsigned lookup_cnt)
{
	const struct vly_model_shape shape = {.prefix_cnt = prefix_cnt,
					      .region_cnt = 300,
					      .class_cnt = 40,
					      .nested = 30,
					      .bits_min = 16,
					      .bits_max = 24};
	struct vly_test_random random = seeded();
	struct vly_model model;

	vly_model_random(&model, &shape, &random);
	struct vly_client_map *map = vly_model_map(&model);
	for (unsigned i = 0; i < lookup_cnt; i++) {
		struct vly_model_address address = vly_model_address(&model, &random);
		uint32_t leaf = vly_model_look_up(map, &address);
		unsigned bits = VLY_CLIENT_LEAF_BITS(leaf);
		cr_assert_eq(VLY_CLIENT_LEAF_CLASS(leaf), vly_model_class(&model, &address));
		cr_assert(vly_model_is_uniform(&model, &address, bits));
		cr_assert(bits == 0 || !vly_model_is_uniform(&model, &address, bits - 1));
	}
	free(map);
	vly_model_free(&model);
}

Test(client_map, many_prefixes)
{
	spot_check(20000, 300);
}

Test(client_map, a_million_prefixes)
{
	if (getenv("VOLLEY_HEAVY") == NULL)
		cr_skip_test("VOLLEY_HEAVY");
	spot_check(1000000, 400);
}

/* A step more does no harm, and each lookup ends within the bound. */
Test(client_map, steps)
{
	const struct vly_model_shape shape = {.prefix_cnt = 500,
					      .region_cnt = 9,
					      .class_cnt = 4,
					      .nested = 90,
					      .bits_min = 1,
					      .bits_max = 40};
	struct vly_test_random random = seeded();
	struct vly_model model;

	vly_model_random(&model, &shape, &random);
	struct vly_client_map *map = vly_model_map(&model);
	for (unsigned i = 0; i < 100000; i++) {
		struct vly_model_address address = vly_model_address(&model, &random);
		struct vly_client_cursor cursor;
		unsigned step_cnt = 1;
		if (address.family == VLY_FAMILY_IPV4)
			vly_client_map_begin4(map, (uint32_t)(address.number >> 96), &cursor);
		else
			vly_client_map_begin6(map, (uint64_t)(address.number >> 64),
					      (uint64_t)address.number, &cursor);
		while (!vly_client_map_step(map, &cursor))
			step_cnt++;
		cr_assert_leq(step_cnt, VLY_CLIENT_MAP_STEPS_MAX);
		cr_assert(vly_client_map_step(map, &cursor));
		cr_assert_eq(vly_client_map_finish(map, &cursor), vly_model_look_up(map, &address));
	}
	free(map);
	vly_model_free(&model);
}

/* What a lookup of a dense map of IPv4 reads: root, branch, spill. */
Test(client_map, three_reads_for_ipv4)
{
	struct vly_region_list list = {0};
	struct vly_region_twins twins;
	struct vly_partition partition;
	struct vly_built_map built;
	struct vly_client_cursor cursor;
	uint32_t class_of[257];

	for (unsigned i = 0; i < 256; i++) {
		char name[8];
		snprintf(name, sizeof(name), "%u", i);
		struct vly_region_prefix prefix = {.high = (uint64_t)(0x0a010000 | i << 8) << 32,
						   .region = vly_region_number(&list.names, name) &
							     0xffffff,
						   .bits = 24};
		cr_assert_eq(vly_region_list_add(&list, VLY_FAMILY_IPV4, &prefix), 0);
	}
	for (unsigned i = 0; i < 257; i++)
		class_of[i] = i;
	cr_assert_eq(vly_region_list_settle(&list, &twins), 0);
	cr_assert_eq(vly_partition_make(&partition, &list), 0);
	cr_assert_eq(vly_client_map_build(&built, &partition, class_of, 257), 0);
	struct vly_client_map *map = vly_model_write(&built);
	for (unsigned i = 0; i < 256; i++) {
		vly_client_map_begin4(map, 0x0a010007 | i << 8, &cursor);
		cr_assert(!vly_client_map_step(map, &cursor));
		cr_assert(vly_client_map_step(map, &cursor) || vly_client_map_step(map, &cursor));
		cr_assert_eq(cursor.leaf, VLY_CLIENT_LEAF(i + 1, 24));
	}
	free(map);
	vly_built_map_free(&built);
	vly_partition_free(&partition);
	vly_region_list_free(&list);
}
