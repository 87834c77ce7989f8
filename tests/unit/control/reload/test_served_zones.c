/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reload/served_zones.h"

/* A configuration with zones a., b., ... from a file, as the served zones owns what libcyaml
 * allocated.
 */
static struct vly_config *
make_config(const char *names)
{
	char path[] = "/tmp/volley-served-XXXXXX";
	struct vly_config_errors errors;
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	dprintf(fd, *names ? "zones:\n" : "zones: []\n");
	for (; *names; names++)
		dprintf(fd, "- {name: %c, file: /z/%c}\n", *names, *names);
	close(fd);
	struct vly_config *config = vly_config_load(path, &errors);
	unlink(path);
	cr_assert_not_null(config, "%s", errors.cnt ? errors.text[0] : "");
	return config;
}

static struct vly_live_image *
make_image(void)
{
	struct vly_live_image *image =
		vly_live_image_new(vly_live_image_next_id(), open("/dev/null", O_RDONLY), 1, 1);

	cr_assert_not_null(image);
	return image;
}

static void
stage(struct vly_served_zones *served, const char *name, struct vly_live_image *image)
{
	struct vly_load_item item = {.info = {.serial = image ? 1 : 0}};
	struct vly_served_zone *zone = vly_served_zones_find(served, name);

	cr_assert_not_null(zone);
	if (image)
		item.image = vly_live_image_get(image);
	else
		item.error = calloc(1, sizeof(*item.error));
	vly_served_zones_stage(served, zone, &item);
}

static uint32_t
image_cnt(const struct vly_served_zones *served)
{
	struct vly_image_list *list = vly_served_zones_images(served);

	cr_assert_not_null(list);
	for (uint32_t i = 1; i < list->cnt; i++)
		cr_expect_gt(list->image[i - 1]->id, list->image[i]->id);
	uint32_t cnt = list->cnt;
	vly_image_list_free(list);
	return cnt;
}

static struct vly_served_zones *
make_loaded(const char *names)
{
	struct vly_served_zones *served = vly_served_zones_new(make_config(names));
	struct vly_live_image *image = make_image();

	cr_assert_not_null(served);
	for (unsigned i = 0; i < served->config->zone_cnt; i++)
		stage(served, served->zones[i].name, image);
	vly_live_image_put(image);
	vly_served_zones_accept(served);
	return served;
}

Test(served, shared_images_are_listed_once)
{
	struct vly_served_zones *served = make_loaded("abc");

	cr_expect_eq(served->loaded_cnt, 3);
	cr_expect_eq(image_cnt(served), 1);
	cr_expect_eq(served->zones[0].image->refs, 3);
	vly_served_zones_free(served);
}

Test(served, a_failed_zone_keeps_its_old_version)
{
	struct vly_served_zones *served = make_loaded("ab");
	struct vly_live_image *image = make_image();
	const struct vly_live_image *old = served->zones[1].image;

	stage(served, "a.", image);
	stage(served, "b.", NULL);
	cr_expect_eq(image_cnt(served), 2);
	vly_served_zones_accept(served);
	cr_expect_eq(served->zones[0].image, image);
	cr_expect_eq(served->zones[1].image, old);
	cr_expect_eq(served->failed_cnt, 1);
	cr_expect_eq(served->loaded_cnt, 2);

	stage(served, "b.", image);
	vly_served_zones_accept(served);
	cr_expect_eq(image_cnt(served), 1, "nobody needs the old image");
	cr_expect_eq(served->failed_cnt, 0);
	vly_live_image_put(image);
	vly_served_zones_free(served);
}

Test(served, a_refusal_changes_nothing_but_the_errors)
{
	struct vly_served_zones *served = make_loaded("ab");
	const struct vly_live_image *old = served->zones[0].image;
	struct vly_live_image *image = make_image();

	stage(served, "a.", image);
	vly_served_zones_refuse(served, "no room");
	cr_expect_eq(served->zones[0].image, old);
	cr_expect_str_eq(served->zones[0].error->text, "no room");
	cr_expect_null(served->zones[1].error);
	cr_expect_eq(image->refs, 1);
	vly_live_image_put(image);
	vly_served_zones_free(served);
}

static uint32_t
remnant_cnt(const struct vly_served_zones *live, const struct vly_served_zones *next)
{
	struct vly_image_list *list = vly_served_zones_images(next);
	uint32_t cnt;

	cr_assert_not_null(list);
	cnt = vly_served_zones_remnants(live, next, list);
	vly_image_list_free(list);
	return cnt;
}

Test(served, a_successor_takes_what_is_there)
{
	struct vly_served_zones *live = make_loaded("abc");
	struct vly_served_zones *next = vly_served_zones_successor(live, make_config("cd"));
	struct vly_live_image *image = make_image();

	cr_assert_not_null(next);
	cr_expect_eq(next->loaded_cnt, 1);
	cr_expect_eq(vly_served_zones_find(next, "c.")->image, live->zones[2].image);
	cr_expect_null(vly_served_zones_find(next, "a."));

	/* c. fails, so its old image stays, and with it a. and b. */
	stage(next, "c.", NULL);
	stage(next, "d.", image);
	cr_expect_eq(image_cnt(next), 2);
	cr_expect_eq(remnant_cnt(live, next), 2);

	struct vly_load_item again = {.image = vly_live_image_get(image)};
	vly_served_zones_stage(next, vly_served_zones_find(next, "c."), &again);
	cr_expect_eq(image_cnt(next), 1);
	cr_expect_eq(remnant_cnt(live, next), 0);
	vly_served_zones_accept(next);
	vly_served_zones_free(live);
	cr_expect_eq(next->loaded_cnt, 2);
	vly_live_image_put(image);
	vly_served_zones_free(next);
}
