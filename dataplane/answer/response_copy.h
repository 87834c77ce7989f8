/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies octets of an image into a response, in blocks. Pure; any thread inside the read side of the
 * image. */
#ifndef VLY_DATAPLANE_RESPONSE_COPY_H
#define VLY_DATAPLANE_RESPONSE_COPY_H

#include <string.h>

#include <volley/name.h>

/* Octets copied at a time. Twice as many are readable behind every answer of an image, and a
 * message has room for as many behind every question. */
#define VLY_COPY_BLOCK_BYTES 32

static inline void
vly_copy_block(uint8_t *to, const uint8_t *from)
{
	for (unsigned at = 0; at < VLY_COPY_BLOCK_BYTES; at += sizeof(vly_octets)) {
		vly_octets octets;
		memcpy(&octets, from + at, sizeof(octets));
		memcpy(to + at, &octets, sizeof(octets));
	}
}

/* Copies octets, of which there are no fewer than in a block. The last block ends with them and
 * overlaps the previous one, so that no cache line behind them is loaded for nothing. */
static inline void
vly_copy_whole_blocks(uint8_t *to, const uint8_t *from, size_t bytes)
{
	for (size_t at = 0; at + VLY_COPY_BLOCK_BYTES < bytes; at += VLY_COPY_BLOCK_BYTES)
		vly_copy_block(to + at, from + at);
	vly_copy_block(to + bytes - VLY_COPY_BLOCK_BYTES, from + bytes - VLY_COPY_BLOCK_BYTES);
}

/* Copies any number of octets directly behind the question: at least a block is written. */
static inline void
vly_copy_blocks(uint8_t *to, const uint8_t *from, size_t bytes)
{
	if (bytes < VLY_COPY_BLOCK_BYTES)
		vly_copy_block(to, from);
	else
		vly_copy_whole_blocks(to, from, bytes);
}

#endif
