/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which images become one: these tests copy nothing, but count what would be copied. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "living/living_parts.h"

#define IMAGES_MAX 200

static struct vly_live_image store[IMAGES_MAX];
static struct vly_living_image image[IMAGES_MAX];
static uint32_t image_cnt;

static void
add(uint64_t bytes, uint32_t zone_cnt, uint32_t layer_cnt)
{
	cr_assert_lt(image_cnt, IMAGES_MAX, "too many images");
	store[image_cnt] = (struct vly_live_image){
		.bytes = bytes, .zone_cnt = zone_cnt, .layer_cnt = layer_cnt};
	image[image_cnt] = (struct vly_living_image){.image = &store[image_cnt]};
	image_cnt++;
}

/* Makes the chosen images one. Returns how many zones were copied. */
static uint32_t
pack(void)
{
	uint64_t bytes = 0;
	uint32_t layer_cnt = 0;
	uint32_t kept = 0;

	if (vly_pack_choose(image, image_cnt) == 0)
		return 0;
	for (uint32_t i = 0; i < image_cnt; i++)
		if (image[i].is_chosen) {
			layer_cnt += store[i].layer_cnt;
			bytes += store[i].bytes / store[i].zone_cnt * store[i].layer_cnt;
		} else {
			store[kept] = store[i];
			image[kept] = (struct vly_living_image){.image = &store[kept]};
			kept++;
		}
	image_cnt = kept;
	if (layer_cnt > 0)
		add(bytes, layer_cnt, layer_cnt);
	return layer_cnt;
}

Test(pack_choice, many_single_changes_end_in_few_images_and_few_copies)
{
	static const uint32_t changes = 1000000;
	uint64_t copied = 0;
	uint32_t most = 0;

	for (uint32_t i = 0; i < changes; i++) {
		add(1024, 1, 1);
		copied += pack();
		most = image_cnt > most ? image_cnt : most;
	}
	cr_expect_leq(most, 80);
	cr_expect_leq(copied, UINT64_C(5) * changes);
}

Test(pack_choice, large_images_stay)
{
	for (unsigned i = 0; i < 100; i++)
		add(UINT64_C(300) << 20, 10, 10);
	cr_expect_eq(vly_pack_choose(image, image_cnt), 0);
}

Test(pack_choice, large_images_are_not_copied_for_small_ones)
{
	add(UINT64_C(100) << 20, 1, 1);
	for (unsigned i = 0; i < 15; i++)
		add(1024, 1, 1);
	cr_expect_eq(vly_pack_choose(image, image_cnt), 0);
	add(1024, 1, 1);
	cr_expect_eq(vly_pack_choose(image, image_cnt), 16);
	cr_expect_not(image[0].is_chosen);
}

Test(pack_choice, garbage_goes_with_a_pack)
{
	add(UINT64_C(100) << 20, 1000, 499);
	add(UINT64_C(100) << 20, 1000, 500);
	for (unsigned i = 0; i < 16; i++)
		add(1024, 1, 1);
	cr_expect_eq(vly_pack_choose(image, image_cnt), 17);
	cr_expect(image[0].is_chosen);
	cr_expect_not(image[1].is_chosen);
}

Test(pack_choice, what_is_left_of_a_large_image_moves_in_parts)
{
	add(UINT64_C(1) << 30, 100000, 50000);
	cr_expect_eq(vly_pack_choose(image, image_cnt), 0, "half of it is answered");
	store[0].layer_cnt--;
	cr_expect_eq(vly_pack_choose(image, image_cnt), 1);
	/* 256 MiB of 1 GiB */
	cr_expect_geq(vly_pack_zones_max(&image[0]), 25000);
	cr_expect_leq(vly_pack_zones_max(&image[0]), 25100);
	add(UINT64_C(1) << 30, 100000, 1);
	cr_expect_eq(vly_pack_choose(image, image_cnt), 1, "one at a time");
	store[0].is_kept = true;
	cr_expect_eq(vly_pack_choose(image, image_cnt), 1);
	cr_expect(image[1].is_chosen);
}

Test(pack_choice, other_images_move_as_a_whole)
{
	add(UINT64_C(256) << 20, 100000, 10);
	add(UINT64_C(1) << 30, 100000, 99999);
	cr_expect_eq(vly_pack_zones_max(&image[0]), UINT32_MAX);
	store[1].is_stale = true;
	cr_expect_eq(vly_pack_zones_max(&image[1]), UINT32_MAX);
	store[1].is_stale = false;
	store[1].zone_cnt = 1;
	cr_expect_eq(vly_pack_zones_max(&image[1]), 1);
}

Test(pack_choice, removed_zones_go_whatever_the_size)
{
	add(UINT64_C(300) << 20, 10, 9);
	store[0].is_stale = true;
	cr_expect_eq(vly_pack_choose(image, image_cnt), 1);
	store[0].is_kept = true;
	cr_expect_eq(vly_pack_choose(image, image_cnt), 0);
}
