/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which images are put on large pages, and when. Each of them counts as three such pages. */
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/large.h"
#include "image/image_set.h"
#include "server.h"

enum { PAGES = 3, IMAGES = 4 };

static struct vly_image_set set;
static unsigned copied_cnt;

bool __wrap_vly_large_copy_next(const void *block, size_t bytes, size_t *done_bytes);

bool
__wrap_vly_large_copy_next(const void *block, size_t bytes, size_t *done_bytes)
{
	(void)block;
	(void)bytes;
	if (*done_bytes == PAGES)
		return false;
	copied_cnt++;
	return ++*done_bytes < PAGES;
}

static void
add(uint64_t id, const char *name)
{
	const struct vly_test_zone zone = {name, VLY_TEST_APEX};
	struct vly_zone_error error;
	struct vly_image_error why = {0};
	int fd = vly_test_image_build(&zone, 1, &vly_test_key, &error);

	cr_assert_geq(fd, 0);
	cr_assert_eq(vly_image_set_add(&set, fd, id, &why), VLY_PUBLISH_OK, "%s", why.text);
	close(fd);
}

static void
commit(uint64_t *added, size_t added_cnt, uint64_t *removed, size_t removed_cnt)
{
	const struct vly_image_change change = {.added = added,
						.added_cnt = added_cnt,
						.removed = removed,
						.removed_cnt = removed_cnt};
	struct vly_image_error why = {0};
	uint32_t zone_cnt;

	cr_assert_eq(vly_image_set_commit(&set, &change, &zone_cnt, &why), VLY_PUBLISH_OK, "%s",
		     why.text);
}

/* As the loop does, until there is no more work. */
static void
enlarge_all(void)
{
	for (unsigned i = 0; vly_image_set_enlarge(&set); i++)
		cr_assert_lt(i, 2 * IMAGES * PAGES, "it has an end");
}

Test(image_set, zones_without_answers_come_first)
{
	add(5, "a.");
	cr_expect_eq(copied_cnt, 0);
	cr_expect(set.may_enlarge);
	commit((uint64_t[]){5}, 1, NULL, 0);
	enlarge_all();
	cr_expect_eq(copied_cnt, PAGES);
	cr_expect_not(set.may_enlarge);
	add(6, "a.");
	cr_expect_eq(copied_cnt, 2 * PAGES, "before its lcores answer from it");
	cr_expect_not(set.may_enlarge);
	vly_image_set_destroy(&set);
}

/* Ids come in any order. */
Test(image_set, an_image_that_comes_while_others_are_copied_is_copied_too)
{
	add(5, "a.");
	add(7, "b.");
	commit((uint64_t[]){5, 7}, 2, NULL, 0);
	for (unsigned i = 0; i < PAGES; i++)
		cr_assert(vly_image_set_enlarge(&set));
	cr_assert_eq(copied_cnt, PAGES + 1, "at the second image");
	add(4, "c.");
	add(9, "d.");
	cr_assert(vly_image_set_enlarge(&set));
	commit((uint64_t[]){4, 9}, 2, NULL, 0);
	enlarge_all();
	cr_expect_eq(copied_cnt, IMAGES * PAGES);
	cr_expect_not(set.may_enlarge);
	vly_image_set_destroy(&set);
}

Test(image_set, images_that_go_meanwhile_are_not_missed)
{
	add(5, "a.");
	add(7, "b.");
	add(9, "c.");
	commit((uint64_t[]){5, 7}, 2, NULL, 0);
	cr_assert(vly_image_set_enlarge(&set));
	commit(NULL, 0, (uint64_t[]){5}, 1); /* and the one that nobody has committed */
	enlarge_all();
	cr_expect_eq(copied_cnt, 1 + PAGES);
	cr_expect_not(set.may_enlarge);
	vly_image_set_destroy(&set);
}
