/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Searching a bucket of an image: eight tags, or 32 octets of a name, in one comparison where the
 * CPU can. */
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

/* Bit i: octet i of a is that of b. */
static inline uint32_t
vly_bucket_same_octets(const uint8_t *a, const uint8_t *b)
{
	__m256i left = _mm256_loadu_si256((const __m256i *)a);
	__m256i right = _mm256_loadu_si256((const __m256i *)b);

	return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(left, right));
}

/* True when two names, or suffixes, of `len` octets are equal; VLY_NAME_SLACK_BYTES behind both are
 * readable. The last block of a long name overlaps the one before: what lies behind the name would
 * have to come from memory for nothing. */
static inline bool
vly_bucket_name_equal(const uint8_t *a, const uint8_t *b, unsigned len)
{
	if (len <= 32) /* the first octet that differs lies behind them */
		return (unsigned)__builtin_ctzll(~(uint64_t)vly_bucket_same_octets(a, b)) >= len;
	for (unsigned at = 0; at + 32 < len; at += 32)
		if (vly_bucket_same_octets(a + at, b + at) != UINT32_MAX)
			return false;
	return vly_bucket_same_octets(a + len - 32, b + len - 32) == UINT32_MAX;
}
#else
static inline bool
vly_bucket_name_equal(const uint8_t *a, const uint8_t *b, unsigned len)
{
	return memcmp(a, b, len) == 0;
}

static inline unsigned
vly_bucket_match(const struct vly_image_bucket *bucket, uint32_t tag)
{
	unsigned match = 0;

	for (unsigned i = 0; i < 8; i++)
		match |= (unsigned)(bucket->tag[i] == tag) << i;
	return match;
}
#endif

/* Whether the node's name is the suffix from label_idx on; of which zone is not asked. */
static inline bool
vly_bucket_node_is(const struct vly_image_node *node, const struct vly_name *name,
		   unsigned label_idx)
{
	unsigned len = vly_name_suffix_len(name, label_idx);

	return node->name_len == len &&
	       vly_bucket_name_equal(vly_image_node_name(node),
				     name->lower + name->start[label_idx], len);
}

#endif
