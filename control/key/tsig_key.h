/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys of TSIG (RFC 8945): names, algorithms and secrets.
 *
 * Use: vly_tsig_key_read() makes a key from its words; tsig.h verifies and signs with it;
 * vly_tsig_key_wipe() at the end, so that the secret does not stay in memory. No function blocks,
 * except vly_tsig_secret_read_file(), for the disk. No global state; any thread.
 */
#ifndef VLY_CONTROL_TSIG_KEY_H
#define VLY_CONTROL_TSIG_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <volley/dns.h>

enum vly_tsig_algorithm {
	VLY_TSIG_HMAC_SHA1,
	VLY_TSIG_HMAC_SHA224,
	VLY_TSIG_HMAC_SHA256,
	VLY_TSIG_HMAC_SHA384,
	VLY_TSIG_HMAC_SHA512,
	VLY_TSIG_ALGORITHM_CNT,
};

/* The longest MAC, of hmac-sha512. */
#define VLY_TSIG_MAC_BYTES_MAX 64

/* HMAC hashes longer secrets first, so that more octets are no stronger; BIND's tsig-keygen makes 64
 * at most. */
#define VLY_TSIG_SECRET_BYTES_MAX 512

struct vly_tsig_key {
	uint8_t name[VLY_NAME_BYTES_MAX]; /* wire form, lower case */
	uint8_t name_len;
	uint8_t algorithm; /* enum vly_tsig_algorithm */
	uint8_t mac_len;   /* octets that MACs must have at least, and that responses have */
	uint16_t secret_len;
	uint8_t secret[VLY_TSIG_SECRET_BYTES_MAX];
};

/* Octets of a whole MAC. */
unsigned vly_tsig_mac_bytes(enum vly_tsig_algorithm algorithm);

/* The algorithm's name as the configuration has it, such as "hmac-sha256". */
const char *vly_tsig_algorithm_name(enum vly_tsig_algorithm algorithm);

/* Finds an algorithm by its name in wire form, in lower case. Returns it, or -1. */
__attribute__((nonnull)) int vly_tsig_algorithm_find(const uint8_t *wire, unsigned len);

/* Whether the name is one of the algorithms whose MACs have half the octets, such as
 * hmac-sha256-128. */
__attribute__((nonnull)) bool vly_tsig_algorithm_is_half(const uint8_t *wire, unsigned len);

/*
 * Makes a key from its name, as vly_domain_canonical() writes it, its algorithm, with the bits of
 * truncated MACs behind it if they are to be ("hmac-sha256-128"), and its secret in Base64 (both
 * untrusted). Returns NULL, or a sentence without the secret; the key is zero then.
 */
__attribute__((nonnull, warn_unused_result)) const char *vly_tsig_key_read(struct vly_tsig_key *key,
									   const char *name,
									   const char *algorithm,
									   const char *secret);

/* Checks the name of an algorithm as above. Returns NULL or a sentence. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_tsig_algorithm_check(const char *algorithm);

/* Reads a file that holds a secret in Base64 and nothing else, and that its owner alone may read.
 * Returns the text, the caller's to wipe and free; or NULL with "path: why" in `reason`. */
__attribute__((nonnull, warn_unused_result)) char *
vly_tsig_secret_read_file(const char *path, char *reason, size_t reason_bytes);

__attribute__((nonnull)) void vly_tsig_key_wipe(struct vly_tsig_key *key);

#endif
