/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A TLS handshake succeeds, the certificate is for the name, and it is valid for long enough. */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "probe_parts.h"

struct tls_probe {
	struct vly_socket_probe socket;
	bool is_connected;
	gnutls_session_t session;
	gnutls_certificate_credentials_t own; /* or NULL: those of the prober are used */
};

static void
release(struct vly_probe *base)
{
	struct tls_probe *probe = (struct tls_probe *)base;

	if (probe->session)
		gnutls_deinit(probe->session);
	if (probe->own)
		gnutls_certificate_free_credentials(probe->own);
	vly_probe_close(base);
}

static void
finish(struct tls_probe *probe, enum vly_probe_code code, const char *text)
{
	struct vly_probe_result result;

	vly_probe_say(&result, code, "%s", text);
	vly_probe_finish(&probe->socket.probe, &result);
}

/* When the server's own certificate expires; -1: it can't be told. */
static time_t
expiry_of(gnutls_session_t session)
{
	unsigned cnt = 0;
	const gnutls_datum_t *list = gnutls_certificate_get_peers(session, &cnt);
	gnutls_x509_crt_t certificate;
	time_t expiry = -1;

	if (!list || cnt == 0 || gnutls_x509_crt_init(&certificate) < 0)
		return -1;
	if (gnutls_x509_crt_import(certificate, &list[0], GNUTLS_X509_FMT_DER) == 0)
		expiry = gnutls_x509_crt_get_expiration_time(certificate);
	gnutls_x509_crt_deinit(certificate);
	return expiry;
}

static void
judge(struct tls_probe *probe)
{
	const struct vly_health_check *check = probe->socket.probe.check;
	const time_t expiry = expiry_of(probe->session);
	const double left_s = difftime(expiry, time(NULL));
	char text[120];

	if (expiry == -1) {
		finish(probe, VLY_PROBE_FAILED, "the server has no certificate that can be read");
		return;
	}
	const bool is_good = left_s * 1000 >= (double)VLY_PROBE_NUMBER(check, CERTIFICATE_MIN) ||
			     (VLY_PROBE_NUMBER(check, CERTIFICATE_MIN) == 0 &&
			      VLY_PROBE_NUMBER(check, VERIFY) == 0);
	snprintf(text, sizeof(text), "the certificate %s %.1f days%s",
		 left_s < 0 ? "expired" : "expires in", (left_s < 0 ? -left_s : left_s) / 86400,
		 left_s < 0 ? " ago"
		 : is_good  ? ""
			    : ", which is less than certificate-min");
	finish(probe, is_good ? VLY_PROBE_PASSED : VLY_PROBE_FAILED, text);
}

static void
fail_handshake(struct tls_probe *probe, int error)
{
	char text[2 * VLY_HEALTH_REASON_BYTES];
	gnutls_datum_t why = {0};

	if (error == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR &&
	    gnutls_certificate_verification_status_print(
		    gnutls_session_get_verify_cert_status(probe->session), GNUTLS_CRT_X509, &why,
		    0) == 0)
		snprintf(text, sizeof(text), "%s", (const char *)why.data);
	else
		snprintf(text, sizeof(text), "the TLS handshake failed: %s",
			 gnutls_strerror(error));
	gnutls_free(why.data);
	finish(probe, VLY_PROBE_FAILED, text);
}

static void
on_event(uv_poll_t *poll, int status, int events)
{
	struct tls_probe *probe = poll->data;
	const int error = !probe->is_connected || status < 0
				  ? vly_probe_connect_error(probe->socket.fd, status)
				  : 0;

	(void)events;
	if (error) {
		char text[120];
		snprintf(text, sizeof(text), "%s failed: %s",
			 probe->is_connected ? "the connection" : "connecting", strerror(error));
		finish(probe, VLY_PROBE_FAILED, text);
		return;
	}
	probe->is_connected = true;
	probe->socket.probe.stage = "in the TLS handshake";
	int result = gnutls_handshake(probe->session);
	if (result == 0)
		judge(probe);
	else if (gnutls_error_is_fatal(result))
		fail_handshake(probe, result);
	else
		uv_poll_start(poll,
			      gnutls_record_get_direction(probe->session) ? UV_WRITABLE
									  : UV_READABLE,
			      on_event);
}

/* Returns 0, or an error of GnuTLS. Reading the authorities of the system takes some 60 ms, once. */
static int
find_credentials(struct tls_probe *probe, gnutls_certificate_credentials_t *credentials)
{
	struct vly_prober *prober = probe->socket.probe.prober;
	const char *path = VLY_PROBE_TEXT(probe->socket.probe.check, CA_FILE);
	int result;

	if (path) {
		result = gnutls_certificate_allocate_credentials(&probe->own);
		if (result == 0)
			result = gnutls_certificate_set_x509_trust_file(probe->own, path,
									GNUTLS_X509_FMT_PEM);
		*credentials = probe->own;
		return result < 0 ? result : 0;
	}
	if (!prober->authorities) {
		result = gnutls_certificate_allocate_credentials(&prober->authorities);
		if (result < 0)
			return result;
		(void)gnutls_certificate_set_x509_system_trust(prober->authorities);
	}
	*credentials = prober->authorities;
	return 0;
}

static int
make_session(struct tls_probe *probe)
{
	const struct vly_health_check *check = probe->socket.probe.check;
	const char *host = VLY_PROBE_TEXT(check, HOST);
	gnutls_certificate_credentials_t credentials;
	int result = find_credentials(probe, &credentials);

	if (result == 0)
		result = gnutls_init(&probe->session,
				     GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	if (result == 0)
		result = gnutls_set_default_priority(probe->session);
	if (result == 0)
		result =
			gnutls_credentials_set(probe->session, GNUTLS_CRD_CERTIFICATE, credentials);
	if (result == 0 && host)
		result =
			gnutls_server_name_set(probe->session, GNUTLS_NAME_DNS, host, strlen(host));
	if (result == 0 && VLY_PROBE_NUMBER(check, VERIFY))
		gnutls_session_set_verify_cert(probe->session, host, 0);
	return result;
}

struct vly_probe *
vly_probe_tls(struct vly_prober *prober, const struct vly_health_check *check,
	      struct vly_probe_result *result)
{
	struct tls_probe *probe = calloc(1, sizeof(*probe));

	if (!probe)
		return vly_probe_say(result, VLY_PROBE_UNABLE, "out of memory");
	probe->socket.probe = (struct vly_probe){
		.prober = prober,
		.check = check,
		.stage = "connecting",
		.release = release,
	};
	int error = make_session(probe);
	if (error < 0) {
		vly_probe_say(result, VLY_PROBE_UNABLE, "TLS can't be set up: %s",
			      gnutls_strerror(error));
	} else {
		gnutls_session_t session = probe->session;
		gnutls_certificate_credentials_t own = probe->own;
		if (vly_probe_open(&probe->socket, SOCK_STREAM, 0,
				   (unsigned)VLY_PROBE_NUMBER(check, PORT), UV_WRITABLE, on_event,
				   result) == 0) {
			gnutls_transport_set_int(session, probe->socket.fd);
			return &probe->socket.probe;
		}
		gnutls_deinit(session);
		if (own)
			gnutls_certificate_free_credentials(own);
		return NULL;
	}
	if (probe->session)
		gnutls_deinit(probe->session);
	if (probe->own)
		gnutls_certificate_free_credentials(probe->own);
	free(probe);
	return NULL;
}
