/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Members become zones by templates. */
#include "catalog/member_template.h"
#include "catalog_text.h"

#define WORD(text) ((char[]){text})

static struct vly_config_template templates[] = {
	{.name = WORD("plain"), .file = WORD("dir/%s.zone")},
	{.name = WORD("alive"), .file = WORD("%s"), .living = WORD("true")},
	{.name = WORD("fed"), .feed = {.primary_cnt = 1}},
	{.name = WORD("nothing")},
};

static struct vly_config_catalog_template choices[] = {
	{.group = WORD("g1"), .template = WORD("alive")},
	{.template = WORD("plain")},
	{.group = WORD("g2"), .template = WORD("fed")},
	{.group = WORD("g3"), .template = WORD("nothing")},
};

static struct vly_config_feed consumer = {
	.catalog_templates = choices, .catalog_template_cnt = 4, .role = VLY_CATALOG_CONSUMER};
static struct vly_config_feed producer = {.role = VLY_CATALOG_PRODUCER};
static struct vly_config_zone zones[] = {{.name = WORD("other.")},
					 {.name = WORD("made."), .feed = &producer},
					 {.name = WORD("cat."), .feed = &consumer}};
static struct vly_config config = {
	.zones = zones, .zone_cnt = 3, .templates = templates, .template_cnt = 4};

static enum vly_member_problem
make(const char *lines, const char *template, const char *expected_file)
{
	struct vly_member_templates made;
	struct vly_config_zone zone;
	char reason[VLY_REASON_BYTES];
	char file[PATH_MAX];
	struct vly_catalog *catalog = catalog_from_text("cat.", lines, reason);

	cr_assert(catalog, "%s", reason);
	cr_assert_eq(vly_member_templates_make(&made, &config, "cat."), 0);
	enum vly_member_problem problem =
		vly_member_zone_make(&made, catalog->member[0], &zone, file);
	cr_expect_str_eq(zone.name, catalog->member[0]->zone);
	if (problem == VLY_MEMBER_NO_PROBLEM) {
		cr_expect_str_eq(zone.template, template);
		cr_expect_str_eq(zone.file ? zone.file : "", expected_file);
		cr_expect_eq(vly_config_is_living(&zone), strcmp(template, "plain") != 0);
	}
	cr_expect_eq(*vly_member_problem_text(problem) == '\0', problem == VLY_MEMBER_NO_PROBLEM);
	vly_member_templates_free(&made);
	vly_catalog_free(catalog);
	return problem;
}

#define X VERSION "1.zones PTR x.test.\n"

Test(member_template, the_first_group_that_fits)
{
	cr_expect_eq(make(X, "plain", "dir/x.test.zone"), 0);
	cr_expect_eq(make(X "group.1.zones TXT unknown\n", "plain", "dir/x.test.zone"), 0);
	cr_expect_eq(make(X "group.1.zones TXT g2\n", "fed", ""), 0);
	cr_expect_eq(make(X "group.1.zones TXT g2\ngroup.1.zones TXT g1\n", "alive", "x.test"), 0);
	cr_expect_eq(make(X "group.1.zones TXT g3\n", "", ""), VLY_MEMBER_NO_SOURCE);
	config.zones[2].feed = &(struct vly_config_feed){.catalog_templates = choices,
							 .catalog_template_cnt = 1,
							 .role = VLY_CATALOG_CONSUMER};
	cr_expect_eq(make(X, "", ""), VLY_MEMBER_NO_TEMPLATE);
}

Test(member_template, a_name_leads_to_no_other_directory)
{
	cr_expect_eq(make(VERSION "1.zones PTR a/../../x.test.\n", "", ""), VLY_MEMBER_BAD_NAME);
	cr_expect_eq(make(VERSION "1.zones PTR .\n", "", ""), VLY_MEMBER_BAD_NAME);
	cr_expect_eq(make(VERSION "1.zones PTR \\.\\..x.\n", "plain", "dir/\\.\\..x.zone"), 0);
}

Test(member_template, only_what_is_consumed)
{
	struct vly_member_templates made;

	cr_assert_eq(vly_member_templates_make(&made, &config, "made."), 0);
	cr_expect_null(made.feed);
	cr_assert_eq(vly_member_templates_make(&made, &config, "none."), 0);
	cr_expect_null(made.feed);
}
