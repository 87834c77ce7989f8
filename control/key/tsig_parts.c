/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tsig_parts.h"

#include <string.h>

#include <volley/octets.h>

/* Class and TTL of the record, in the digest (§4.3.3). */
static const uint8_t class_and_ttl[6] = {0, VLY_CLASS_ANY};

void
vly_tsig_variables_find(struct vly_tsig_variables *variables, const struct vly_tsig *tsig,
			const uint8_t *message)
{
	const uint8_t *other = message + tsig->other_off;

	*variables = (struct vly_tsig_variables){
		.algorithm = &tsig->algorithm,
		.time = other - VLY_TSIG_TAIL_BYTES - tsig->mac_len - 2 - VLY_TSIG_TIME_BYTES,
		.tail = other - 4,
		.tail_len = 4u + tsig->other_len,
	};
}

static gnutls_mac_algorithm_t
mac_algorithm(const struct vly_tsig_key *key)
{
	static const gnutls_mac_algorithm_t algorithms[] = {
		[VLY_TSIG_HMAC_SHA1] = GNUTLS_MAC_SHA1,
		[VLY_TSIG_HMAC_SHA224] = GNUTLS_MAC_SHA224,
		[VLY_TSIG_HMAC_SHA256] = GNUTLS_MAC_SHA256,
		[VLY_TSIG_HMAC_SHA384] = GNUTLS_MAC_SHA384,
		[VLY_TSIG_HMAC_SHA512] = GNUTLS_MAC_SHA512,
	};

	return algorithms[key->algorithm];
}

int
vly_tsig_digest_begin(gnutls_hmac_hd_t *hmac, const struct vly_tsig_key *key, const uint8_t *before,
		      unsigned before_len)
{
	uint8_t mac_len[2];

	if (gnutls_hmac_init(hmac, mac_algorithm(key), key->secret, key->secret_len) != 0) {
		*hmac = NULL;
		return -1;
	}
	if (before_len == 0)
		return 0;
	vly_put_be16(mac_len, before_len);
	return gnutls_hmac(*hmac, mac_len, sizeof(mac_len)) |
	       gnutls_hmac(*hmac, before, before_len);
}

int
vly_tsig_digest_message(gnutls_hmac_hd_t hmac, const uint8_t *message, size_t len, uint16_t id,
			unsigned additional_cnt)
{
	uint8_t head[VLY_DNS_HEADER_BYTES];

	memcpy(head, message, sizeof(head));
	vly_put_be16(head, id);
	vly_put_be16(head + 10, additional_cnt);
	return gnutls_hmac(hmac, head, sizeof(head)) |
	       gnutls_hmac(hmac, message + sizeof(head), len - sizeof(head));
}

/* Names are digested in lower case and without pointers (§4.3.3). */
int
vly_tsig_digest_variables(gnutls_hmac_hd_t hmac, const struct vly_tsig_key *key,
			  const struct vly_tsig_variables *variables)
{
	const struct vly_message_name *algorithm = variables->algorithm;

	return gnutls_hmac(hmac, key->name, key->name_len) |
	       gnutls_hmac(hmac, class_and_ttl, sizeof(class_and_ttl)) |
	       gnutls_hmac(hmac, algorithm->wire, algorithm->len) |
	       gnutls_hmac(hmac, variables->time, VLY_TSIG_TIME_BYTES) |
	       gnutls_hmac(hmac, variables->tail, variables->tail_len);
}

bool
vly_tsig_mac_len_is_good(const struct vly_tsig_key *key, unsigned mac_len)
{
	const unsigned whole = vly_tsig_mac_bytes(key->algorithm);

	return mac_len <= whole && mac_len >= 10 && mac_len >= whole / 2;
}

bool
vly_tsig_is_on_time(const struct vly_tsig *tsig, uint64_t now)
{
	const uint64_t apart = now > tsig->time ? now - tsig->time : tsig->time - now;

	return apart <= tsig->fudge && apart <= VLY_TSIG_FUDGE_MAX;
}

void
vly_tsig_put_time(uint8_t *to, uint64_t seconds)
{
	vly_put_be16(to, (unsigned)(seconds >> 32));
	vly_put_be16(to + 2, (unsigned)(seconds >> 16));
	vly_put_be16(to + 4, (unsigned)seconds);
}

static unsigned
data_bytes(const struct vly_tsig_variables *variables, unsigned mac_len)
{
	return variables->algorithm->len + VLY_TSIG_TIME_BYTES + 2u + mac_len + 2 +
	       variables->tail_len;
}

size_t
vly_tsig_record_bytes(unsigned name_len, const struct vly_tsig_variables *variables,
		      unsigned mac_len)
{
	return name_len + 10u + data_bytes(variables, mac_len);
}

void
vly_tsig_record_put(uint8_t *message, size_t len, const uint8_t *name, unsigned name_len,
		    const struct vly_tsig_variables *variables, const uint8_t *mac,
		    unsigned mac_len, uint16_t original_id)
{
	const struct vly_message_name *algorithm = variables->algorithm;
	uint8_t *at = message + len;

	memcpy(at, name, name_len);
	at += name_len;
	vly_put_be16(at, VLY_TYPE_TSIG);
	memcpy(at + 2, class_and_ttl, sizeof(class_and_ttl));
	vly_put_be16(at + 8, data_bytes(variables, mac_len));
	at += 10;
	memcpy(at, algorithm->wire, algorithm->len);
	at += algorithm->len;
	memcpy(at, variables->time, VLY_TSIG_TIME_BYTES);
	at += VLY_TSIG_TIME_BYTES;
	vly_put_be16(at, mac_len);
	memcpy(at + 2, mac, mac_len);
	at += 2 + mac_len;
	vly_put_be16(at, original_id);
	memcpy(at + 2, variables->tail, variables->tail_len);
	vly_put_be16(message + 10, vly_be16(message + 10) + 1u);
}
