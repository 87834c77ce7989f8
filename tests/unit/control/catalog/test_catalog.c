/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records become members; what is broken is refused with its reason. */
#include "catalog_text.h"

static char reason[VLY_REASON_BYTES];

static struct vly_catalog *
read_lines(const char *lines)
{
	return catalog_from_text("cat.", lines, reason);
}

Test(catalog, members_are_sorted_by_zone)
{
	struct vly_catalog *catalog = read_lines(VERSION "b.zones PTR z.test.\n"
							 "group.b.zones TXT two\n"
							 "group.b.zones TXT one\n"
							 "coo.b.zones PTR Other.Cat.\n"
							 "a.zones PTR A.Test.\n");
	char label[VLY_CATALOG_LABEL_BYTES];

	cr_assert(catalog, "%s", reason);
	cr_assert_eq(catalog->member_cnt, 2);
	cr_expect_str_eq(catalog->name, "cat.");
	cr_expect_str_eq(catalog->member[0]->zone, "a.test.");
	cr_expect_null(catalog->member[0]->coo);
	const struct vly_catalog_member *member = vly_catalog_find(catalog, "z.test.");
	cr_assert_eq(member, catalog->member[1]);
	cr_expect_str_eq(member->coo, "other.cat.");
	cr_assert_eq(member->group_cnt, 2);
	cr_expect_str_eq(member->group[0], "one");
	cr_expect_str_eq(member->group[1], "two");
	cr_expect_str_eq(vly_catalog_label_text(member, label), "b");
	cr_expect_null(vly_catalog_find(catalog, "m.test."));
	cr_expect_null(vly_catalog_find(catalog, "zz.test."));
	vly_catalog_free(catalog);
}

Test(catalog, properties_may_come_before_the_member)
{
	struct vly_catalog *catalog =
		read_lines("group.a.zones TXT g\na.zones PTR a.test.\n" VERSION);

	cr_assert(catalog, "%s", reason);
	cr_expect_eq(catalog->member[0]->group_cnt, 1);
	vly_catalog_free(catalog);
}

Test(catalog, unknown_records_are_passed_over)
{
	struct vly_catalog *catalog = read_lines(VERSION "x.ext TXT y\n"
							 "version.ext TXT 9\n"
							 "a.zones PTR a.test.\n"
							 "a.zones TXT text\n"
							 "group.a.zones PTR b.test.\n"
							 "group.a.zones TXT one two\n"
							 "coo.a.zones TXT text\n"
							 "e.ext.a.zones TXT custom\n"
							 "serial.b.zones TXT 5\n"
							 "e.ext.c.zones PTR e.test.\n"
							 "version.version TXT 3\n"
							 "zones PTR b.test.\n"
							 "x.zoness PTR b.test.\n"
							 "a.b.c.d PTR b.test.\n");

	cr_assert(catalog, "%s", reason);
	cr_expect_eq(catalog->member_cnt, 1);
	cr_expect_eq(catalog->member[0]->group_cnt, 0);
	cr_expect_null(catalog->member[0]->coo);
	vly_catalog_free(catalog);
}

Test(catalog, records_of_other_zones_are_passed_over)
{
	struct vly_catalog_reader reader;
	uint8_t data[] = "\001"
			 "2";

	vly_catalog_begin(&reader, "cat.");
	/* ends as the apex does, but within a label */
	vly_catalog_take(&reader, (const uint8_t *)"\014version\003cat", 13, VLY_TYPE_TXT, data, 2);
	vly_catalog_take(&reader, (const uint8_t *)"\003cat", 5, VLY_TYPE_TXT, data, 2);
	vly_catalog_take(&reader, (const uint8_t *)"", 1, VLY_TYPE_TXT, data, 2);
	cr_expect_null(vly_catalog_end(&reader, reason));
	cr_expect(strstr(reason, "no TXT record at the name version"), "%s", reason);
}

Test(catalog, empty_catalog_is_good)
{
	struct vly_catalog *catalog = read_lines(VERSION);

	cr_assert(catalog, "%s", reason);
	cr_expect_eq(catalog->member_cnt, 0);
	vly_catalog_free(catalog);
}

static void
expect_broken(const char *lines, const char *why)
{
	struct vly_catalog *catalog = read_lines(lines);

	cr_expect_null(catalog, "%s", lines);
	cr_expect_str_eq(reason, why);
	vly_catalog_free(catalog);
}

Test(catalog, broken_ones_say_why)
{
	expect_broken("a.zones PTR a.test.\n",
		      "it has no TXT record at the name version, which must be \"2\"");
	expect_broken("version TXT 1\n", "its version is not \"2\"");
	expect_broken("version TXT 22\n", "its version is not \"2\"");
	expect_broken("version TXT 2 2\n", "its version is not \"2\"");
	expect_broken(VERSION "version TXT 1\n",
		      "it has more than one TXT record at the name version");
	expect_broken(VERSION "a.zones PTR a.test.\na.zones PTR b.test.\n",
		      "the member a.zones has more than one PTR record");
	expect_broken(VERSION "a.zones PTR a.test.\ncoo.a.zones PTR b.\ncoo.a.zones PTR c.\n",
		      "the member a.zones has more than one PTR record at coo");
	expect_broken(
		VERSION "group.a.zones TXT g\n",
		"the member a.zones has properties, but no PTR record with the name of a zone");
	expect_broken(VERSION "a.zones PTR CAT.\n", "the member a.zones is the catalog itself");
	expect_broken(VERSION "a.zones PTR x.test.\nb.zones PTR X.test.\nc.zones PTR c.test.\n",
		      "zone x.test. is in it twice: as a.zones and as b.zones");
}

/* The differences as text, such as "+a.test." */
static char differences[500];

static void
note(void *arg, const struct vly_catalog_member *before, const struct vly_catalog_member *after)
{
	(void)arg;
	strcat(differences, !before ? "+" : !after ? "-" : "!");
	strcat(differences, (before ? before : after)->zone);
}

static void
expect_differences(const char *before, const char *after, const char *expected)
{
	struct vly_catalog *left = before ? read_lines(before) : NULL;
	struct vly_catalog *right = after ? read_lines(after) : NULL;

	*differences = '\0';
	vly_catalog_compare(left, right, note, NULL);
	cr_expect_str_eq(differences, expected);
	vly_catalog_free(left);
	vly_catalog_free(right);
}

Test(catalog, differences)
{
	static const char ab[] = VERSION "1.zones PTR a.\n2.zones PTR b.\n";

	expect_differences(ab, ab, "");
	expect_differences(NULL, ab, "+a.+b.");
	expect_differences(ab, NULL, "-a.-b.");
	expect_differences(ab, VERSION "2.zones PTR b.\n3.zones PTR c.\n", "-a.+c.");
	expect_differences(ab, VERSION "9.zones PTR a.\n2.zones PTR b.\n", "!a.");
	expect_differences(ab, VERSION "2.zones PTR a.\n1.zones PTR b.\n", "!a.!b.");
	expect_differences(ab, VERSION "1.zones PTR a.\n2.zones PTR b.\ngroup.2.zones TXT g\n",
			   "!b.");
	expect_differences(ab, VERSION "1.zones PTR a.\n2.zones PTR b.\ncoo.1.zones PTR o.\n",
			   "!a.");
}
