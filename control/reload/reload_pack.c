/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Moves zones together. A zone that is reloaded alone, or that a directory adds, is in an image of its own. When
 * there are many images of about the same size, their zones are copied into one; so each zone is copied once for
 * each size, and the number of images grows with the logarithm of that of changes. An image with more garbage
 * than zones goes the same way, so that at most half of the memory of images is garbage, besides the smallest
 * images.
 */
#include <stdlib.h>

#include "image_source.h"
#include "reload_parts.h"

/* Images of one size that become one. Smaller: zones are copied more often. Larger: more images, which take
 * descriptors, and names take longer to find. */
#define PACK_WIDTH 32

/* Sizes, each PACK_WIDTH times the one before: 32 KiB, 1 MiB, 32 MiB. Larger images are left alone, but for
 * their garbage. */
#define FIRST_SIZE_BYTES (UINT64_C(32) << 10)
#define SIZES            3

/* Garbage of smaller images is not worth a copy. */
#define GARBAGE_BYTES_MIN (UINT64_C(1) << 20)

/* The size that an image has, or SIZES. */
static unsigned
size_of(const struct vly_live_image *image)
{
	uint64_t max = FIRST_SIZE_BYTES;
	unsigned size = 0;

	for (; size < SIZES && image->bytes > max; size++)
		max *= PACK_WIDTH;
	return size;
}

static bool
is_mostly_garbage(const struct vly_image_use *use)
{
	return use->image->bytes >= GARBAGE_BYTES_MIN && use->zone_cnt < use->image->zone_cnt / 2;
}

/* The size whose images are to become one; SIZES: none. */
static unsigned
choose_size(const struct vly_served_zones *served)
{
	const struct vly_image_uses *uses = &served->uses;
	uint32_t cnt[SIZES + 1] = {0};
	unsigned size = 0;

	for (uint32_t i = 0; i < uses->cnt; i++)
		cnt[size_of(uses->use[i].image)] += !uses->use[i].image->is_kept;
	while (size < SIZES && cnt[size] < PACK_WIDTH)
		size++;
	return size;
}

bool
vly_reload_pack_is_due(const struct vly_served_zones *served)
{
	const struct vly_image_uses *uses = &served->uses;

	if (choose_size(served) < SIZES)
		return true;
	for (uint32_t i = 0; i < uses->cnt; i++)
		if (is_mostly_garbage(&uses->use[i]) && !uses->use[i].image->is_kept)
			return true;
	return false;
}

/* Marks the images whose zones move; returns how many zones these have. */
static uint32_t
mark_images(const struct vly_served_zones *served)
{
	const struct vly_image_uses *uses = &served->uses;
	const unsigned size = choose_size(served);
	uint32_t zone_cnt = 0;

	for (uint32_t i = 0; i < uses->cnt; i++) {
		const struct vly_image_use *use = &uses->use[i];
		use->image->is_moving =
			!use->image->is_kept &&
			(is_mostly_garbage(use) || (size < SIZES && size_of(use->image) <= size));
		zone_cnt += use->image->is_moving ? use->zone_cnt : 0;
	}
	return zone_cnt;
}

/* One image whose zones are chosen. */
struct choice {
	struct vly_reload *reload;
	const struct vly_live_image *image;
	uint32_t max;
};

/* A zone with an error stays where it is, as vly_reload_keep() does not have it copied. */
static void
choose(void *arg, const char *name)
{
	const struct choice *choice = arg;
	struct vly_reload *reload = choice->reload;
	struct vly_served_zone *zone = vly_served_zones_find(reload->target, name);

	if (zone && !zone->error && zone->image == choice->image && !zone->is_living &&
	    !zone->is_adopted && reload->zone_cnt < choice->max)
		reload->zones[reload->zone_cnt++] = zone;
}

void
vly_reload_choose_pack(struct vly_reload *reload)
{
	const struct vly_image_uses *uses = &reload->target->uses;
	const uint32_t max = mark_images(reload->target);

	reload->zones = calloc(max + 1, sizeof(struct vly_served_zone *));
	for (uint32_t i = 0; reload->zones && i < uses->cnt; i++) {
		struct vly_live_image *image = uses->use[i].image;
		const uint32_t before = reload->zone_cnt;
		struct choice choice = {reload, image, max};
		if (!image->is_moving || vly_image_each_zone(image, choose, &choice) == 0)
			continue;
		reload->zone_cnt = before;
		image->is_moving = false;
		image->is_kept = true;
	}
}

void
vly_reload_give_up_pack(const struct vly_reload *reload)
{
	const struct vly_image_uses *uses = &reload->target->uses;

	for (uint32_t i = 0; i < uses->cnt; i++)
		uses->use[i].image->is_kept |= uses->use[i].image->is_moving;
}
