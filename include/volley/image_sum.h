/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The checksum of an image: a sum over its chunks, so that these can be summed up in any order, by
 * several threads, while they are copied. It detects damage, not malice: the content of an image is
 * checked separately (common/image_check.h).
 *
 *   checksum = vly_image_sum_chunk(0) + vly_image_sum_chunk(1) + ... (mod 2^64)
 *
 * Pure.
 */
#ifndef VLY_IMAGE_SUM_H
#define VLY_IMAGE_SUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <xxhash.h>

#include <volley/image.h>

/* Small enough to stay in a core's own cache while it is read, summed up and written. The last
 * chunk may be shorter. */
#define VLY_IMAGE_SUM_BYTES (UINT64_C(1) << 18)

/* The summand of chunk `idx` (from 0), whose octets are at `chunk`. Chunk 0 has at least the
 * header, in which the checksum itself counts as 0. */
static inline uint64_t
vly_image_sum_chunk(const uint8_t *chunk, size_t bytes, uint64_t idx)
{
	struct vly_image_header header;

	if (idx > 0)
		return XXH3_64bits_withSeed(chunk, bytes, idx + 1);
	memcpy(&header, chunk, sizeof(header));
	header.checksum = 0;
	return XXH3_64bits_withSeed(&header, sizeof(header), 0) +
	       XXH3_64bits_withSeed(chunk + sizeof(header), bytes - sizeof(header), 1);
}

static inline uint64_t
vly_image_sum_chunk_cnt(uint64_t image_bytes)
{
	return (image_bytes + VLY_IMAGE_SUM_BYTES - 1) / VLY_IMAGE_SUM_BYTES;
}

/* The octets of chunk `idx` of an image. */
static inline size_t
vly_image_sum_chunk_bytes(uint64_t image_bytes, uint64_t idx)
{
	uint64_t left = image_bytes - idx * VLY_IMAGE_SUM_BYTES;

	return left < VLY_IMAGE_SUM_BYTES ? left : VLY_IMAGE_SUM_BYTES;
}

/* The sum over chunks `begin` to `end` - 1, 0 <= begin <= end <= chunks. */
static inline uint64_t
vly_image_sum_range(const void *image, uint64_t bytes, uint64_t begin, uint64_t end)
{
	uint64_t sum = 0;

	for (uint64_t i = begin; i < end; i++)
		sum += vly_image_sum_chunk((const uint8_t *)image + i * VLY_IMAGE_SUM_BYTES,
					   vly_image_sum_chunk_bytes(bytes, i), i);
	return sum;
}

static inline uint64_t
vly_image_sum(const void *image, uint64_t bytes)
{
	return vly_image_sum_range(image, bytes, 0, vly_image_sum_chunk_cnt(bytes));
}

#endif
