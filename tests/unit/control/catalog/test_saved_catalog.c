/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A catalog in a file of its own comes back as it was; what is damaged does not. */
#include "catalog/saved_catalog.h"

#include <sys/stat.h>
#include <unistd.h>

#include "catalog_text.h"

static char dir[] = "/tmp/vly-catalog-XXXXXX";
static char reason[VLY_REASON_BYTES];
static unsigned difference_cnt;

static void
note(void *arg, const struct vly_catalog_member *before, const struct vly_catalog_member *after)
{
	(void)arg;
	(void)before;
	(void)after;
	difference_cnt++;
}

static void
write_catalog(const char *name, const char *lines)
{
	struct vly_catalog *catalog = catalog_from_text(name, lines, reason);

	cr_assert(catalog, "%s", reason);
	cr_assert_eq(vly_saved_catalog_write(dir, catalog, reason), 0, "%s", reason);
	struct vly_catalog *again = vly_saved_catalog_read(dir, name, reason);
	cr_assert(again, "%s", reason);
	difference_cnt = 0;
	vly_catalog_compare(catalog, again, note, NULL);
	cr_expect_eq(difference_cnt, 0);
	cr_expect_eq(again->member_cnt, catalog->member_cnt);
	vly_catalog_free(catalog);
	vly_catalog_free(again);
}

static void
begin(void)
{
	cr_assert_not_null(mkdtemp(dir));
}

static void
end(void)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/catalogs", dir);
	cr_expect_eq(rmdir(path), 0);
	cr_expect_eq(rmdir(dir), 0);
}

TestSuite(saved_catalog, .init = begin, .fini = end);

Test(saved_catalog, comes_back)
{
	write_catalog("cat.", VERSION "1.zones PTR x.test.\ncoo.1.zones PTR other.\n"
				      "group.1.zones TXT a\ngroup.1.zones TXT b\n"
				      "9.zones PTR y.\n");
	write_catalog("a/b.cat.", VERSION);
	vly_saved_catalog_remove(dir, "cat.");
	cr_expect_null(vly_saved_catalog_read(dir, "cat.", reason));
	cr_expect_str_empty(reason);
	vly_saved_catalog_remove(dir, "a/b.cat.");
}

Test(saved_catalog, damaged_ones_are_refused)
{
	char path[100];

	write_catalog("cat.", VERSION "1.zones PTR x.test.\n2.zones PTR y.test.\n");
	snprintf(path, sizeof(path), "%s/catalogs/cat.", dir);
	cr_assert_eq(truncate(path, 30), 0);
	cr_expect_null(vly_saved_catalog_read(dir, "cat.", reason));
	cr_expect(strstr(reason, "damaged"), "%s", reason);
	cr_assert_eq(truncate(path, 0), 0);
	cr_expect_null(vly_saved_catalog_read(dir, "cat.", reason));
	vly_saved_catalog_remove(dir, "cat.");
}

Test(saved_catalog, no_directory_says_so)
{
	struct vly_catalog *catalog = catalog_from_text("cat.", VERSION, reason);

	cr_expect_eq(vly_saved_catalog_write("/nonexistent", catalog, reason), -1);
	cr_expect(strstr(reason, "/nonexistent/catalogs/cat."), "%s", reason);
	vly_catalog_free(catalog);
	vly_saved_catalog_remove(dir, "cat.");
	char path[100];
	snprintf(path, sizeof(path), "%s/catalogs", dir);
	cr_expect_eq(mkdir(path, 0700), 0);
}
