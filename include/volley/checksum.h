/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One's complement sums (RFC 1071), in host order: the order of octets does not matter as long as
 * both sides of an addition agree. Sums of parts are added; a part that begins at an odd offset is
 * swapped first.
 */
#ifndef VLY_CHECKSUM_H
#define VLY_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Folds a sum of up to 2^32 16-bit words to 16 bits. Both halves of a number plus itself with the
 * halves exchanged are their sum, and the upper one has the carry, too (RFC 1071 §2). */
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

/* The sum of `bytes` octets, as if they began at an even offset: below 2^33. Reads nothing beyond
 * them. */
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
		sum += sum < word; /* the carry comes around (RFC 1071 §2) */
	}
	if (left == 0)
		return vly_sum_word(sum);
	if (at > 0) { /* the last eight octets, without those that are in the sum already */
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

/* A sum of at most 2^40, of octets that begin at offset `off`: at an odd one, each octet counts in
 * the other half of its word, which is 256 times as much in one's complement arithmetic. */
static inline uint64_t
vly_sum_at(uint64_t sum, unsigned off)
{
	return sum << (off % 2 * 8);
}

#endif
