/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dnssec_key.h"

#include <gnutls/crypto.h>

#include <volley/octets.h>

/* RFC 4034 §2.1; RFC 5011 §7 */
#define DNSKEY_HEAD_BYTES 4
#define FLAG_ZONE         0x0100
#define FLAG_REVOKE       0x0080
#define FLAG_ENTRY        0x0001
#define PROTOCOL_DNSSEC   3

#define RSAMD5 1

struct algorithm {
	uint8_t number;
	uint8_t key_bytes; /* 0: RSA */
	uint8_t signature_bytes;
	gnutls_ecc_curve_t curve;
	gnutls_sign_algorithm_t sign;
};

/* RFC 5702, RFC 6605, RFC 8080 */
static const struct algorithm algorithms[] = {
	{8, 0, 0, GNUTLS_ECC_CURVE_INVALID, GNUTLS_SIGN_RSA_SHA256},
	{10, 0, 0, GNUTLS_ECC_CURVE_INVALID, GNUTLS_SIGN_RSA_SHA512},
	{13, 64, 64, GNUTLS_ECC_CURVE_SECP256R1, GNUTLS_SIGN_ECDSA_SHA256},
	{14, 96, 96, GNUTLS_ECC_CURVE_SECP384R1, GNUTLS_SIGN_ECDSA_SHA384},
	{15, 32, 64, GNUTLS_ECC_CURVE_ED25519, GNUTLS_SIGN_EDDSA_ED25519},
	{16, 57, 114, GNUTLS_ECC_CURVE_ED448, GNUTLS_SIGN_EDDSA_ED448},
};

static const struct algorithm *
find_algorithm(uint8_t number)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (algorithms[i].number == number)
			return &algorithms[i];
	return NULL;
}

uint16_t
vly_dnssec_key_tag(const uint8_t *data, unsigned data_len)
{
	uint32_t sum = 0;

	if (data[3] == RSAMD5)
		return vly_be16(data + data_len - 3);
	for (unsigned i = 0; i < data_len; i++)
		sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
	return (uint16_t)(sum + (sum >> 16));
}

static gnutls_datum_t
datum(const uint8_t *data, size_t len)
{
	return (gnutls_datum_t){(unsigned char *)(uintptr_t)data, (unsigned)len};
}

/* RFC 3110 §2: the length of the exponent in one octet, or in two behind a 0; exponent; modulus. */
static int
import_rsa(gnutls_pubkey_t pubkey, const uint8_t *data, unsigned len)
{
	const unsigned head = len > 0 && data[0] == 0 ? 3 : 1;

	if (len < head)
		return -1;
	const unsigned exponent_len = head == 3 ? vly_be16(data + 1) : data[0];
	if (exponent_len == 0 || len - head <= exponent_len)
		return -1;
	const gnutls_datum_t exponent = datum(data + head, exponent_len);
	const gnutls_datum_t modulus = datum(data + head + exponent_len, len - head - exponent_len);
	return gnutls_pubkey_import_rsa_raw(pubkey, &modulus, &exponent);
}

static int
import_curve(gnutls_pubkey_t pubkey, const struct algorithm *algorithm, const uint8_t *data,
	     unsigned len)
{
	const bool is_ecdsa = algorithm->sign == GNUTLS_SIGN_ECDSA_SHA256 ||
			      algorithm->sign == GNUTLS_SIGN_ECDSA_SHA384;

	if (len != algorithm->key_bytes)
		return -1;
	const gnutls_datum_t x = datum(data, is_ecdsa ? len / 2 : len);
	const gnutls_datum_t y = datum(data + len / 2, len / 2);
	return gnutls_pubkey_import_ecc_raw(pubkey, algorithm->curve, &x, is_ecdsa ? &y : NULL);
}

static void
import(struct vly_dnssec_key *key, const uint8_t *data, unsigned len)
{
	const struct algorithm *algorithm = find_algorithm(key->algorithm);

	if (algorithm == NULL || gnutls_pubkey_init(&key->pubkey) != 0) {
		key->pubkey = NULL;
		return;
	}
	const int result = algorithm->key_bytes == 0
				   ? import_rsa(key->pubkey, data, len)
				   : import_curve(key->pubkey, algorithm, data, len);
	if (result >= 0)
		return;
	gnutls_pubkey_deinit(key->pubkey);
	key->pubkey = NULL;
	key->is_malformed = true;
}

void
vly_dnssec_keys_load(struct vly_dnssec_keys *keys, const struct vly_rrset *dnskey)
{
	keys->cnt = 0;
	keys->has_entry = false;
	for (unsigned i = 0; i < dnskey->record_cnt && keys->cnt < VLY_DNSSEC_KEYS_MAX; i++) {
		const uint8_t *data = dnskey->record[i]->data;
		const unsigned len = dnskey->record[i]->data_len;
		if (len <= DNSKEY_HEAD_BYTES || !(vly_be16(data) & FLAG_ZONE) ||
		    data[2] != PROTOCOL_DNSSEC)
			continue;
		struct vly_dnssec_key *key = &keys->key[keys->cnt++];
		*key = (struct vly_dnssec_key){
			.tag = vly_dnssec_key_tag(data, len),
			.algorithm = data[3],
			.is_entry = vly_be16(data) & FLAG_ENTRY,
			.is_revoked = vly_be16(data) & FLAG_REVOKE,
		};
		keys->has_entry |= key->is_entry && !key->is_revoked;
		import(key, data + DNSKEY_HEAD_BYTES, len - DNSKEY_HEAD_BYTES);
	}
}

void
vly_dnssec_keys_free(struct vly_dnssec_keys *keys)
{
	for (unsigned i = 0; i < keys->cnt; i++)
		if (keys->key[i].pubkey != NULL)
			gnutls_pubkey_deinit(keys->key[i].pubkey);
	keys->cnt = 0;
}

/* An ECDSA signature is two numbers of equal length (RFC 6605 §4); GnuTLS wants them in ASN.1. */
static enum vly_dnssec_verdict
verify_ecdsa(const struct vly_dnssec_key *key, const struct algorithm *algorithm,
	     const gnutls_datum_t *data, const uint8_t *signature)
{
	const unsigned half = algorithm->signature_bytes / 2u;
	const gnutls_datum_t r = datum(signature, half);
	const gnutls_datum_t s = datum(signature + half, half);
	gnutls_datum_t encoded;

	if (gnutls_encode_rs_value(&encoded, &r, &s) < 0)
		return VLY_DNSSEC_BOGUS;
	const int result =
		gnutls_pubkey_verify_data2(key->pubkey, algorithm->sign, 0, data, &encoded);
	gnutls_free(encoded.data);
	return result < 0 ? VLY_DNSSEC_BOGUS : VLY_DNSSEC_GOOD;
}

enum vly_dnssec_verdict
vly_dnssec_key_verify(const struct vly_dnssec_key *key, const uint8_t *data, size_t data_len,
		      const uint8_t *signature, unsigned signature_len)
{
	const struct algorithm *algorithm = find_algorithm(key->algorithm);
	const gnutls_datum_t signed_data = datum(data, data_len);
	const gnutls_datum_t raw = datum(signature, signature_len);

	if (key->is_malformed)
		return VLY_DNSSEC_BOGUS;
	if (key->pubkey == NULL || algorithm == NULL)
		return VLY_DNSSEC_UNKNOWN;
	if (algorithm->signature_bytes != 0 && signature_len != algorithm->signature_bytes)
		return VLY_DNSSEC_BOGUS;
	if (algorithm->sign == GNUTLS_SIGN_ECDSA_SHA256 ||
	    algorithm->sign == GNUTLS_SIGN_ECDSA_SHA384)
		return verify_ecdsa(key, algorithm, &signed_data, signature);
	return gnutls_pubkey_verify_data2(key->pubkey, algorithm->sign, 0, &signed_data, &raw) < 0
		       ? VLY_DNSSEC_BOGUS
		       : VLY_DNSSEC_GOOD;
}
