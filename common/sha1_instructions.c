/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The SHA extensions of x86 processors (Intel SDM, SHA1RNDS4 and others): four rounds at a time. */
#include "sha1.h"

#include <cpuid.h>
#include <immintrin.h>

#define TARGET __attribute__((target("sha,sse4.1")))

bool
vly_sha1_has_instructions(void)
{
	unsigned eax, ebx, ecx, edx;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_SSE4_1))
		return false;
	return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & bit_SHA);
}

/* Rounds 20k to 20k + 19: the instruction wants k as a constant. word[i % 4] has the schedule of
 * rounds 4i to 4i + 3; `old` is the state four rounds ago, of whose A the instructions make E. */
#define ROUNDS(k)                                                                                  \
	_Pragma("GCC unroll 5") for (unsigned i = 5 * k; i < 5 * k + 5; i++)                       \
	{                                                                                          \
		__m128i *w = &word[i % 4];                                                         \
		if (i >= 4)                                                                        \
			*w = _mm_sha1msg2_epu32(                                                   \
				_mm_xor_si128(_mm_sha1msg1_epu32(*w, word[(i + 1) % 4]),           \
					      word[(i + 2) % 4]),                                  \
				word[(i + 3) % 4]);                                                \
		__m128i e = _mm_sha1nexte_epu32(old, *w);                                          \
		old = abcd;                                                                        \
		abcd = _mm_sha1rnds4_epu32(abcd, e, k);                                            \
	}

TARGET void
vly_sha1_blocks_instructions(uint32_t state[VLY_SHA1_WORDS], const uint8_t *from,
			     unsigned block_cnt)
{
	const __m128i big_endian = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
	/* A is the highest word */
	__m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0x1b);
	/* SHA1NEXTE rotates A of four rounds ago by 30 bits. */
	__m128i old = _mm_set_epi32((int)(state[4] << 2 | state[4] >> 30), 0, 0, 0);

	for (unsigned block = 0; block < block_cnt; block++, from += VLY_SHA1_BLOCK_BYTES) {
		const __m128i first = abcd;
		const __m128i first_e = _mm_sha1nexte_epu32(old, _mm_setzero_si128());
		__m128i word[4];
#pragma GCC unroll 4
		for (unsigned i = 0; i < 4; i++)
			word[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)from + i),
						   big_endian);
		ROUNDS(0)
		ROUNDS(1)
		ROUNDS(2)
		ROUNDS(3)
		__m128i e = _mm_sha1nexte_epu32(old, first_e);
		old = _mm_or_si128(_mm_slli_epi32(e, 2), _mm_srli_epi32(e, 30));
		abcd = _mm_add_epi32(abcd, first);
	}
	_mm_storeu_si128((__m128i *)state, _mm_shuffle_epi32(abcd, 0x1b));
	old = _mm_sha1nexte_epu32(old, _mm_setzero_si128());
	state[4] = (uint32_t)_mm_extract_epi32(old, 3);
}
