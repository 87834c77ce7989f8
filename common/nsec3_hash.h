/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hash of NSEC3: SHA-1, iterated (RFC 5155 §5). Both programs compute it: the one that compiles
 * a zone's chain, and the one that looks names up in it. Pure; any thread; with the processor's SHA
 * instructions where there are any.
 */
#ifndef VLY_NSEC3_HASH_H
#define VLY_NSEC3_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include <volley/octets.h>

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

/* A hash as the label of its record's owner is, in lower case (RFC 5155 §3): Base32hex without padding, whose
 * order is that of the hashes. */
#define VLY_NSEC3_LABEL_BYTES 32

static inline void
vly_nsec3_label(const uint8_t hash[VLY_NSEC3_HASH_BYTES], uint8_t label[VLY_NSEC3_LABEL_BYTES])
{
	static const uint8_t digit[32] = "0123456789abcdefghijklmnopqrstuv";

	for (unsigned at = 0; at < VLY_NSEC3_HASH_BYTES; at += 5) {
		uint64_t bits = (uint64_t)vly_be32(hash + at) << 8 | hash[at + 4];
		for (unsigned i = 0; i < 8; i++)
			label[at / 5 * 8 + i] = digit[bits >> (35 - 5 * i) & 31];
	}
}

/* The hash of such a label, its octet of length left out. False: it is none. */
static inline bool
vly_nsec3_label_hash(const uint8_t label[VLY_NSEC3_LABEL_BYTES], uint8_t hash[VLY_NSEC3_HASH_BYTES])
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < VLY_NSEC3_LABEL_BYTES; i++) {
		const uint8_t c = label[i];
		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'v'))
			return false;
		bits = bits << 5 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
		if (i % 8 == 7)
			for (unsigned octet = 0; octet < 5; octet++)
				hash[i / 8 * 5 + octet] = (uint8_t)(bits >> (32 - 8 * octet));
	}
	return true;
}

#endif
