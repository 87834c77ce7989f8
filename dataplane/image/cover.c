/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cover.h"

#include <emmintrin.h>

#define PREFETCH(address) __builtin_prefetch(address, 0, 3)

#define TAG_CNT ((int)(sizeof(((struct vly_image_hash_bucket *)0)->tag) / sizeof(uint32_t)))

/* Hashes the next closer name: the encloser with one more label. */
static bool
hash_next_closer(struct vly_cover *cover, const struct vly_image_denial *denial,
		 const struct vly_name *name, unsigned encloser_len)
{
	const struct vly_nsec3_params params = {denial->iterations, denial->salt_len, denial->salt};
	const uint8_t *encloser =
		memchr(name->start, (int)(name->len - encloser_len), name->label_cnt + 1u);

	if (encloser == NULL || encloser == name->start ||
	    denial->iterations > VLY_NSEC3_ITERATIONS_MAX)
		return false;
	unsigned at = encloser[-1];
	vly_nsec3_hash(&params, name->lower + at, name->len - at, cover->hash);
	return true;
}

/* Inline in both of its callers, of which one is for zones without overlays. */
static inline void
begin_hash(struct vly_cover *cover, const uint8_t *heap, const struct vly_image_denial *denial)
{
	const struct vly_image_hash_bucket *bucket = vly_image_at(heap, denial->index);
	uint64_t hash = vly_be64(cover->hash);

	cover->denial = denial;
	/* in two steps, since a shift by 64 bits is undefined */
	cover->bucket = &bucket[hash >> 1 >> (63 - denial->bits)];
	cover->tag = (uint32_t)(hash << denial->bits >> 32);
	PREFETCH(cover->bucket);
}

void
vly_cover_begin(struct vly_cover *cover, const uint8_t *heap, const struct vly_image_denial *denial,
		const struct vly_name *name, unsigned apex_len, unsigned encloser_len)
{
	cover->denial = denial;
	if (denial->kind == VLY_DENIAL_NSEC) {
		vly_order_begin(&cover->order, vly_image_at(heap, denial->index), name->lower,
				name->len - apex_len);
		return;
	}
	if (!hash_next_closer(cover, denial, name, encloser_len)) {
		cover->denial = NULL;
		return;
	}
	begin_hash(cover, heap, denial);
}

void
vly_cover_begin_hash(struct vly_cover *cover, const uint8_t *heap,
		     const struct vly_image_denial *denial)
{
	begin_hash(cover, heap, denial);
}

/* The tags that are not larger. Free entries count if the tag is the largest of all. */
static inline int
tags_not_above(const struct vly_image_hash_bucket *bucket, uint32_t tag)
{
	/* SSE2 compares signed numbers only. */
	const __m128i flip = _mm_set1_epi32(INT32_MIN);
	const __m128i wanted = _mm_xor_si128(_mm_set1_epi32((int)tag), flip);
	const __m128i *tags = (const __m128i *)bucket->tag;
	__m128i above = _mm_packs_epi32(
		_mm_cmpgt_epi32(_mm_xor_si128(_mm_loadu_si128(tags), flip), wanted),
		_mm_cmpgt_epi32(_mm_xor_si128(_mm_loadu_si128(tags + 1), flip), wanted));
	/* the last of the eight numbers is `before` */
	unsigned mask = (unsigned)_mm_movemask_epi8(_mm_packs_epi16(above, above)) & 0x7f;

	return TAG_CNT - __builtin_popcount(mask);
}

/* Whether the owner of the piece is above the hash: both as text, whose order is the same. */
static bool
owner_is_above(const struct vly_image_piece *piece, const uint8_t hash[VLY_NSEC3_HASH_BYTES])
{
	uint8_t label[VLY_NSEC3_LABEL_BYTES];

	vly_nsec3_label(hash, label);
	return piece->owner_len <= VLY_NSEC3_LABEL_BYTES ||
	       memcmp(vly_image_piece_wire(piece) + 1, label, VLY_NSEC3_LABEL_BYTES) > 0;
}

static inline vly_image_ref
find_hash(const struct vly_cover *cover, const uint8_t *heap)
{
	const struct vly_image_hash_bucket *first = vly_image_at(heap, cover->denial->index);
	const struct vly_image_hash_bucket *bucket = cover->bucket;
	int cnt;

	/* at most VLY_IMAGE_HASH_NEXT_MAX times further */
	for (;; bucket = first + bucket->next) {
		cnt = tags_not_above(bucket, cover->tag);
		while (cnt > 0 &&
		       (bucket->piece[cnt - 1] == 0 ||
			(bucket->tag[cnt - 1] == cover->tag &&
			 owner_is_above(vly_image_at(heap, bucket->piece[cnt - 1]), cover->hash))))
			cnt--;
		if (cnt < TAG_CNT || bucket->next == 0)
			break;
	}
	return cnt > 0 ? bucket->piece[cnt - 1] : bucket->before;
}

vly_image_ref
vly_cover_find_hash(const struct vly_cover *cover, const uint8_t *heap)
{
	return find_hash(cover, heap);
}

const struct vly_image_piece *
vly_cover_find(const struct vly_cover *cover, const uint8_t *heap, const struct vly_name *name,
	       unsigned apex_len)
{
	vly_image_ref ref =
		cover->denial->kind == VLY_DENIAL_NSEC
			? vly_order_find(&cover->order, heap, name->lower, name->len - apex_len)
			: find_hash(cover, heap);

	return ref != 0 ? vly_image_at(heap, ref) : NULL;
}
