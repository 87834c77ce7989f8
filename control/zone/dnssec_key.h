/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The keys of a signed zone, and signatures verified with them, by GnuTLS: algorithms 8, 10, 13,
 * 14, 15 and 16 (RFC 8624 §3.1).
 *
 * Use: vly_dnssec_keys_load() with the DNSKEY records of the apex, then vly_dnssec_key_verify();
 * vly_dnssec_keys_free(). Records are untrusted. Loaded keys are only read: any number of threads
 * may verify with them. No function blocks.
 */
#ifndef VLY_CONTROL_DNSSEC_KEY_H
#define VLY_CONTROL_DNSSEC_KEY_H

#include <gnutls/abstract.h>

#include "rrset.h"

/* DNSKEY records that are looked at. Zones have two to six; with more, each signature takes longer
 * to find its key. */
#define VLY_DNSSEC_KEYS_MAX 64

struct vly_dnssec_key {
	gnutls_pubkey_t pubkey; /* NULL: the algorithm is unknown, or the key is malformed */
	uint16_t tag;
	uint8_t algorithm;
	bool is_entry; /* RFC 4034 §2.1.1: the flag SEP, as keys have that the parent zone knows */
	bool is_revoked;   /* RFC 5011 §2.1: it signs the DNSKEY records alone */
	bool is_malformed; /* no signature verifies */
};

struct vly_dnssec_keys {
	unsigned cnt;
	bool has_entry; /* some key has the flag, and is not revoked */
	struct vly_dnssec_key key[VLY_DNSSEC_KEYS_MAX];
};

enum vly_dnssec_verdict {
	VLY_DNSSEC_GOOD,
	VLY_DNSSEC_BOGUS,
	VLY_DNSSEC_UNKNOWN, /* the algorithm, so that validators differ */
};

/* The key tag (RFC 4034 appendix B) of a DNSKEY record of at least 4 octets. */
__attribute__((nonnull)) uint16_t vly_dnssec_key_tag(const uint8_t *data, unsigned data_len);

/* Loads the zone keys (RFC 4034 §2.1.1) among the DNSKEY records; others are left out. */
__attribute__((nonnull)) void vly_dnssec_keys_load(struct vly_dnssec_keys *keys,
						   const struct vly_rrset *dnskey);

__attribute__((nonnull)) void vly_dnssec_keys_free(struct vly_dnssec_keys *keys);

/* Whether `signature`, as in an RRSIG, is one of `data` with this key. */
__attribute__((nonnull)) enum vly_dnssec_verdict
vly_dnssec_key_verify(const struct vly_dnssec_key *key, const uint8_t *data, size_t data_len,
		      const uint8_t *signature, unsigned signature_len);

#endif
