/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Repeatable randomness for tests (SplitMix64): a failure prints its seed, and the seed brings it
 * back. */
#ifndef VLY_TEST_RANDOM_H
#define VLY_TEST_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vly_test_random {
	uint64_t state; /* the seed */
};

static inline uint64_t
vly_test_random_next(struct vly_test_random *random)
{
	uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0 .. cnt - 1 */
static inline unsigned
vly_test_random_below(struct vly_test_random *random, unsigned cnt)
{
	return (unsigned)(vly_test_random_next(random) % cnt);
}

/* True `percent` times in a hundred. */
static inline bool
vly_test_random_chance(struct vly_test_random *random, unsigned percent)
{
	return vly_test_random_below(random, 100) < percent;
}

static inline void
vly_test_random_fill(struct vly_test_random *random, uint8_t *to, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)vly_test_random_next(random);
}

#endif
