/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "credentials.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file_text.h"
#include "credentials_parts.h"

/* The list of the system's authorities has some 200 KiB. */
#define FILE_BYTES_MAX (4 << 20)

/* What loading fails with. */
struct trouble {
	const char *profile;
	char *reason;
	size_t reason_bytes;
};

/* Writes "tls `profile`: path: why". Returns -1. */
static int
say(const struct trouble *trouble, const char *path, const char *why)
{
	snprintf(trouble->reason, trouble->reason_bytes, "tls `%s`: %s%s%s", trouble->profile,
		 path != NULL ? path : "", path != NULL ? ": " : "", why);
	return -1;
}

static int
say_gnutls(const struct trouble *trouble, const char *path, const char *what, int error)
{
	char why[256];

	snprintf(why, sizeof(why), "%s: %s", what, gnutls_strerror(error));
	return say(trouble, path, why);
}

static int
read_file(const struct trouble *trouble, const char *path, gnutls_datum_t *text)
{
	const char *why;
	size_t bytes;

	text->data = (unsigned char *)vly_file_read_string(path, FILE_BYTES_MAX, &bytes, &why);
	text->size = (unsigned)bytes;
	return text->data != NULL ? 0 : say(trouble, path, why);
}

static void
free_secret(gnutls_datum_t *text)
{
	if (text->data != NULL)
		explicit_bzero(text->data, text->size);
	free(text->data);
}

/* Finds out which of the two files is wrong, which GnuTLS does not say. */
static int
check_certificate(const struct trouble *trouble, const char *path, const gnutls_datum_t *text)
{
	gnutls_x509_crt_t *list = NULL;
	unsigned cnt = 0;
	const int error = gnutls_x509_crt_list_import2(&list, &cnt, text, GNUTLS_X509_FMT_PEM, 0);

	for (unsigned i = 0; error >= 0 && i < cnt; i++)
		gnutls_x509_crt_deinit(list[i]);
	if (error >= 0)
		gnutls_free(list);
	return error >= 0 ? 0 : say_gnutls(trouble, path, "this is no certificate in PEM", error);
}

static int
check_key(const struct trouble *trouble, const char *path, const gnutls_datum_t *text)
{
	gnutls_privkey_t key;
	int error = gnutls_privkey_init(&key);

	if (error != 0)
		return say_gnutls(trouble, path, "the key can't be read", error);
	error = gnutls_privkey_import_x509_raw(key, text, GNUTLS_X509_FMT_PEM, NULL, 0);
	gnutls_privkey_deinit(key);
	return error == 0 ? 0
			  : say_gnutls(trouble, path, "this is no key in PEM without a password",
				       error);
}

static int
set_pair(struct vly_credentials *credentials, const struct vly_credentials_source *source,
	 const struct trouble *trouble)
{
	gnutls_datum_t certificate = {0};
	gnutls_datum_t key = {0};
	int result = -1;

	if (read_file(trouble, source->certificate_file, &certificate) != 0 ||
	    read_file(trouble, source->key_file, &key) != 0 ||
	    check_certificate(trouble, source->certificate_file, &certificate) != 0 ||
	    check_key(trouble, source->key_file, &key) != 0)
		goto done;
	const int error = gnutls_certificate_set_x509_key_mem2(credentials->x509, &certificate,
							       &key, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (error == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		(void)say(trouble, source->key_file, "this key does not belong to the certificate");
	else if (error < 0)
		(void)say_gnutls(trouble, source->certificate_file, "can't be used", error);
	else
		result = 0;
done:
	free_secret(&certificate);
	free_secret(&key);
	return result;
}

static int
set_authorities(struct vly_credentials *credentials, const struct vly_credentials_source *source,
		const struct trouble *trouble)
{
	gnutls_datum_t text = {0};
	int cnt;

	if (source->ca_file != NULL) {
		if (read_file(trouble, source->ca_file, &text) != 0)
			return -1;
		cnt = gnutls_certificate_set_x509_trust_mem(credentials->x509, &text,
							    GNUTLS_X509_FMT_PEM);
		free(text.data);
		credentials->has_ca = true;
		if (cnt < 0)
			return say_gnutls(trouble, source->ca_file, "this is no certificate in PEM",
					  cnt);
		return cnt > 0 ? 0 : say(trouble, source->ca_file, "there is no certificate in it");
	}
	if (source->hostname == NULL || (source->roles & VLY_CREDENTIALS_CLIENT) == 0)
		return 0;
	cnt = gnutls_certificate_set_x509_system_trust(credentials->x509);
	if (cnt > 0 || source->opportunistic)
		return 0;
	return say(trouble, NULL,
		   "the system has no list of authorities (install ca-certificates, or set "
		   "`ca-file`)");
}

static int
check_source(const struct vly_credentials_source *source, const struct trouble *trouble)
{
	if ((source->certificate_file == NULL) != (source->key_file == NULL))
		return say(trouble, NULL,
			   "`certificate-file` and `key-file` are needed both, or neither");
	if ((source->roles & VLY_CREDENTIALS_SERVER) != 0 && source->certificate_file == NULL)
		return say(trouble, NULL, "a server needs `certificate-file` and `key-file`");
	if ((source->roles & VLY_CREDENTIALS_CLIENT) != 0 && !source->opportunistic &&
	    source->hostname == NULL && source->pin_cnt == 0)
		return say(trouble, NULL, "a client that verifies needs `hostname` or `pins`");
	return 0;
}

static bool
copy_texts(struct vly_credentials *credentials, const struct vly_credentials_source *source)
{
	credentials->name = strdup(source->name);
	credentials->roles = source->roles;
	credentials->opportunistic = source->opportunistic;
	if (source->hostname != NULL) {
		credentials->hostname = strdup(source->hostname);
		if (credentials->hostname == NULL)
			return false;
	}
	if (source->pin_cnt > 0) {
		credentials->pins = calloc(source->pin_cnt, VLY_PIN_BYTES);
		if (credentials->pins == NULL)
			return false;
		memcpy(credentials->pins, source->pins, (size_t)source->pin_cnt * VLY_PIN_BYTES);
		credentials->pin_cnt = source->pin_cnt;
	}
	return credentials->name != NULL;
}

/* Version 1.3 alone: RFC 9103 §8.1. */
static int
set_up(struct vly_credentials *credentials, const struct vly_credentials_source *source,
       const struct trouble *trouble)
{
	int error = gnutls_certificate_allocate_credentials(&credentials->x509);

	if (error == 0)
		error = gnutls_priority_init2(&credentials->priority, "-VERS-ALL:+VERS-TLS1.3",
					      NULL, GNUTLS_PRIORITY_INIT_DEF_APPEND);
	if (error == 0 && (source->roles & VLY_CREDENTIALS_SERVER) != 0)
		error = gnutls_session_ticket_key_generate(&credentials->ticket_key);
	if (error != 0)
		return say_gnutls(trouble, NULL, "TLS can't be set up", error);
	if (!copy_texts(credentials, source))
		return say(trouble, NULL, "out of memory");
	if (source->certificate_file != NULL && set_pair(credentials, source, trouble) != 0)
		return -1;
	return set_authorities(credentials, source, trouble);
}

struct vly_credentials *
vly_credentials_load(const struct vly_credentials_source *source, char *reason, size_t reason_bytes)
{
	const struct trouble trouble = {source->name, reason, reason_bytes};

	if (check_source(source, &trouble) != 0)
		return NULL;
	struct vly_credentials *credentials = calloc(1, sizeof(*credentials));
	if (credentials == NULL) {
		(void)say(&trouble, NULL, "out of memory");
		return NULL;
	}
	credentials->ref_cnt = 1;
	if (set_up(credentials, source, &trouble) == 0)
		return credentials;
	vly_credentials_release(credentials);
	return NULL;
}

void
vly_credentials_inherit(struct vly_credentials *credentials, const struct vly_credentials *previous)
{
	gnutls_datum_t key = {.size = previous->ticket_key.size};

	if (credentials->ticket_key.data == NULL || previous->ticket_key.data == NULL)
		return;
	key.data = gnutls_malloc(key.size);
	if (key.data == NULL)
		return; /* clients make whole handshakes */
	memcpy(key.data, previous->ticket_key.data, key.size);
	gnutls_memset(credentials->ticket_key.data, 0, credentials->ticket_key.size);
	gnutls_free(credentials->ticket_key.data);
	credentials->ticket_key = key;
}

struct vly_credentials *
vly_credentials_hold(struct vly_credentials *credentials)
{
	credentials->ref_cnt++;
	return credentials;
}

void
vly_credentials_release(struct vly_credentials *credentials)
{
	if (credentials == NULL || --credentials->ref_cnt > 0)
		return;
	for (unsigned i = 0; i < VLY_TICKET_MAX; i++)
		gnutls_free(credentials->tickets[i].session.data);
	if (credentials->ticket_key.data != NULL)
		gnutls_memset(credentials->ticket_key.data, 0, credentials->ticket_key.size);
	gnutls_free(credentials->ticket_key.data);
	if (credentials->x509 != NULL)
		gnutls_certificate_free_credentials(credentials->x509);
	if (credentials->priority != NULL)
		gnutls_priority_deinit(credentials->priority);
	free(credentials->name);
	free(credentials->hostname);
	free(credentials->pins);
	free(credentials);
}

bool
vly_credentials_is_opportunistic(const struct vly_credentials *credentials)
{
	return credentials->opportunistic;
}
