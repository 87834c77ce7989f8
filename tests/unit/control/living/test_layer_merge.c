/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zones are merged out of an image of many, all of whose names are looked at once and not for each zone. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "living/layer_merge.h"
#include "zone_model.h"

static const struct vly_hash_key key = {{1, 2}};

/* An image of so many octets or more, with zones of random records. */
static struct vly_live_image *
make_image(uint64_t bytes, uint32_t zone_max)
{
	static struct vly_model model;
	struct vly_test_random random = {7};
	struct vly_image_builder *builder = vly_image_builder_new(&key);
	struct vly_built_image built;
	char apex[16];

	cr_assert_not_null(builder);
	for (uint32_t i = 0; i < zone_max && (i == 0 || vly_image_builder_bytes(builder) < bytes);
	     i++) {
		snprintf(apex, sizeof(apex), "z%u.", i);
		vly_model_begin(&model, apex, &random);
		for (unsigned step = 0; step < 20; step++)
			vly_model_change(&model, &random);
		vly_model_compile(&model, builder, 1);
	}
	cr_assert_eq(vly_image_builder_seal(builder, &built), 0);
	struct vly_live_image *image =
		vly_live_image_new(vly_live_image_next_id(), built.fd, built.bytes, built.zone_cnt);
	cr_assert_not_null(image);
	return image;
}

static void
copy_zone(struct vly_live_image *image, uint32_t zone_idx)
{
	const struct vly_living_layer layer = {
		.image = image, .zone_idx = zone_idx, .node_cnt = 1, .version = 1};
	struct vly_living_layer merged;
	struct vly_layer_merge merge;

	cr_assert_eq(vly_layer_merge_begin(&merge, &key), 0);
	cr_assert_eq(vly_layer_merge_add(&merge, &layer, 1, &merged), 0);
	struct vly_live_image *made = vly_layer_merge_end(&merge, vly_live_image_next_id(), false);
	cr_assert_not_null(made);
	cr_expect_eq(made->zone_cnt, 1);
	cr_expect_gt(merged.node_cnt, 1);
	vly_live_image_put(made);
}

Test(layer_merge, an_image_of_many_zones_is_looked_at_once)
{
	struct vly_live_image *image = make_image(UINT64_C(2) << 20, UINT32_MAX);
	const struct vly_living_layer layer = {.image = image, .node_cnt = 1, .version = 1};

	cr_assert_gt(image->zone_cnt, 10);
	cr_assert_gt(image->bytes, UINT64_C(1) << 20);
	cr_expect_not(vly_layer_merge_is_cheap(&layer, 1), "all names are looked at");
	copy_zone(image, 3);
	const struct vly_merge_index *index = image->index;
	cr_assert_not_null(index, "the index goes on");
	cr_expect(vly_layer_merge_is_cheap(&layer, 1));
	for (uint32_t i = 0; i < 10; i++)
		copy_zone(image, i);
	cr_expect_eq(image->index, index, "another one was made");
	vly_live_image_put(image);
}

Test(layer_merge, other_images_cost_what_the_zone_costs)
{
	struct vly_live_image *one = make_image(0, 1);
	struct vly_live_image *small = make_image(10000, 3);
	const struct vly_living_layer layers[] = {
		{.image = one, .node_cnt = 1, .version = 1},
		{.image = small, .node_cnt = 1, .version = 2, .below = 1},
	};

	cr_assert_eq(one->zone_cnt, 1);
	cr_assert_gt(small->zone_cnt, 1);
	cr_expect(vly_layer_merge_is_cheap(layers, 2));
	one->bytes = UINT64_C(1) << 30; /* the zone's own */
	cr_expect(vly_layer_merge_is_cheap(layers, 2));
	vly_live_image_put(one);
	vly_live_image_put(small);
}
