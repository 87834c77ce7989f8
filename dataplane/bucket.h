/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Searching one bucket of an image: all eight tags in one comparison where the CPU can. */
#ifndef VLY_DATAPLANE_BUCKET_H
#define VLY_DATAPLANE_BUCKET_H

#include <volley/image.h>

#ifdef __AVX2__
#include <immintrin.h>

/* Bit i: tag[i] is `tag`. Empty slots have tag 0. */
static inline unsigned
vly_bucket_match(const struct vly_image_bucket *bucket, uint32_t tag)
{
	__m256i tags = _mm256_loadu_si256((const __m256i *)bucket->tag);
	__m256i same = _mm256_cmpeq_epi32(tags, _mm256_set1_epi32((int)tag));

	return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(same));
}
#else
static inline unsigned
vly_bucket_match(const struct vly_image_bucket *bucket, uint32_t tag)
{
	unsigned match = 0;

	for (unsigned i = 0; i < 8; i++)
		match |= (unsigned)(bucket->tag[i] == tag) << i;
	return match;
}
#endif

/* A bucket with an empty slot ends a search. */
static inline bool
vly_bucket_is_full(const struct vly_image_bucket *bucket)
{
	return bucket->node[7] != 0;
}

#endif
