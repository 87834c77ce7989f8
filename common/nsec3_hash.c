/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nsec3_hash.h"

#include <string.h>

#include <volley/dns.h>
#include <volley/octets.h>

#include "sha1.h"

/* Behind a message: at least one octet 0x80, and its length in bits (FIPS 180-4 §5.1.1). */
#define PAD_BYTES_MIN 9

#define BLOCK_CNT(bytes)                                                                           \
	(((bytes) + PAD_BYTES_MIN + VLY_SHA1_BLOCK_BYTES - 1) / VLY_SHA1_BLOCK_BYTES)

/* The longest name with the longest salt. */
#define MESSAGE_BYTES (BLOCK_CNT(VLY_NAME_BYTES_MAX + UINT8_MAX) * VLY_SHA1_BLOCK_BYTES)

static vly_sha1_blocks *add_blocks = vly_sha1_blocks_portable;

__attribute__((constructor)) static void
choose_blocks(void)
{
	if (vly_sha1_has_instructions())
		add_blocks = vly_sha1_blocks_instructions;
}

/* Appends the salt and the padding to the first `len` octets. Returns the number of blocks. */
static unsigned
complete(uint8_t message[MESSAGE_BYTES], unsigned len, const struct vly_nsec3_params *params)
{
	const unsigned salted_len = len + params->salt_len;
	const unsigned block_cnt = BLOCK_CNT(salted_len);
	uint8_t *end = message + block_cnt * VLY_SHA1_BLOCK_BYTES;

	if (params->salt_len > 0)
		memcpy(message + len, params->salt, params->salt_len);
	message[salted_len] = 0x80;
	memset(message + salted_len + 1, 0, (size_t)(end - message) - salted_len - 1);
	vly_put_be16(end - 2, 8 * salted_len); /* at most 4,080 bits */
	return block_cnt;
}

static void
hash_blocks(const uint8_t *message, unsigned block_cnt, uint8_t hash[VLY_NSEC3_HASH_BYTES])
{
	uint32_t state[VLY_SHA1_WORDS] = VLY_SHA1_BEGIN;

	add_blocks(state, message, block_cnt);
	for (unsigned i = 0; i < VLY_SHA1_WORDS; i++)
		state[i] = __builtin_bswap32(state[i]);
	memcpy(hash, state, VLY_NSEC3_HASH_BYTES);
}

void
vly_nsec3_hash(const struct vly_nsec3_params *params, const uint8_t *name, unsigned name_len,
	       uint8_t hash[VLY_NSEC3_HASH_BYTES])
{
	uint8_t message[MESSAGE_BYTES];

	memcpy(message, name, name_len);
	hash_blocks(message, complete(message, name_len, params), hash);
	if (params->iterations == 0)
		return;
	/* Salt and padding stay; only the hash in front of them is another each time. */
	unsigned block_cnt = complete(message, VLY_NSEC3_HASH_BYTES, params);
	for (unsigned i = 0; i < params->iterations; i++) {
		memcpy(message, hash, VLY_NSEC3_HASH_BYTES);
		hash_blocks(message, block_cnt, hash);
	}
}
