/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reload/loader.h"
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

/* Items stay in place until the load is accepted or refused; each test is a process of its own. */
static struct vly_load_item items[64];
static unsigned item_cnt;

static struct vly_load_item *
stage(struct vly_served_zones *served, const char *name, struct vly_live_image *image)
{
	struct vly_served_zone *zone = vly_served_zones_find(served, name);
	struct vly_load_item *item = &items[item_cnt++];

	cr_assert_not_null(zone);
	cr_assert_leq(item_cnt, sizeof(items) / sizeof(items[0]));
	item->info.serial = image ? 1 : 0;
	if (image)
		item->image = vly_live_image_get(image);
	else
		item->error = calloc(1, sizeof(*item->error));
	vly_served_zones_stage(served, zone, item);
	return item;
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
	for (unsigned i = 0; i < served->zone_cnt; i++)
		stage(served, served->zones[i]->name, image);
	vly_live_image_put(image);
	vly_served_zones_accept(served);
	return served;
}

Test(served, shared_images_are_listed_once)
{
	struct vly_served_zones *served = make_loaded("abc");

	cr_expect_eq(served->loaded_cnt, 3);
	cr_expect_eq(image_cnt(served), 1);
	cr_expect_eq(served->zones[0]->image->refs, 4, "three zones, and the list of images");
	vly_served_zones_free(served);
}

Test(served, a_failed_zone_keeps_its_old_version)
{
	struct vly_served_zones *served = make_loaded("ab");
	struct vly_live_image *image = make_image();
	const struct vly_live_image *old = served->zones[1]->image;

	stage(served, "a.", image);
	stage(served, "b.", NULL);
	cr_expect_eq(image_cnt(served), 2);
	vly_served_zones_accept(served);
	cr_expect_eq(served->zones[0]->image, image);
	cr_expect_eq(served->zones[1]->image, old);
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
	const struct vly_live_image *old = served->zones[0]->image;
	struct vly_live_image *image = make_image();

	struct vly_load_item *item = stage(served, "a.", image);
	cr_expect_eq(image_cnt(served), 2);
	vly_served_zones_refuse(served, "no room");
	cr_expect_eq(image_cnt(served), 1);
	vly_load_items_clear(item, 1);
	cr_expect_eq(served->zones[0]->image, old);
	cr_expect_str_eq(served->zones[0]->error->text, "no room");
	cr_expect_null(served->zones[1]->error);
	cr_expect_eq(image->refs, 1);
	vly_live_image_put(image);
	vly_served_zones_free(served);
}

static uint32_t
remnant_cnt(const struct vly_served_zones *live, const struct vly_served_zones *next)
{
	return vly_served_zones_remnants(live, next);
}

Test(served, a_successor_takes_what_is_there)
{
	struct vly_served_zones *live = make_loaded("abc");
	struct vly_served_zones *next = vly_served_zones_successor(live, make_config("cd"));
	struct vly_live_image *image = make_image();

	cr_assert_not_null(next);
	cr_expect_eq(next->loaded_cnt, 1);
	cr_expect_eq(vly_served_zones_find(next, "c.")->image, live->zones[2]->image);
	cr_expect_null(vly_served_zones_find(next, "a."));

	/* c. fails, so its old image stays, and with it a. and b. */
	stage(next, "c.", NULL);
	stage(next, "d.", image);
	cr_expect_eq(image_cnt(next), 2);
	cr_expect_eq(remnant_cnt(live, next), 2);

	stage(next, "c.", image);
	cr_expect_eq(image_cnt(next), 1);
	cr_expect_eq(remnant_cnt(live, next), 0);
	vly_served_zones_accept(next);
	vly_served_zones_free(live);
	cr_expect_eq(next->loaded_cnt, 2);
	vly_live_image_put(image);
	vly_served_zones_free(next);
}

Test(served, zones_come_and_go)
{
	struct vly_served_zones *served = make_loaded("ab");
	struct vly_served_zone *added = vly_served_zones_add(served, "c.", "/z/c");
	struct vly_live_image *image = make_image();
	uint32_t place = 0;

	cr_assert_not_null(added);
	cr_expect_str_eq(added->file, "/z/c");
	cr_expect_eq(vly_served_zones_find(served, "c."), added);
	cr_expect_not(vly_served_zones_are_complete(served));
	stage(served, "c.", image);
	cr_expect(vly_served_zones_are_complete(served));
	vly_served_zones_stage_removal(served, vly_served_zones_find(served, "a."));
	cr_expect_eq(image_cnt(served), 2, "b. needs the old image");
	vly_served_zones_accept(served);
	cr_expect_null(vly_served_zones_find(served, "a."));
	cr_expect_eq(served->zone_cnt, 2);
	cr_expect_eq(served->loaded_cnt, 2);
	cr_expect_str_eq(vly_served_zones_next(served, &place)->name, "b.");

	vly_served_zones_stage_removal(served, vly_served_zones_find(served, "c."));
	cr_expect_eq(image_cnt(served), 1);
	vly_served_zones_refuse(served, "no room");
	cr_expect_eq(image_cnt(served), 2, "a refused removal changes nothing");
	cr_expect_null(vly_served_zones_find(served, "c.")->error);
	vly_served_zones_stage_removal(served, vly_served_zones_find(served, "b."));
	vly_served_zones_stage_removal(served, vly_served_zones_find(served, "c."));
	vly_served_zones_accept(served);
	cr_expect_eq(image_cnt(served), 0);
	cr_expect_eq(served->zone_cnt, 0);
	place = 0;
	cr_expect_null(vly_served_zones_next(served, &place));
	cr_expect_eq(image->refs, 1);
	vly_live_image_put(image);
	vly_served_zones_free(served);
}

/* Compares the counts of images with a naive count, over random loads. */
Test(served, image_uses_follow_every_change)
{
	struct vly_served_zones *served = make_loaded("abcdefgh");
	uint32_t seed = 1;

	for (unsigned round = 0; round < 2000; round++) {
		struct vly_live_image *image = make_image();
		unsigned used[8] = {0};
		item_cnt = 0;
		for (unsigned i = 0; i < 8; i++) {
			seed = seed * 1664525 + 1013904223;
			if (seed >> 30 == 0)
				stage(served, served->zones[i]->name, image);
		}
		unsigned staged = item_cnt;
		if (seed >> 29 & 1) {
			vly_served_zones_accept(served);
		} else {
			vly_served_zones_refuse(served, "");
			vly_load_items_clear(items, staged);
		}
		vly_live_image_put(image);
		for (unsigned i = 0; i < 8; i++) {
			const struct vly_image_use *use =
				vly_image_uses_find(&served->uses, served->zones[i]->image);
			cr_assert_not_null(use);
			used[use - served->uses.use]++;
		}
		for (unsigned i = 0; i < served->uses.cnt; i++) {
			const struct vly_image_use *use = &served->uses.use[i];
			cr_assert_eq(use->zone_cnt, used[i]);
			cr_assert_eq(use->image->refs, used[i] + 1);
			cr_assert(i == 0 || use[-1].image->id < use->image->id);
		}
	}
	vly_served_zones_free(served);
}
