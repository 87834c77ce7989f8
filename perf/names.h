/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names for zones and questions: made of an index, so that neither needs a list of them, and begun
 * with a word of 2 to 12 letters, so that their lengths can't be predicted. Pure. */
#ifndef VLY_PERF_NAMES_H
#define VLY_PERF_NAMES_H

#include <assert.h>
#include <stdint.h>

#define WORD_LETTERS_MIN 2
#define WORD_LETTERS_MAX 12

/* The same sequence in each run (splitmix64, Steele, Lea and Flood 2014). */
static inline uint64_t
vly_names_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* The word that the names of `idx` begin with. */
static inline const char *
vly_names_word(uint32_t idx)
{
	static const char letters[] = "kivolabesuta";
	uint64_t random = idx;

	static_assert(sizeof(letters) - 1 == WORD_LETTERS_MAX, "the longest word is all of them");
	return letters + vly_names_random(&random) % (WORD_LETTERS_MAX - WORD_LETTERS_MIN + 1);
}

#endif
