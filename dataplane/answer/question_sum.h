/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checksum of a question, without a branch on its length, which could not be predicted. */
#ifndef VLY_DATAPLANE_QUESTION_SUM_H
#define VLY_DATAPLANE_QUESTION_SUM_H

#include <smmintrin.h>

#include <volley/checksum.h>

/* Questions of up to this many octets are summed at once. */
#define VLY_QUESTION_SUM_BYTES 64

/* As vly_sum_octets(). At least 64 octets must be readable at `from`. */
static inline uint64_t
vly_question_sum(const uint8_t *from, size_t bytes)
{
	if (__builtin_expect(bytes > VLY_QUESTION_SUM_BYTES, 0))
		return vly_sum_octets(from, bytes);
	const __m128i cnt = _mm_set1_epi8((char)bytes);
	const __m128i low = _mm_set1_epi64x(UINT32_MAX);
	__m128i index = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	__m128i sum = _mm_setzero_si128();

	for (unsigned at = 0; at < VLY_QUESTION_SUM_BYTES; at += 16) {
		__m128i octets = _mm_loadu_si128((const __m128i *)(from + at));
		__m128i kept = _mm_and_si128(octets, _mm_cmpgt_epi8(cnt, index));
		sum = _mm_add_epi64(sum, _mm_and_si128(kept, low));
		sum = _mm_add_epi64(sum, _mm_srli_epi64(kept, 32));
		index = _mm_add_epi8(index, _mm_set1_epi8(16));
	}
	return (uint64_t)_mm_cvtsi128_si64(sum) + (uint64_t)_mm_extract_epi64(sum, 1);
}

#endif
