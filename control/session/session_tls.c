/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credentials_parts.h"
#include "session_parts.h"

/* One record (RFC 8446 §5.1). */
#define RECORD_BYTES_MAX 16384

/* Warnings and messages of the handshake between two waits. A peer has no reason to send more. */
#define ODDITIES_MAX 8

struct vly_session_tls {
	gnutls_session_t gnutls;
	struct vly_credentials *credentials;
	struct sockaddr_storage address; /* for tickets; family 0: none */
	struct vly_octet_queue first;    /* what others read from the socket */
	int fd;
	int error; /* of the socket, the last one */
	bool is_server;
	bool shaken;
	bool kept;      /* the ticket */
	bool unsent;    /* GnuTLS holds a record that we take for unsent */
	bool checked;   /* the peer, in this handshake */
	bool untrusted; /* with `reason` */
	struct vly_session_peer peer;
	char reason[VLY_REASON_BYTES];
};

static ssize_t
pull(gnutls_transport_ptr_t arg, void *octets, size_t len)
{
	struct vly_session_tls *tls = arg;

	if (tls->first.len > 0) {
		len = len < tls->first.len ? len : tls->first.len;
		memcpy(octets, vly_octet_queue_front(&tls->first), len);
		vly_octet_queue_drop(&tls->first, len);
		return (ssize_t)len;
	}
	const ssize_t got = recv(tls->fd, octets, len, MSG_DONTWAIT);
	if (got < 0) {
		tls->error = errno;
		gnutls_transport_set_errno(tls->gnutls, errno);
	}
	return got;
}

static ssize_t
push(gnutls_transport_ptr_t arg, const void *octets, size_t len)
{
	struct vly_session_tls *tls = arg;
	const ssize_t sent = send(tls->fd, octets, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0) {
		tls->error = errno;
		gnutls_transport_set_errno(tls->gnutls, errno);
	}
	return sent;
}

/* Nothing waits; GnuTLS must not look into `arg` for a descriptor. */
static int
pull_timeout(gnutls_transport_ptr_t arg, unsigned ms)
{
	(void)arg;
	(void)ms;
	return 1;
}

static int
check_peer(struct vly_session_tls *tls)
{
	tls->checked = true;
	if (vly_credentials_check(tls->credentials, tls->gnutls, tls->is_server, &tls->peer,
				  tls->reason, sizeof(tls->reason)) == 0)
		return 0;
	tls->untrusted = true;
	return -1;
}

/* Called in the handshake, so that a wrong server does not see our certificate. */
static int
on_certificate(gnutls_session_t gnutls)
{
	return check_peer(gnutls_session_get_ptr(gnutls));
}

static int
set_up(struct vly_session_tls *tls)
{
	static const gnutls_datum_t dot = {(unsigned char *)"dot", 3};
	struct vly_credentials *credentials = tls->credentials;
	const unsigned role =
		tls->is_server ? GNUTLS_SERVER : GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT;
	int error = gnutls_init(&tls->gnutls, role | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);

	if (error != 0)
		return error;
	error = gnutls_priority_set(tls->gnutls, credentials->priority);
	if (error == 0)
		error = gnutls_credentials_set(tls->gnutls, GNUTLS_CRD_CERTIFICATE,
					       credentials->x509);
	if (error == 0)
		error = gnutls_alpn_set_protocols(tls->gnutls, &dot, 1, GNUTLS_ALPN_MANDATORY);
	if (error == 0 && tls->is_server)
		error = gnutls_session_ticket_enable_server(tls->gnutls, &credentials->ticket_key);
	if (error != 0)
		return error;
	gnutls_session_set_ptr(tls->gnutls, tls);
	gnutls_session_set_verify_function(tls->gnutls, on_certificate);
	gnutls_transport_set_ptr(tls->gnutls, tls);
	gnutls_transport_set_pull_function(tls->gnutls, pull);
	gnutls_transport_set_push_function(tls->gnutls, push);
	gnutls_transport_set_pull_timeout_function(tls->gnutls, pull_timeout);
	if (tls->is_server) {
		/* clients with certificates of their own making show these, too */
		gnutls_certificate_server_set_request(tls->gnutls, GNUTLS_CERT_REQUEST);
		gnutls_certificate_send_x509_rdn_sequence(tls->gnutls, 1);
	}
	return 0;
}

static void
release(struct vly_session_tls *tls)
{
	if (tls->gnutls != NULL)
		gnutls_deinit(tls->gnutls);
	vly_octet_queue_free(&tls->first);
	vly_credentials_release(tls->credentials);
	free(tls);
}

int
vly_session_tls_new(struct vly_session *session, struct vly_credentials *credentials,
		    const uint8_t *first, size_t first_len, char *reason, size_t reason_bytes)
{
	const unsigned role = session->is_server ? VLY_CREDENTIALS_SERVER : VLY_CREDENTIALS_CLIENT;
	struct vly_session_tls *tls = calloc(1, sizeof(*tls));
	int error = GNUTLS_E_MEMORY_ERROR;

	if (tls != NULL) {
		tls->credentials = vly_credentials_hold(credentials);
		tls->is_server = session->is_server;
		tls->fd = session->fd;
		error = (credentials->roles & role) == 0 ? GNUTLS_E_INSUFFICIENT_CREDENTIALS
							 : set_up(tls);
		if (error == 0 && !vly_octet_queue_add(&tls->first, first, first_len))
			error = GNUTLS_E_MEMORY_ERROR;
	}
	if (error == 0) {
		session->tls = tls;
		return 0;
	}
	snprintf(reason, reason_bytes, "TLS with `%s` can't begin: %s", credentials->name,
		 gnutls_strerror(error));
	if (tls != NULL)
		release(tls);
	return -1;
}

/* RFC 6066 §3: addresses are no names of servers. */
static bool
is_address(const char *hostname)
{
	uint8_t octets[16];

	return inet_pton(AF_INET, hostname, octets) == 1 ||
	       inet_pton(AF_INET6, hostname, octets) == 1;
}

void
vly_session_tls_aim(struct vly_session *session, const struct sockaddr_storage *address)
{
	struct vly_session_tls *tls = session->tls;
	const char *hostname = tls->credentials->hostname;
	gnutls_datum_t ticket;

	tls->address = *address;
	if (hostname != NULL && !is_address(hostname))
		(void)gnutls_server_name_set(tls->gnutls, GNUTLS_NAME_DNS, hostname,
					     strlen(hostname));
	if (vly_credentials_ticket_take(tls->credentials, address, &ticket)) {
		(void)gnutls_session_set_data(tls->gnutls, ticket.data, ticket.size);
		gnutls_free(ticket.data);
	}
}

/* A last word, if the socket takes it: the peer can tell that nothing was cut off. */
void
vly_session_tls_free(struct vly_session *session)
{
	struct vly_session_tls *tls = session->tls;

	if (tls->shaken && !tls->unsent)
		(void)gnutls_bye(tls->gnutls, GNUTLS_SHUT_WR);
	release(tls);
	session->tls = NULL;
}

static void
spoil(struct vly_session *session, const char *what, int error)
{
	struct vly_session_tls *tls = session->tls;
	const enum vly_session_end end =
		session->counts.received_cnt == 0 ? VLY_SESSION_TLS : VLY_SESSION_BROKEN;

	if (tls->untrusted)
		vly_session_spoil(session, VLY_SESSION_UNTRUSTED, "%s", tls->reason);
	else if (error == GNUTLS_E_FATAL_ALERT_RECEIVED)
		vly_session_spoil(session, end, "the peer refused TLS: %s",
				  gnutls_alert_get_name(gnutls_alert_get(tls->gnutls)));
	else if (error == GNUTLS_E_PREMATURE_TERMINATION)
		vly_session_spoil(session, end, "the peer closed the connection %s", what);
	else if (error == GNUTLS_E_PULL_ERROR || error == GNUTLS_E_PUSH_ERROR)
		vly_session_spoil(session, end, "the connection broke %s: %s", what,
				  strerror(tls->error));
	else
		vly_session_spoil(session, end, "TLS failed %s: %s", what, gnutls_strerror(error));
}

static bool
is_waiting(int error)
{
	return error == GNUTLS_E_AGAIN || error == GNUTLS_E_INTERRUPTED;
}

/* The handshake is complete. Servers without ALPN say nothing about it. */
static int
accept_peer(struct vly_session *session, struct vly_session_peer *peer)
{
	struct vly_session_tls *tls = session->tls;
	gnutls_datum_t protocol;

	if (gnutls_alpn_get_selected_protocol(tls->gnutls, &protocol) != 0) {
		(void)gnutls_alert_send(tls->gnutls, GNUTLS_AL_FATAL,
					GNUTLS_A_NO_APPLICATION_PROTOCOL);
		vly_session_spoil(session, VLY_SESSION_TLS,
				  "the peer does not name the protocol `dot` (ALPN)");
		return VLY_SESSION_SPOILT;
	}
	if (!tls->checked && check_peer(tls) != 0) {
		(void)gnutls_alert_send(tls->gnutls, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
		spoil(session, "", 0);
		return VLY_SESSION_SPOILT;
	}
	tls->shaken = true;
	tls->peer.tls = true;
	tls->peer.resumed = gnutls_session_is_resumed(tls->gnutls) != 0;
	*peer = tls->peer;
	return 0;
}

int
vly_session_tls_shake(struct vly_session *session, struct vly_session_peer *peer)
{
	struct vly_session_tls *tls = session->tls;
	int error = GNUTLS_E_INTERNAL_ERROR;

	for (unsigned left = ODDITIES_MAX; left > 0; left--) {
		error = gnutls_handshake(tls->gnutls);
		if (error == 0)
			return accept_peer(session, peer);
		if (is_waiting(error))
			return VLY_SESSION_WAIT;
		if (gnutls_error_is_fatal(error))
			break;
	}
	(void)gnutls_alert_send_appropriate(tls->gnutls, error);
	spoil(session, "in the TLS handshake", error);
	return VLY_SESSION_SPOILT;
}

bool
vly_session_tls_wants_write(const struct vly_session *session)
{
	return gnutls_record_get_direction(session->tls->gnutls) == 1;
}

bool
vly_session_tls_holds(const struct vly_session *session)
{
	return gnutls_record_check_pending(session->tls->gnutls) > 0 || session->tls->first.len > 0;
}

/* The ticket comes with or before the first message. Asking for it earlier would wait. */
static void
keep_ticket(struct vly_session_tls *tls)
{
	gnutls_datum_t data;

	if (tls->kept || tls->address.ss_family == 0 ||
	    (gnutls_session_get_flags(tls->gnutls) & GNUTLS_SFLAGS_SESSION_TICKET) == 0)
		return;
	tls->kept = true;
	if (gnutls_session_get_data2(tls->gnutls, &data) == 0)
		vly_credentials_ticket_keep(tls->credentials, &tls->address, &data);
}

/* A peer that closes without ending TLS has cut off nothing that we need, if it does so between two
 * messages: DNS says itself when a response is complete. */
ssize_t
vly_session_tls_read(struct vly_session *session, uint8_t *octets, size_t len)
{
	struct vly_session_tls *tls = session->tls;
	ssize_t got = GNUTLS_E_INTERNAL_ERROR;

	for (unsigned left = ODDITIES_MAX; left > 0; left--) {
		got = gnutls_record_recv(tls->gnutls, octets, len);
		if (got > 0)
			keep_ticket(tls);
		if (got >= 0)
			return got;
		if (is_waiting((int)got))
			return VLY_SESSION_WAIT;
		if (got == GNUTLS_E_PREMATURE_TERMINATION)
			return 0;
		if (gnutls_error_is_fatal((int)got))
			break;
	}
	spoil(session, "while receiving", (int)got);
	return VLY_SESSION_SPOILT;
}

/* When the socket does not take a whole record, GnuTLS keeps the rest, and must be asked to send it
 * before there is another. The octets count as unsent until then. 0: what was kept was a record of its
 * own, such as a ticket, and the octets are still to be sent. */
ssize_t
vly_session_tls_write(struct vly_session *session, const uint8_t *octets, size_t len)
{
	struct vly_session_tls *tls = session->tls;
	const size_t part = len < RECORD_BYTES_MAX ? len : RECORD_BYTES_MAX;
	ssize_t sent = 0;

	for (unsigned left = ODDITIES_MAX; left > 0 && sent == 0; left--) {
		sent = tls->unsent ? gnutls_record_send(tls->gnutls, NULL, 0)
				   : gnutls_record_send(tls->gnutls, octets, part);
		tls->unsent = is_waiting((int)sent);
	}
	if (sent > 0)
		return sent;
	if (tls->unsent)
		return VLY_SESSION_WAIT;
	spoil(session, "while sending", (int)sent);
	return VLY_SESSION_SPOILT;
}

int
vly_session_tls_end(struct vly_session *session)
{
	const int error = gnutls_bye(session->tls->gnutls, GNUTLS_SHUT_WR);

	/* with any other error the peer has gone: it has all, or there is no more to be done */
	return is_waiting(error) ? VLY_SESSION_WAIT : 0;
}
