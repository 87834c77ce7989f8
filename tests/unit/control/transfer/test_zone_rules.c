/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "transfer/zone_rules.h"

#define ZONES 3000

Test(zone_rules, zones_are_found_by_name)
{
	static struct vly_config_zone zones[ZONES];
	static char names[ZONES][16];
	struct vly_config config = {.zones = zones, .zone_cnt = ZONES};
	struct vly_zone_rules rules = {0};
	static char member[] = "member.", seventh[] = "z7.";
	struct vly_config_zone extra = {.name = member}, other = {.name = seventh};

	cr_expect_null(vly_zone_rules_find(&rules, "z1."));
	for (unsigned i = 0; i < ZONES; i++) {
		snprintf(names[i], sizeof(names[i]), "z%u.", i);
		zones[i].name = names[i];
	}
	cr_assert_eq(vly_zone_rules_configure(&rules, &config), 0);
	for (unsigned i = 0; i < ZONES; i++)
		cr_assert_eq(vly_zone_rules_find(&rules, names[i]), &zones[i]);
	cr_expect_null(vly_zone_rules_find(&rules, "member."));
	cr_assert_eq(vly_zone_rules_add(&rules, &extra), 0);
	cr_assert_eq(vly_zone_rules_add(&rules, &other), 0);
	cr_expect_eq(vly_zone_rules_find(&rules, "member."), &extra);
	cr_expect_eq(vly_zone_rules_find(&rules, "z7."), &other);
	/* another configuration; what was added stays */
	config.zone_cnt = 1;
	cr_assert_eq(vly_zone_rules_configure(&rules, &config), 0);
	cr_expect_eq(vly_zone_rules_find(&rules, "z0."), &zones[0]);
	cr_expect_null(vly_zone_rules_find(&rules, "z1."));
	cr_expect_eq(vly_zone_rules_find(&rules, "member."), &extra);
	cr_assert_eq(vly_zone_rules_add(&rules, &extra), 0); /* again */
	vly_zone_rules_remove(&rules, "member.");
	vly_zone_rules_remove(&rules, "member.");
	cr_expect_null(vly_zone_rules_find(&rules, "member."));
	vly_zone_rules_free(&rules);
}
