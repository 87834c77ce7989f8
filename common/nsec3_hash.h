/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hash of NSEC3: SHA-1, iterated (RFC 5155 §5). Both programs compute it: the one that compiles
 * a zone's chain, and the one that looks names up in it. Pure; any thread; with the processor's SHA
 * instructions where there are any.
 */
#ifndef VLY_NSEC3_HASH_H
#define VLY_NSEC3_HASH_H

#include <stdint.h>

#define VLY_NSEC3_HASH_BYTES 20

/* What a zone hashes its names with: NSEC3PARAM (RFC 5155 §4). */
struct vly_nsec3_params {
	uint16_t iterations; /* additional ones */
	uint8_t salt_len;
	const uint8_t *salt;
};

/* Hashes `name`, in wire form and lower case, of 1..255 octets. */
__attribute__((nonnull)) void vly_nsec3_hash(const struct vly_nsec3_params *params,
					     const uint8_t *name, unsigned name_len,
					     uint8_t hash[VLY_NSEC3_HASH_BYTES]);

#endif
