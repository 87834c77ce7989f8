/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sha1.h"

#include <volley/octets.h>

static inline uint32_t
rotate(uint32_t word, unsigned bits)
{
	return word << bits | word >> (32 - bits);
}

/* The function and the constant of a round (FIPS 180-4 §4.1.1, §4.2.1). */
static inline uint32_t
mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
	if (round < 20)
		return (d ^ (b & (c ^ d))) + 0x5a827999;
	if (round < 40)
		return (b ^ c ^ d) + 0x6ed9eba1;
	if (round < 60)
		return ((b & c) | (d & (b | c))) + 0x8f1bbcdc;
	return (b ^ c ^ d) + 0xca62c1d6;
}

static void
add_block(uint32_t state[VLY_SHA1_WORDS], const uint8_t *from)
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
	uint32_t word[16]; /* the last 16 of the schedule */

	for (unsigned round = 0; round < 80; round++) {
		unsigned at = round % 16;
		word[at] = round < 16 ? vly_be32(from + 4u * at)
				      : rotate(word[(at + 13) % 16] ^ word[(at + 8) % 16] ^
						       word[(at + 2) % 16] ^ word[at],
					       1);
		uint32_t next = rotate(a, 5) + mix(round, b, c, d) + e + word[at];
		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

void
vly_sha1_blocks_portable(uint32_t state[VLY_SHA1_WORDS], const uint8_t *from, unsigned block_cnt)
{
	for (unsigned i = 0; i < block_cnt; i++)
		add_block(state, from + i * VLY_SHA1_BLOCK_BYTES);
}
