/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "session_parts.h"

static ssize_t
spoil_by_error(struct vly_session *session, int error)
{
	if (error == ECONNRESET || error == EPIPE)
		vly_session_spoil(session, VLY_SESSION_BROKEN, "the peer reset the connection");
	else
		vly_session_spoil(session, VLY_SESSION_BROKEN, "the connection broke: %s",
				  strerror(error));
	return VLY_SESSION_SPOILT;
}

ssize_t
vly_session_read(struct vly_session *session, uint8_t *octets, size_t len)
{
	if (session->tls != NULL)
		return vly_session_tls_read(session, octets, len);
	ssize_t got = recv(session->fd, octets, len, MSG_DONTWAIT);
	if (got >= 0)
		return got;
	if (errno == EAGAIN || errno == EINTR)
		return VLY_SESSION_WAIT;
	return spoil_by_error(session, errno);
}

ssize_t
vly_session_write(struct vly_session *session, const uint8_t *octets, size_t len)
{
	if (session->tls != NULL)
		return vly_session_tls_write(session, octets, len);
	ssize_t sent = send(session->fd, octets, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent > 0)
		return sent;
	if (sent == 0 || errno == EAGAIN || errno == EINTR)
		return VLY_SESSION_WAIT;
	return spoil_by_error(session, errno);
}

int
vly_session_shut(struct vly_session *session)
{
	const int result = session->tls != NULL ? vly_session_tls_end(session) : 0;

	if (result != 0)
		return result;
	(void)shutdown(session->fd,
		       SHUT_WR); /* fails when the peer has reset, which reading finds */
	return 0;
}
