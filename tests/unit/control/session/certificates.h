/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes keys and certificates, in PEM files of a directory of the test's own. */
#ifndef VLY_TEST_CERTIFICATES_H
#define VLY_TEST_CERTIFICATES_H

#include <criterion/criterion.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct certificate {
	char path[128];
	char key_path[128];
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	uint8_t pin[32];
};

static char certificate_dir[64];

static inline void
certificate_dir_make(void)
{
	snprintf(certificate_dir, sizeof(certificate_dir), "/tmp/volley-tls-XXXXXX");
	cr_assert_not_null(mkdtemp(certificate_dir));
}

static inline void
certificate_dir_remove(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", certificate_dir);
	cr_assert_eq(system(command), 0);
}

static inline void
write_file(const char *path, const void *octets, size_t len)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	cr_assert_eq(fwrite(octets, 1, len, file), len);
	cr_assert_eq(fclose(file), 0);
}

/* The pin by another way than the tested one: hash of the exported public key. */
static inline void
make_pin(struct certificate *certificate)
{
	gnutls_pubkey_t key;
	gnutls_datum_t der;

	gnutls_pubkey_init(&key);
	cr_assert_eq(gnutls_pubkey_import_x509(key, certificate->crt, 0), 0);
	cr_assert_eq(gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &der), 0);
	gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, certificate->pin);
	gnutls_free(der.data);
	gnutls_pubkey_deinit(key);
}

/* `name`: of the file, and of the host; `issuer`: NULL for one that signs itself, and may sign
 * others; `days`: of validity, negative for one that has expired. */
static inline void
certificate_make(struct certificate *certificate, const char *name,
		 const struct certificate *issuer, int days)
{
	static unsigned char serial = 1;
	const time_t now = time(NULL);
	gnutls_datum_t pem;

	snprintf(certificate->path, sizeof(certificate->path), "%s/%s.pem", certificate_dir, name);
	snprintf(certificate->key_path, sizeof(certificate->key_path), "%s/%s.key", certificate_dir,
		 name);
	gnutls_x509_privkey_init(&certificate->key);
	cr_assert_eq(gnutls_x509_privkey_generate(certificate->key, GNUTLS_PK_ECDSA,
						  GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
						  0),
		     0);
	gnutls_x509_crt_t crt;
	gnutls_x509_crt_init(&crt);
	certificate->crt = crt;
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_serial(crt, &serial, 1);
	serial++;
	gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
				      (unsigned)strlen(name));
	gnutls_x509_crt_set_activation_time(crt, now - 40 * 86400);
	gnutls_x509_crt_set_expiration_time(crt, now + days * 86400);
	gnutls_x509_crt_set_key(crt, certificate->key);
	gnutls_x509_crt_set_basic_constraints(crt, issuer == NULL, -1);
	gnutls_x509_crt_set_key_usage(crt, issuer == NULL ? GNUTLS_KEY_KEY_CERT_SIGN |
								    GNUTLS_KEY_DIGITAL_SIGNATURE
							  : GNUTLS_KEY_DIGITAL_SIGNATURE);
	gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name),
					     GNUTLS_FSAN_SET);
	cr_assert_eq(gnutls_x509_crt_sign2(crt, issuer != NULL ? issuer->crt : crt,
					   issuer != NULL ? issuer->key : certificate->key,
					   GNUTLS_DIG_SHA256, 0),
		     0);
	cr_assert_eq(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), 0);
	write_file(certificate->path, pem.data, pem.size);
	gnutls_free(pem.data);
	cr_assert_eq(gnutls_x509_privkey_export2(certificate->key, GNUTLS_X509_FMT_PEM, &pem), 0);
	write_file(certificate->key_path, pem.data, pem.size);
	gnutls_free(pem.data);
	make_pin(certificate);
}

static inline void
certificate_free(struct certificate *certificate)
{
	gnutls_x509_crt_deinit(certificate->crt);
	gnutls_x509_privkey_deinit(certificate->key);
}

#endif
