/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include <volley/image.h>

#include "reload/plan.h"
#include "zone/domain.h"

#define MIB (UINT64_C(1) << 20)

static const struct vly_hash_key key = {{UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210),
					 UINT64_C(0x5851f42d4c957f2d),
					 UINT64_C(0x14057b7ef767814f)}};

static uint32_t
plan(const struct vly_plan_zone *zone, uint32_t cnt, uint32_t group_max, uint32_t *group)
{
	return vly_plan_groups(zone, cnt, &key, group_max, group);
}

/* So many zones of one size; names as `format` makes them of a number. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static struct vly_plan_zone *
make_zones(uint32_t cnt, uint64_t file_bytes, const char *format)
{
	struct vly_plan_zone *zone = calloc(cnt, sizeof(*zone));
	char *name;

	cr_assert_not_null(zone);
	for (uint32_t i = 0; i < cnt; i++) {
		cr_assert(asprintf(&name, format, i) > 0);
		zone[i] = (struct vly_plan_zone){file_bytes, name};
	}
	return zone;
}

static void
free_zones(struct vly_plan_zone *zone, uint32_t cnt)
{
	for (uint32_t i = 0; i < cnt; i++)
		free((void *)(uintptr_t)zone[i].name);
	free(zone);
}

/* The slice that a zone's last labels make. */
static uint32_t
slice_of(const struct vly_plan_zone *zone, unsigned labels)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	struct vly_name name;

	cr_assert_neq(vly_name_scan(&name, wire, vly_domain_wire(zone->name, wire)), 0);
	vly_name_hash(&name, &key);
	return vly_image_slice(name.hash[name.label_cnt - labels]);
}

/* Zones of a slice are in one group, and groups do not cost more than they may. */
static void
expect_whole_slices(const struct vly_plan_zone *zone, uint32_t cnt, unsigned labels,
		    const uint32_t *group, uint32_t group_cnt)
{
	uint32_t group_of[VLY_IMAGE_SLICES];
	uint64_t *bytes = calloc(group_cnt, sizeof(*bytes));

	cr_assert_not_null(bytes);
	memset(group_of, 0xff, sizeof(group_of));
	for (uint32_t i = 0; i < cnt; i++) {
		uint32_t slice = slice_of(&zone[i], labels);
		cr_assert_lt(group[i], group_cnt);
		if (group_of[slice] == UINT32_MAX)
			group_of[slice] = group[i];
		cr_assert_eq(group[i], group_of[slice], "%s", zone[i].name);
		bytes[group[i]] += zone[i].file_bytes + VLY_PLAN_ZONE_BYTES;
	}
	for (uint32_t i = 0; i < group_cnt; i++)
		cr_expect_leq(bytes[i], VLY_PLAN_SHARED_IMAGE_BYTES);
	free(bytes);
}

Test(plan, nothing)
{
	struct vly_plan_zone zone = {0};
	uint32_t group;

	cr_expect_eq(plan(&zone, 0, 1, &group), 0);
}

Test(plan, large_zones_stand_alone_and_small_ones_share)
{
	const struct vly_plan_zone zone[] = {
		{100, "a."},       {VLY_PLAN_OWN_IMAGE_BYTES, "b."},
		{200, "c.d."},     {VLY_PLAN_OWN_IMAGE_BYTES - 1, "e."},
		{900 * MIB, "f."}, {0, "."},
	};
	const uint32_t wanted[] = {0, 1, 0, 0, 2, 0};
	uint32_t group[6];

	cr_expect_eq(plan(zone, 6, 100, group), 3);
	cr_expect_arr_eq(group, wanted, sizeof(wanted));
}

Test(plan, a_full_image_begins_the_next)
{
	struct vly_plan_zone *zone = make_zones(600, MIB, "%u.example.");
	uint32_t group[600];

	uint32_t group_cnt = plan(zone, 600, 100, group);
	cr_expect_geq(group_cnt, 600 / 63);
	cr_expect_leq(group_cnt, 600 / 60 + 1);
	expect_whole_slices(zone, 600, 2, group, group_cnt);
	free_zones(zone, 600);
}

Test(plan, fits_into_few_images_when_it_must)
{
	struct vly_plan_zone *zone = make_zones(50, 0, "%u.");
	uint32_t group[50];

	for (int i = 0; i < 50; i++)
		zone[i].file_bytes = (uint64_t)(i + 1) * 16 * MIB;
	for (uint32_t max = 50; max >= 1; max--) {
		uint32_t cnt = plan(zone, 50, max, group);
		cr_expect_leq(cnt, max);
		for (int i = 0; i < 50; i++)
			cr_expect_lt(group[i], cnt);
	}
	free_zones(zone, 50);
}

Test(plan, a_million_small_zones)
{
	uint32_t cnt = 1000000;
	struct vly_plan_zone *zone = make_zones(cnt, 500, "zone-%u.example.");
	uint32_t *group = calloc(cnt, sizeof(*group));

	uint32_t group_cnt = plan(zone, cnt, 4096, group);
	cr_expect_geq(group_cnt, 8);
	cr_expect_leq(group_cnt, 32);
	expect_whole_slices(zone, cnt, 2, group, group_cnt);
	free_zones(zone, cnt);
	free(group);
}

/* Zones below such as have the common depth go with them; the few above it go anywhere. */
Test(plan, zones_below_one_another_share)
{
	enum { CNT = 30000 };
	struct vly_plan_zone *zone = make_zones(CNT, 9000, "%u.");
	uint32_t *group = calloc(CNT, sizeof(*group));

	for (uint32_t i = 0; i < CNT; i++) {
		static const char *const format[] = {"%u.example.", "a.%u.example.",
						     "b.a.%u.example."};
		char *name;
		if (i % 100 == 0)
			continue;
		free((void *)(uintptr_t)zone[i].name);
		cr_assert(asprintf(&name, format[i % 3], i / 3) > 0);
		zone[i].name = name;
	}
	uint32_t group_cnt = plan(zone, CNT, 4096, group);
	cr_expect_geq(group_cnt, 4);
	for (uint32_t i = 0; i + 2 < CNT; i += 3)
		if (i % 100 != 0 && (i + 1) % 100 != 0)
			cr_expect_eq(group[i], group[i + 1], "%s", zone[i].name);
	free_zones(zone, CNT);
	free(group);
}
