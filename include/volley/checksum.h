/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One's complement sums (RFC 1071), in host order: any order of octets is correct if both sides of
 * an addition have the same. The sums of parts are added; that of a part at an odd offset is
 * swapped first (vly_sum_at()). Pure.
 */
#ifndef VLY_CHECKSUM_H
#define VLY_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Folds a sum of up to 2^32 16-bit words to 16 bits. A number plus itself with its halves exchanged
 * has the sum of the halves in both, and the upper one includes the carry (RFC 1071 §2). */
static inline uint16_t
vly_sum_fold(uint64_t sum)
{
	sum += sum << 32 | sum >> 32;
	uint32_t half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return (uint16_t)(half >> 16);
}

static inline uint64_t
vly_sum_word(uint64_t word)
{
	return (word & 0xffffffff) + (word >> 32);
}

/* The sum of `bytes` octets, as if they began at an even offset: below 2^33. Reads only these
 * octets. */
static inline uint64_t
vly_sum_octets(const uint8_t *from, size_t bytes)
{
	uint64_t sum = 0;
	uint64_t word;
	size_t left = bytes % 8;
	size_t at = 0;

	for (; at + 8 <= bytes; at += 8) {
		memcpy(&word, from + at, sizeof(word));
		sum += word;
		sum += sum < word; /* end-around carry (RFC 1071 §2) */
	}
	if (left == 0)
		return vly_sum_word(sum);
	if (at > 0) { /* the last eight octets, without those already added */
		memcpy(&word, from + bytes - 8, sizeof(word));
		word >>= 8 * (8 - left);
	} else {
		word = 0;
		memcpy(&word, from, left);
	}
	sum += word;
	sum += sum < word;
	return vly_sum_word(sum);
}

/* A sum (at most 2^40) of octets that begin at offset `off`. At an odd offset, each octet is in the
 * other half of its word: that is 256 times as much in one's complement arithmetic. */
static inline uint64_t
vly_sum_at(uint64_t sum, unsigned off)
{
	return sum << (off % 2 * 8);
}

#endif
