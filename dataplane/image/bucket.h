/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Searches a bucket of an image: compares eight tags, or 32 octets of a name, without a branch in
 * between. Pure; any thread inside the read side of the image. Images were verified: names have
 * readable octets behind them. */
#ifndef VLY_DATAPLANE_BUCKET_H
#define VLY_DATAPLANE_BUCKET_H

#include <emmintrin.h>

#include <volley/image.h>

/* Bit i is set if tag[i] is `tag`. Empty slots have tag 0, so check the node of a match for 0. */
static inline unsigned
vly_bucket_match(const struct vly_image_bucket *bucket, uint32_t tag)
{
	const __m128i *tags = (const __m128i *)bucket->tag;
	__m128i wanted = _mm_set1_epi32((int)tag);
	__m128i same = _mm_packs_epi32(_mm_cmpeq_epi32(_mm_loadu_si128(tags), wanted),
				       _mm_cmpeq_epi32(_mm_loadu_si128(tags + 1), wanted));

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(same, _mm_setzero_si128()));
}

static inline uint32_t
vly_bucket_same_16(const uint8_t *a, const uint8_t *b)
{
	__m128i left = _mm_loadu_si128((const __m128i *)a);
	__m128i right = _mm_loadu_si128((const __m128i *)b);

	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(left, right));
}

/* Bit i is set if octet i of `a` equals that of `b`. Reads 32 octets of each. */
static inline uint32_t
vly_bucket_same_octets(const uint8_t *a, const uint8_t *b)
{
	return vly_bucket_same_16(a, b) | vly_bucket_same_16(a + 16, b + 16) << 16;
}

/* Whether two names, or suffixes, of `len` octets are equal. VLY_NAME_SLACK_BYTES behind both must
 * be readable. The last block of a long name overlaps the previous one, so that no cache line
 * behind the name is loaded for nothing. */
static inline bool
vly_bucket_name_equal(const uint8_t *a, const uint8_t *b, unsigned len)
{
	if (len <= 32) /* equal if the first octet that differs is behind the names */
		return (unsigned)__builtin_ctzll(~(uint64_t)vly_bucket_same_octets(a, b)) >= len;
	for (unsigned at = 0; at + 32 < len; at += 32)
		if (vly_bucket_same_octets(a + at, b + at) != UINT32_MAX)
			return false;
	return vly_bucket_same_octets(a + len - 32, b + len - 32) == UINT32_MAX;
}

/* Whether the node's name is the suffix from label_idx on. Does not look at the zone. */
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
