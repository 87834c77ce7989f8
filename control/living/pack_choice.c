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

/* An image up to this size is packed with others. Larger: a pack keeps the merger busy for longer, about
 * a second for each 500 MiB. */
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
	uint32_t chosen = 0;

	for (uint32_t i = 0; i < cnt; i++) {
		bool is_packed = full < SIZE_CNT && may_go(&image[i]) &&
				 (size_of(&image[i]) <= full || is_garbage(&image[i]));
		image[i].is_chosen = is_packed || must_go(&image[i]);
		chosen += image[i].is_chosen;
	}
	return chosen;
}
