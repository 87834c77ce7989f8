/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SipHash-2-4 (J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF"). Without
 * the key, its results can't be distinguished from random numbers.
 *
 * Use: vly_siphash() over the octets. Inline, so that a constant length costs no loop. Pure.
 */
#ifndef VLY_DATAPLANE_SIPHASH_H
#define VLY_DATAPLANE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VLY_SIPHASH_KEY_BYTES 16

static inline uint64_t
vly_siphash_load(const uint8_t *from, size_t bytes)
{
	uint64_t word = 0;

	memcpy(&word, from, bytes);
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(word) : word;
}

static inline uint64_t
vly_siphash_turn(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static inline void
vly_siphash_rounds(uint64_t v[4], unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = vly_siphash_turn(v[1], 13) ^ v[0];
		v[3] = vly_siphash_turn(v[3], 16) ^ v[2];
		v[0] = vly_siphash_turn(v[0], 32) + v[3];
		v[2] += v[1];
		v[1] = vly_siphash_turn(v[1], 17) ^ v[2];
		v[3] = vly_siphash_turn(v[3], 21) ^ v[0];
		v[2] = vly_siphash_turn(v[2], 32);
	}
}

/* The 64-bit result; RFC 9018 §4.4 and the paper write it with its lowest octet first. */
static inline __attribute__((always_inline)) uint64_t
vly_siphash(const uint8_t key[VLY_SIPHASH_KEY_BYTES], const uint8_t *from, size_t bytes)
{
	uint64_t low = vly_siphash_load(key, 8);
	uint64_t high = vly_siphash_load(key + 8, 8);
	uint64_t v[4] = {low ^ UINT64_C(0x736f6d6570736575), high ^ UINT64_C(0x646f72616e646f6d),
			 low ^ UINT64_C(0x6c7967656e657261), high ^ UINT64_C(0x7465646279746573)};
	size_t whole = bytes / 8;

	for (size_t i = 0; i <= whole; i++) {
		uint64_t word = i < whole ? vly_siphash_load(from + 8 * i, 8)
					  : (uint64_t)bytes << 56 |
						    vly_siphash_load(from + 8 * i, bytes % 8);
		v[3] ^= word;
		vly_siphash_rounds(v, 2);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	vly_siphash_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
