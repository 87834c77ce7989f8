/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checksum's share of a question, without a branch where the CPU can: nobody can predict how
 * long a question is. */
#ifndef VLY_DATAPLANE_QUESTION_SUM_H
#define VLY_DATAPLANE_QUESTION_SUM_H

#include <volley/checksum.h>

#ifdef __AVX2__
#include <immintrin.h>

/* Questions of up to this many octets are summed at once. */
#define VLY_QUESTION_SUM_BYTES 64

/* The sums of the octets whose index is below cnt, as words of 32 bits in four lanes. */
static inline __m256i
vly_question_sum_lanes(__m256i octets, __m256i index, __m256i cnt)
{
	__m256i kept = _mm256_and_si256(octets, _mm256_cmpgt_epi8(cnt, index));
	__m256i low = _mm256_and_si256(kept, _mm256_set1_epi64x(UINT32_MAX));

	return _mm256_add_epi64(low, _mm256_srli_epi64(kept, 32));
}

/* As vly_sum_octets(), where 64 octets can be read. */
static inline uint64_t
vly_question_sum(const uint8_t *from, size_t bytes)
{
	if (__builtin_expect(bytes > VLY_QUESTION_SUM_BYTES, 0))
		return vly_sum_octets(from, bytes);
	__m256i cnt = _mm256_set1_epi8((char)bytes);
	__m256i low = _mm256_loadu_si256((const __m256i *)from);
	__m256i high = _mm256_loadu_si256((const __m256i *)(from + 32));
	__m256i index =
		_mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
				 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
	__m256i behind = _mm256_add_epi8(index, _mm256_set1_epi8(32));
	__m256i sum = _mm256_add_epi64(vly_question_sum_lanes(low, index, cnt),
				       vly_question_sum_lanes(high, behind, cnt));
	__m128i half = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));

	return (uint64_t)_mm_cvtsi128_si64(half) + (uint64_t)_mm_extract_epi64(half, 1);
}
#else
static inline uint64_t
vly_question_sum(const uint8_t *from, size_t bytes)
{
	return vly_sum_octets(from, bytes);
}
#endif

#endif
