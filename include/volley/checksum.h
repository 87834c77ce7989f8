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

/* Folds a sum of up to 2^32 16-bit words to 16 bits. */
static inline uint16_t
vly_sum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* The sum of `bytes` octets, not folded: as if they began at an even offset. */
static inline uint64_t
vly_sum_octets(const uint8_t *from, size_t bytes)
{
	uint64_t sum = 0;

	for (; bytes >= 4; from += 4, bytes -= 4) {
		uint32_t word;
		memcpy(&word, from, sizeof(word));
		sum += word;
	}
	if (bytes > 0) {
		uint32_t word = 0;
		memcpy(&word, from, bytes);
		sum += word;
	}
	return sum;
}

/* A folded sum, moved to an odd offset. */
static inline uint16_t
vly_sum_swap(uint16_t sum)
{
	return __builtin_bswap16(sum);
}

#endif
