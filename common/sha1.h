/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The compression function of SHA-1 (FIPS 180-4 §6.1.2), twice: in plain C, and with the
 * instructions of the processor. vly_nsec3_hash() calls the faster one that runs here.
 *
 * Use: state[] begins as VLY_SHA1_BEGIN; the message is padded by the caller. Pure; any thread.
 */
#ifndef VLY_SHA1_H
#define VLY_SHA1_H

#include <stdbool.h>
#include <stdint.h>

#define VLY_SHA1_BLOCK_BYTES 64
#define VLY_SHA1_WORDS       5

#define VLY_SHA1_BEGIN                                                                             \
	{                                                                                          \
		0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0                         \
	}

/* Adds `block_cnt` blocks of VLY_SHA1_BLOCK_BYTES at `from` to the state. */
typedef void vly_sha1_blocks(uint32_t state[VLY_SHA1_WORDS], const uint8_t *from,
			     unsigned block_cnt);

vly_sha1_blocks vly_sha1_blocks_portable;

/* Only if vly_sha1_has_instructions(). */
vly_sha1_blocks vly_sha1_blocks_instructions;

bool vly_sha1_has_instructions(void);

#endif
