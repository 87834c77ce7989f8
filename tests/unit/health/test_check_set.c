/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of checks, none of which runs. What becomes of runs is tested with the program. */
#include <stdio.h>

#include <criterion/criterion.h>

#include "check_set.h"

static struct vly_check_set *set;
static uv_loop_t loop;

static void
on_news(void *arg, bool is_urgent)
{
	(void)arg;
	(void)is_urgent;
}

static void
begin(void)
{
	/* with no run at a time, nothing begins */
	const struct vly_check_set_settings settings = {
		.loop = &loop, .running_max = 0, .start_rate = 1, .on_news = on_news};

	uv_loop_init(&loop);
	set = vly_check_set_new(&settings);
	cr_assert_not_null(set);
}

static void
end(void)
{
	vly_check_set_free(set);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_expect_eq(uv_loop_close(&loop), 0);
}

TestSuite(check_set, .init = begin, .fini = end);

/* Adds checks from the number `from` on; returns how many are taken. */
static unsigned
add(unsigned from, unsigned cnt)
{
	unsigned taken = 0;

	for (unsigned i = from; i < from + cnt; i++) {
		struct vly_health_check check = {.type = VLY_HEALTH_ICMP};
		struct vly_health_state known = {0};
		snprintf(known.id, sizeof(known.id), "%x", i);
		taken += vly_check_set_add(set, &check, &known) == NULL;
	}
	return taken;
}

static unsigned
count(void)
{
	struct vly_check_set_counts counts;

	vly_check_set_count(set, &counts);
	return counts.checks;
}

Test(check_set, a_full_list_replaces_a_full_list)
{
	for (unsigned i = 0; i < 3; i++) {
		vly_check_set_begin(set);
		cr_expect_eq(add(i * VLY_HEALTH_CHECKS_MAX, VLY_HEALTH_CHECKS_MAX),
			     VLY_HEALTH_CHECKS_MAX);
		vly_check_set_end(set);
		cr_expect_eq(count(), VLY_HEALTH_CHECKS_MAX);
	}
}

Test(check_set, more_than_a_full_list)
{
	vly_check_set_begin(set);
	cr_expect_eq(add(0, VLY_HEALTH_CHECKS_MAX + 2), VLY_HEALTH_CHECKS_MAX);
	cr_expect_eq(add(0, 2), 2, "those that are there");
	vly_check_set_end(set);
	cr_expect_eq(count(), VLY_HEALTH_CHECKS_MAX);
}

Test(check_set, lists_that_do_not_end)
{
	vly_check_set_begin(set);
	cr_expect_eq(add(0, 3), 3);
	vly_check_set_end(set);
	for (unsigned i = 1; i < 9; i++) {
		vly_check_set_begin(set);
		cr_expect_eq(add(10 * i, 5), 5);
		cr_expect_eq(count(), 8, "those that run, and the last list's");
	}
	vly_check_set_begin(set);
	cr_expect_eq(add(1, 1), 1);
	vly_check_set_end(set);
	cr_expect_eq(count(), 1);
}
