/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When produced catalogs are busy. */
#include "catalog/producers.h"
#include "living/living_parts.h"

#include "living/living_fixture.h"

/* Words of a configuration are not const. */
#define W(text) ((char *)(uintptr_t)(text))

static const struct vly_config_feed feed = {.role = VLY_CATALOG_PRODUCER};
static struct vly_config_zone zones[] = {{.name = W("one."), .feed = &feed},
					 {.name = W("two."), .feed = &feed}};
static const struct vly_config config = {.zones = zones, .zone_cnt = 2};

static unsigned problem_cnt;

static void
count(void *arg, const char *catalog, const char *problem)
{
	(void)arg;
	(void)catalog;
	(void)problem;
	problem_cnt++;
}

/* They must not be freed below a thread, whatever the others do. */
Test(producers, are_busy_while_a_thread_works_for_them)
{
	set_up_empty();
	adopt(write_zone); /* another zone */
	struct vly_producers *producers = vly_producers_new(&loop, &key, living);

	cr_assert_not_null(producers);
	cr_expect_not(vly_producers_is_busy(producers));
	uv_mutex_lock(&living->import_lock); /* as one that the loader is at */
	vly_producers_configure(producers, &config);
	cr_expect(vly_producers_is_busy(producers), "they look into the store");
	while (!living->import || !living->imports)
		uv_run(&loop, UV_RUN_ONCE);
	cr_expect(vly_producers_is_busy(producers), "one is imported, the other waits");
	cr_expect_not(vly_living_is_busy(living));
	uv_mutex_unlock(&living->import_lock);
	do {
		uv_run(&loop, UV_RUN_ONCE);
		problem_cnt = 0;
		vly_producers_problems(producers, count, NULL);
	} while (problem_cnt < 2); /* nobody has begun to answer them */
	cr_expect_not(vly_producers_is_busy(producers));
	cr_expect_null(living->import);
	vly_producers_free(producers);
	tear_down();
}
