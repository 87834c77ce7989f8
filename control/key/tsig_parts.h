/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The digest and the record of TSIG (RFC 8945 §4), which tsig.c and tsig_stream.c share. Pure
 * functions; digests return 0, or another number without memory.
 */
#ifndef VLY_CONTROL_TSIG_PARTS_H
#define VLY_CONTROL_TSIG_PARTS_H

#include <gnutls/crypto.h>

#include "tsig.h"

/* Time signed and fudge; then the size of the MAC, and behind the MAC original ID, error and the
 * length of other data (§4.2). */
#define VLY_TSIG_TIME_BYTES 8
#define VLY_TSIG_TAIL_BYTES 6

/* What is digested besides the message, and stands in the record. */
struct vly_tsig_variables {
	const struct vly_message_name *algorithm;
	const uint8_t *time; /* time signed and fudge */
	const uint8_t *tail; /* error, other length, other data */
	unsigned tail_len;
};

/* Those of a record in `message`. */
__attribute__((nonnull)) void vly_tsig_variables_find(struct vly_tsig_variables *variables,
						      const struct vly_tsig *tsig,
						      const uint8_t *message);

/* Begins a digest; with the MAC `before`, if it has any octets (§4.3.1). */
__attribute__((nonnull, warn_unused_result)) int
vly_tsig_digest_begin(gnutls_hmac_hd_t *hmac, const struct vly_tsig_key *key, const uint8_t *before,
		      unsigned before_len);

/* A message of at least a header, with `id` and `additional_cnt` in place of its own (§4.3.2). */
__attribute__((nonnull, warn_unused_result)) int vly_tsig_digest_message(gnutls_hmac_hd_t hmac,
									 const uint8_t *message,
									 size_t len, uint16_t id,
									 unsigned additional_cnt);

/* All variables (§4.3.3). */
__attribute__((nonnull, warn_unused_result)) int
vly_tsig_digest_variables(gnutls_hmac_hd_t hmac, const struct vly_tsig_key *key,
			  const struct vly_tsig_variables *variables);

/* Whether a MAC of so many octets may be one of the key's algorithm (§5.2.2.1). */
__attribute__((nonnull)) bool vly_tsig_mac_len_is_good(const struct vly_tsig_key *key,
						       unsigned mac_len);

/* Whether the time signed is near enough to now (§5.2.3). */
__attribute__((nonnull)) bool vly_tsig_is_on_time(const struct vly_tsig *tsig, uint64_t now);

__attribute__((nonnull)) void vly_tsig_put_time(uint8_t *to, uint64_t seconds);

/* Octets of a record. */
__attribute__((nonnull)) size_t vly_tsig_record_bytes(unsigned name_len,
						      const struct vly_tsig_variables *variables,
						      unsigned mac_len);

/* Appends a record to a message, which has room for it, and counts it. */
__attribute__((nonnull)) void vly_tsig_record_put(uint8_t *message, size_t len, const uint8_t *name,
						  unsigned name_len,
						  const struct vly_tsig_variables *variables,
						  const uint8_t *mac, unsigned mac_len,
						  uint16_t original_id);

#endif
