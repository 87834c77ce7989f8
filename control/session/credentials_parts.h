/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Credentials from inside, for credentials*.c and session_tls.c alone. */
#ifndef VLY_CONTROL_CREDENTIALS_PARTS_H
#define VLY_CONTROL_CREDENTIALS_PARTS_H

#include <gnutls/gnutls.h>
#include <sys/socket.h>

#include "credentials.h"
#include "session.h"

/* Tickets that are kept as client, one for each address. More: more memory, 1 or 2 KiB each. Less:
 * with more primaries than that a connection costs a whole handshake. */
#define VLY_TICKET_MAX 64

struct vly_ticket {
	struct sockaddr_storage address;
	gnutls_datum_t session; /* data NULL: none */
};

struct vly_credentials {
	unsigned ref_cnt;
	char *name;
	unsigned roles;
	bool opportunistic;
	bool has_ca;    /* a file of authorities */
	char *hostname; /* or NULL */
	uint8_t (*pins)[VLY_PIN_BYTES];
	unsigned pin_cnt;
	gnutls_certificate_credentials_t x509;
	gnutls_priority_t priority;
	gnutls_datum_t ticket_key;                 /* server */
	struct vly_ticket tickets[VLY_TICKET_MAX]; /* client */
	unsigned ticket_next;                      /* the one to give up for another address */
};

/*
 * Checks the peer of a handshake, as credentials.h says, and writes down its pin. Returns 0; or -1
 * with a sentence: it is not the one that the credentials ask for.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_credentials_check(const struct vly_credentials *credentials, gnutls_session_t tls,
		      bool is_server, struct vly_session_peer *peer, char *reason,
		      size_t reason_bytes);

/* Gives out the ticket for an address, which is used once, so that nobody can see that two
 * connections are of one client (RFC 8446 §C.4). Returns false if there is none; otherwise the caller
 * frees the data with gnutls_free(). */
__attribute__((nonnull, warn_unused_result)) bool
vly_credentials_ticket_take(struct vly_credentials *credentials,
			    const struct sockaddr_storage *address, gnutls_datum_t *session);

/* Keeps a ticket, and takes over its data. */
__attribute__((nonnull)) void vly_credentials_ticket_keep(struct vly_credentials *credentials,
							  const struct sockaddr_storage *address,
							  const gnutls_datum_t *session);

#endif
