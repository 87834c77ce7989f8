/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>

#include "credentials_parts.h"

void
vly_pin_print(char text[VLY_PIN_TEXT_BYTES], const uint8_t pin[VLY_PIN_BYTES])
{
	const gnutls_datum_t octets = {(unsigned char *)(uintptr_t)pin, VLY_PIN_BYTES};
	gnutls_datum_t encoded;

	text[0] = '\0';
	if (gnutls_base64_encode2(&octets, &encoded) != 0)
		return;
	snprintf(text, VLY_PIN_TEXT_BYTES, "%.*s", (int)encoded.size, (const char *)encoded.data);
	gnutls_free(encoded.data);
}

/* Returns false: the peer has no certificate, or one without a key that can be read. */
static bool
read_pin(gnutls_session_t tls, uint8_t pin[VLY_PIN_BYTES])
{
	unsigned cnt = 0;
	const gnutls_datum_t *list = gnutls_certificate_get_peers(tls, &cnt);
	gnutls_x509_crt_t certificate;
	size_t pin_bytes = VLY_PIN_BYTES;

	if (list == NULL || cnt == 0 || gnutls_x509_crt_init(&certificate) != 0)
		return false;
	/* this ID of a key is the hash of its SubjectPublicKeyInfo */
	const bool good = gnutls_x509_crt_import(certificate, &list[0], GNUTLS_X509_FMT_DER) == 0 &&
			  gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, pin,
						     &pin_bytes) == 0 &&
			  pin_bytes == VLY_PIN_BYTES;
	gnutls_x509_crt_deinit(certificate);
	return good;
}

static bool
has_pin(const struct vly_credentials *credentials, const uint8_t pin[VLY_PIN_BYTES])
{
	for (unsigned i = 0; i < credentials->pin_cnt; i++)
		if (memcmp(credentials->pins[i], pin, VLY_PIN_BYTES) == 0)
			return true;
	return false;
}

/* The first of GnuTLS's objections that we have words for. */
static void
say_status(const struct vly_credentials *credentials, unsigned status, char *reason,
	   size_t reason_bytes)
{
	const char *why = "its chain is not good";
	gnutls_datum_t text = {0};

	if (status & GNUTLS_CERT_UNEXPECTED_OWNER) {
		snprintf(reason, reason_bytes, "the peer's certificate is not for the name `%s`",
			 credentials->hostname);
		return;
	}
	if (status & GNUTLS_CERT_EXPIRED)
		why = "it has expired";
	else if (status & GNUTLS_CERT_NOT_ACTIVATED)
		why = "it is not valid yet";
	else if (status & GNUTLS_CERT_REVOKED)
		why = "it is revoked";
	else if (status & GNUTLS_CERT_SIGNER_NOT_FOUND)
		why = "no authority that we trust has issued it";
	else if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) ==
		 0)
		why = (const char *)text.data;
	snprintf(reason, reason_bytes, "the peer's certificate is not trusted by tls `%s`: %s",
		 credentials->name, why);
	gnutls_free(text.data);
}

static int
check_pin(const struct vly_credentials *credentials, const struct vly_session_peer *peer,
	  char *reason, size_t reason_bytes)
{
	char text[VLY_PIN_TEXT_BYTES];

	if (has_pin(credentials, peer->pin))
		return 0;
	vly_pin_print(text, peer->pin);
	snprintf(reason, reason_bytes,
		 "the peer's key has the pin %s, which tls `%s` does not have", text,
		 credentials->name);
	return -1;
}

static int
check_chain(const struct vly_credentials *credentials, gnutls_session_t tls, const char *hostname,
	    char *reason, size_t reason_bytes)
{
	unsigned status = 0;
	const int error = gnutls_certificate_verify_peers3(tls, hostname, &status);

	if (error == 0 && status == 0)
		return 0;
	if (error != 0)
		snprintf(reason, reason_bytes, "the peer's certificate can't be verified: %s",
			 gnutls_strerror(error));
	else
		say_status(credentials, status, reason, reason_bytes);
	return -1;
}

static int
check_server(const struct vly_credentials *credentials, gnutls_session_t tls,
	     struct vly_session_peer *peer, char *reason, size_t reason_bytes)
{
	const bool by_pin = credentials->pin_cnt > 0;
	const bool by_name = credentials->hostname != NULL;
	const bool good = (by_pin || by_name) &&
			  (!by_pin || check_pin(credentials, peer, reason, reason_bytes) == 0) &&
			  (!by_name || check_chain(credentials, tls, credentials->hostname, reason,
						   reason_bytes) == 0);

	peer->verified = good;
	return good || credentials->opportunistic ? 0 : -1;
}

static int
check_client(const struct vly_credentials *credentials, gnutls_session_t tls,
	     struct vly_session_peer *peer, char *reason, size_t reason_bytes)
{
	char why[64]; /* nobody reads it: an access list may permit the pin */

	if (credentials->pin_cnt > 0) {
		if (check_pin(credentials, peer, reason, reason_bytes) != 0)
			return -1;
		peer->verified = true;
	}
	if (credentials->has_ca && check_chain(credentials, tls, NULL, why, sizeof(why)) == 0)
		peer->verified = true;
	return 0;
}

int
vly_credentials_check(const struct vly_credentials *credentials, gnutls_session_t tls,
		      bool is_server, struct vly_session_peer *peer, char *reason,
		      size_t reason_bytes)
{
	peer->has_pin = read_pin(tls, peer->pin);
	if (peer->has_pin)
		return is_server ? check_client(credentials, tls, peer, reason, reason_bytes)
				 : check_server(credentials, tls, peer, reason, reason_bytes);
	if (is_server ? credentials->pin_cnt == 0 : credentials->opportunistic)
		return 0;
	snprintf(reason, reason_bytes, "the peer has no certificate, and tls `%s` needs one",
		 credentials->name);
	return -1;
}

static bool
is_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool
vly_credentials_ticket_take(struct vly_credentials *credentials,
			    const struct sockaddr_storage *address, gnutls_datum_t *session)
{
	for (unsigned i = 0; i < VLY_TICKET_MAX; i++) {
		struct vly_ticket *ticket = &credentials->tickets[i];
		if (ticket->session.data == NULL || !is_same(&ticket->address, address))
			continue;
		*session = ticket->session;
		ticket->session = (gnutls_datum_t){0};
		return true;
	}
	return false;
}

/* The place of this address, an empty one, or that of another. */
static struct vly_ticket *
find_place(struct vly_credentials *credentials, const struct sockaddr_storage *address)
{
	struct vly_ticket *place = NULL;

	for (unsigned i = 0; i < VLY_TICKET_MAX; i++) {
		struct vly_ticket *ticket = &credentials->tickets[i];
		if (is_same(&ticket->address, address))
			return ticket;
		if (place == NULL && ticket->session.data == NULL)
			place = ticket;
	}
	if (place == NULL)
		place = &credentials->tickets[credentials->ticket_next++ % VLY_TICKET_MAX];
	return place;
}

void
vly_credentials_ticket_keep(struct vly_credentials *credentials,
			    const struct sockaddr_storage *address, const gnutls_datum_t *session)
{
	struct vly_ticket *place = find_place(credentials, address);

	gnutls_free(place->session.data);
	place->address = *address;
	place->session = *session;
}
