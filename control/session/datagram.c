/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "datagram.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <volley/dns.h>
#include <volley/octets.h>

#include "base/message.h"
#include "base/reason.h"

#define QUERY_BYTES_MAX 4096
#define TRIES_MAX       10

/* Datagrams of one event. More: a flood holds up the loop for longer. */
#define RECEIVE_MAX 8

struct vly_datagram {
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned handle_cnt; /* that the loop has not closed yet */
	int fd;
	bool over;
	const struct vly_datagram_callbacks *callbacks;
	void *arg;
	unsigned tries_left;
	uint64_t wait_ms; /* of the next try */
	unsigned ignored_cnt;
	int error; /* of the socket, the last one */
	struct vly_message_name name;
	uint16_t type;
	uint16_t class;
	size_t len;
	uint8_t message[];
};

uint16_t
vly_datagram_id(void)
{
	uint16_t id = 0;

	(void)gnutls_rnd(GNUTLS_RND_NONCE, &id,
			 sizeof(id)); /* fails with the whole of GnuTLS only */
	return id;
}

static void
on_closed(uv_handle_t *handle)
{
	struct vly_datagram *datagram = handle->data;

	if (--datagram->handle_cnt > 0)
		return;
	close(datagram->fd);
	free(datagram);
}

void
vly_datagram_cancel(struct vly_datagram *datagram)
{
	if (datagram->over)
		return;
	datagram->over = true;
	uv_close((uv_handle_t *)&datagram->poll, on_closed);
	uv_close((uv_handle_t *)&datagram->timer, on_closed);
}

static void
fail(struct vly_datagram *datagram, const char *what)
{
	char reason[VLY_REASON_BYTES];

	vly_datagram_cancel(datagram);
	if (datagram->error != 0)
		snprintf(reason, sizeof(reason), "%s: %s", what, strerror(datagram->error));
	else
		snprintf(reason, sizeof(reason), "%s", what);
	datagram->callbacks->failed(datagram->arg, reason);
}

/* Reads the one question. */
static bool
read_question(const uint8_t *message, size_t len, struct vly_message_name *name, uint16_t *type,
	      uint16_t *class)
{
	struct vly_message_reader reader = {message, len, VLY_DNS_HEADER_BYTES};

	if (len < VLY_DNS_HEADER_BYTES || vly_be16(message + 4) != 1 ||
	    !vly_message_question(&reader, name, type, class))
		return false;
	vly_message_name_lower(name);
	return true;
}

/* Whether the message answers the query, as far as its header and question show. A server that
 * could not read the query may leave the question out. */
static bool
is_response(const struct vly_datagram *datagram, const uint8_t *message, size_t len)
{
	const uint8_t *query = datagram->message;
	struct vly_message_name name;
	uint16_t type;
	uint16_t class;

	if (len < VLY_DNS_HEADER_BYTES || memcmp(message, query, 2) != 0 ||
	    (message[2] & 0xf8) != ((query[2] & 0x78) | 0x80))
		return false;
	if (vly_be16(message + 4) == 0)
		return (message[3] & 0x0f) != 0;
	return read_question(message, len, &name, &type, &class) && type == datagram->type &&
	       class == datagram->class && name.len == datagram->name.len &&
	       memcmp(name.wire, datagram->name.wire, name.len) == 0;
}

static void
take(struct vly_datagram *datagram, const uint8_t *message, size_t len)
{
	const struct vly_datagram_callbacks *callbacks = datagram->callbacks;

	if (is_response(datagram, message, len)) {
		const bool good = callbacks->answer(datagram->arg, message, len);
		if (good || datagram->over) {
			vly_datagram_cancel(datagram);
			return;
		}
	}
	datagram->error = 0;
	if (++datagram->ignored_cnt == VLY_DATAGRAM_IGNORED_MAX)
		fail(datagram, "too many responses were wrong");
}

/* An error, such as that the port is closed, is remembered: another try may find it open. */
static void
on_event(uv_poll_t *poll, int status, int events)
{
	static uint8_t message[UINT16_MAX]; /* the loop's alone */
	struct vly_datagram *datagram = poll->data;

	(void)status;
	(void)events;
	for (unsigned left = RECEIVE_MAX; left > 0 && !datagram->over; left--) {
		const ssize_t got = recv(datagram->fd, message, sizeof(message), MSG_DONTWAIT);
		if (got >= 0) {
			take(datagram, message, (size_t)got);
			continue;
		}
		if (errno == EAGAIN || errno == EINTR)
			break;
		datagram->error = errno;
	}
	if (!datagram->over && status < 0) /* libuv has stopped it */
		(void)uv_poll_start(poll, UV_READABLE, on_event);
}

static void
try_again(uv_timer_t *timer)
{
	struct vly_datagram *datagram = timer->data;
	const uint64_t wait_ms = datagram->wait_ms;

	if (datagram->tries_left == 0) {
		fail(datagram, "there was no response");
		return;
	}
	datagram->tries_left--;
	datagram->wait_ms *= 2;
	if (send(datagram->fd, datagram->message, datagram->len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		datagram->error = errno;
	(void)uv_timer_start(timer, try_again, wait_ms, 0);
}

static socklen_t
address_len(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					      : sizeof(struct sockaddr_in);
}

/* Returns the connected socket, so that the kernel drops what others send; or -1. */
static int
make_socket(const struct vly_datagram_query *query, char *reason, size_t reason_bytes)
{
	const struct sockaddr_storage *source = &query->source;
	const struct sockaddr_storage *address = &query->address;
	const char *what = "could not create a socket";
	int fd = socket(address->ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		goto failed;
	what = "could not use the source address";
	if (source->ss_family != 0 &&
	    bind(fd, (const struct sockaddr *)source, address_len(source)) != 0)
		goto failed;
	what = "could not send";
	if (connect(fd, (const struct sockaddr *)address, address_len(address)) == 0)
		return fd;
failed:
	snprintf(reason, reason_bytes, "%s: %m", what);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Returns the query without its handles, or NULL. */
static struct vly_datagram *
create(const struct vly_datagram_query *query, char *reason, size_t reason_bytes)
{
	struct vly_datagram *datagram = NULL;

	if (query->len > QUERY_BYTES_MAX || query->tries < 1 || query->tries > TRIES_MAX) {
		snprintf(reason, reason_bytes, "a query that can't be sent");
		return NULL;
	}
	datagram = calloc(1, sizeof(*datagram) + query->len);
	if (datagram == NULL) {
		snprintf(reason, reason_bytes, "out of memory");
		return NULL;
	}
	memcpy(datagram->message, query->message, query->len);
	datagram->len = query->len;
	datagram->tries_left = query->tries;
	datagram->wait_ms = query->wait_ms;
	if (read_question(query->message, query->len, &datagram->name, &datagram->type,
			  &datagram->class))
		return datagram;
	snprintf(reason, reason_bytes, "a query that can't be sent");
	free(datagram);
	return NULL;
}

struct vly_datagram *
vly_datagram_send(uv_loop_t *loop, const struct vly_datagram_query *query,
		  const struct vly_datagram_callbacks *callbacks, void *arg, char *reason,
		  size_t reason_bytes)
{
	struct vly_datagram *datagram = create(query, reason, reason_bytes);

	if (datagram == NULL)
		return NULL;
	datagram->callbacks = callbacks;
	datagram->arg = arg;
	datagram->fd = make_socket(query, reason, reason_bytes);
	if (datagram->fd < 0) {
		free(datagram);
		return NULL;
	}
	const int error = uv_poll_init(loop, &datagram->poll, datagram->fd);
	if (error != 0) {
		snprintf(reason, reason_bytes, "could not begin a query: %s", uv_strerror(error));
		close(datagram->fd);
		free(datagram);
		return NULL;
	}
	(void)uv_timer_init(loop, &datagram->timer);
	datagram->handle_cnt = 2;
	datagram->poll.data = datagram;
	datagram->timer.data = datagram;
	(void)uv_poll_start(&datagram->poll, UV_READABLE, on_event);
	uv_update_time(loop);
	try_again(&datagram->timer);
	return datagram;
}
