/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "living_parts.h"

/* Images of about the same size that become one. More: there are more images, each publication compares
 * longer lists, and the dataplane has more mappings. Fewer: zones are copied more often. */
#define IMAGES_PACKED 16

/* Sizes are told apart by so many bits: a packed image is of the next size, so that a zone is copied once
 * for each size, however many zones there are. */
#define SIZE_BITS 4
#define SIZE_CNT  5

/* Octets of an image of one small zone. */
#define SMALL_BYTES 4096

/* An image up to this size is packed with others, and so much of a larger one is copied at a time. Larger: a pack
 * keeps the merger busy for longer, about a second for each 500 MiB. */
#define PACKED_BYTES_MAX (UINT64_C(256) << 20)

/* Less than one in so many zones of an image are answered from it: the rest of its memory is garbage. */
#define GARBAGE_PART 2

static bool
is_garbage(const struct vly_living_image *entry)
{
	return entry->image->layer_cnt < entry->image->zone_cnt / GARBAGE_PART;
}

/* It has zones that were removed, and are answered as long as it stays: whatever its size. */
static bool
must_go(const struct vly_living_image *entry)
{
	return entry->image->is_stale && !entry->image->is_kept;
}

static bool
may_go(const struct vly_living_image *entry)
{
	return entry->image->bytes <= PACKED_BYTES_MAX && !entry->image->is_kept;
}

/* An image with all zones of a start may be as large as these. Once most of it is garbage, what is left moves out, a
 * part with each pack. */
static bool
is_large_garbage(const struct vly_living_image *entry)
{
	return entry->image->bytes > PACKED_BYTES_MAX && is_garbage(entry) &&
	       !entry->image->is_kept;
}

uint32_t
vly_pack_zones_max(const struct vly_living_image *entry)
{
	const struct vly_live_image *image = entry->image;
	const uint64_t each = image->bytes / (image->zone_cnt > 0 ? image->zone_cnt : 1);

	if (must_go(entry) || image->bytes <= PACKED_BYTES_MAX)
		return UINT32_MAX;
	return each < PACKED_BYTES_MAX ? (uint32_t)(PACKED_BYTES_MAX / each) : 1;
}

/* 0 .. SIZE_CNT - 1, by what copying the image costs. */
static unsigned
size_of(const struct vly_living_image *entry)
{
	uint64_t left = entry->image->bytes / SMALL_BYTES;
	unsigned size = 0;

	if (left < entry->image->layer_cnt)
		left = entry->image->layer_cnt;
	while (left >= (1u << SIZE_BITS) && size < SIZE_CNT - 1) {
		left >>= SIZE_BITS;
		size++;
	}
	return size;
}

/* The smallest size of which there are so many images that they become one; SIZE_CNT: there is none. */
static unsigned
find_full(const struct vly_living_image *image, uint32_t cnt)
{
	uint32_t have[SIZE_CNT] = {0};
	unsigned size = 0;

	for (uint32_t i = 0; i < cnt; i++)
		have[size_of(&image[i])] += may_go(&image[i]);
	while (size < SIZE_CNT && have[size] < IMAGES_PACKED)
		size++;
	return size;
}

uint32_t
vly_pack_choose(struct vly_living_image *image, uint32_t cnt)
{
	const unsigned full = find_full(image, cnt);
	bool has_large = false; /* one at a time */
	uint32_t chosen = 0;

	for (uint32_t i = 0; i < cnt; i++) {
		bool is_packed = full < SIZE_CNT && may_go(&image[i]) &&
				 (size_of(&image[i]) <= full || is_garbage(&image[i]));
		bool is_large = !has_large && is_large_garbage(&image[i]);
		has_large |= is_large;
		image[i].is_chosen = is_packed || is_large || must_go(&image[i]);
		chosen += image[i].is_chosen;
	}
	return chosen;
}
