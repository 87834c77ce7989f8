/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "plan.h"

#define MIB (UINT64_C(1) << 20)

Test(plan, nothing)
{
	uint64_t bytes = 0;
	uint32_t group;

	cr_expect_eq(vly_plan_groups(&bytes, 0, 1, &group), 0);
}

Test(plan, large_zones_stand_alone_and_small_ones_share)
{
	const uint64_t bytes[] = {
		100, VLY_PLAN_OWN_IMAGE_BYTES, 200, VLY_PLAN_OWN_IMAGE_BYTES - 1, 900 * MIB, 0};
	const uint32_t wanted[] = {0, 1, 0, 0, 2, 0};
	uint32_t group[6];

	cr_expect_eq(vly_plan_groups(bytes, 6, 100, group), 3);
	cr_expect_arr_eq(group, wanted, sizeof(wanted));
}

Test(plan, a_full_image_begins_the_next)
{
	uint64_t bytes[12];
	uint32_t group[12];

	for (int i = 0; i < 12; i++)
		bytes[i] = 10 * MIB;
	cr_expect_eq(vly_plan_groups(bytes, 12, 100, group), 2);
	cr_expect_eq(group[5], 0);
	cr_expect_eq(group[6], 1);
	cr_expect_eq(group[11], 1);
}

Test(plan, fits_into_few_images_when_it_must)
{
	uint64_t bytes[50];
	uint32_t group[50];

	for (int i = 0; i < 50; i++)
		bytes[i] = (uint64_t)(i + 1) * 16 * MIB;
	for (uint32_t max = 50; max >= 1; max--) {
		uint32_t cnt = vly_plan_groups(bytes, 50, max, group);
		cr_expect_leq(cnt, max);
		for (int i = 0; i < 50; i++)
			cr_expect_lt(group[i], cnt);
	}
}

Test(plan, a_million_small_zones)
{
	uint32_t cnt = 1000000;
	uint64_t *bytes = calloc(cnt, sizeof(*bytes));
	uint32_t *group = calloc(cnt, sizeof(*group));

	for (uint32_t i = 0; i < cnt; i++)
		bytes[i] = 500;
	uint32_t group_cnt = vly_plan_groups(bytes, cnt, 4096, group);
	cr_expect_geq(group_cnt, 8);
	cr_expect_leq(group_cnt, 32);
	free(bytes);
	free(group);
}
