/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <volley/octets.h>

#include "session_parts.h"

/* More: a thousand slow readers hold as many times it in memory. Less: more turns of the loop for
 * the same octets. It is that of four records of TLS. */
#define QUEUE_BYTES (64 << 10)

/* As many octets are sent at once, fewer when the caller has returned to the loop: small messages of
 * a moment leave together, in one record of TLS. */
#define FLUSH_BYTES (16 << 10)

#define FIRST_BYTES_MAX (1 << 20)

void
vly_session_limits_default(struct vly_session_limits *limits)
{
	*limits = (struct vly_session_limits){
		.connect_ms = 5000,
		.handshake_ms = 10000,
		.message_ms = 30000,
		.idle_ms = 30000,
		.send_ms = 30000,
		.queue_bytes_max = QUEUE_BYTES,
	};
}

void
vly_session_spoil(struct vly_session *session, enum vly_session_end end, const char *format, ...)
{
	va_list list;

	if (session->failed)
		return;
	session->failed = true;
	session->end = end;
	va_start(list, format);
	vsnprintf(session->reason, sizeof(session->reason), format, list);
	va_end(list);
}

static void
release(struct vly_session *session)
{
	if (session->tls != NULL)
		vly_session_tls_free(session);
	vly_octet_queue_free(&session->in);
	vly_octet_queue_free(&session->out);
	if (session->fd >= 0)
		close(session->fd);
	free(session);
}

static void
on_closed(uv_handle_t *handle)
{
	struct vly_session *session = handle->data;

	if (--session->handle_cnt == 0)
		release(session);
}

/* The descriptor is closed with the rest, when libuv has forgotten it. Until then the peer would see
 * an open connection for a turn of the loop at most. */
void
vly_session_drop(struct vly_session *session)
{
	if (session->state == VLY_SESSION_GONE)
		return;
	session->state = VLY_SESSION_GONE;
	uv_close((uv_handle_t *)&session->timer, on_closed);
	uv_close((uv_handle_t *)&session->idle, on_closed);
	uv_close((uv_handle_t *)&session->poll, on_closed);
}

static void
copy_limits(struct vly_session *session, const struct vly_session_limits *limits)
{
	if (limits != NULL)
		session->limits = *limits;
	else
		vly_session_limits_default(&session->limits);
	if (session->limits.queue_bytes_max == 0)
		session->limits.queue_bytes_max = QUEUE_BYTES;
}

/* Takes `fd` over in any case. Returns NULL with a reason. */
static struct vly_session *
create(uv_loop_t *loop, int fd, const struct vly_session_limits *limits,
       const struct vly_session_callbacks *callbacks, void *arg, char *reason, size_t reason_bytes)
{
	struct vly_session *session = calloc(1, sizeof(*session));
	int error = session != NULL ? uv_poll_init(loop, &session->poll, fd) : UV_ENOMEM;

	if (error != 0) {
		snprintf(reason, reason_bytes, "could not begin a session: %s", uv_strerror(error));
		free(session);
		close(fd);
		return NULL;
	}
	(void)uv_timer_init(loop, &session->timer);
	(void)uv_idle_init(loop, &session->idle);
	session->handle_cnt = 3;
	session->poll.data = session;
	session->timer.data = session;
	session->idle.data = session;
	session->loop = loop;
	session->fd = fd;
	session->callbacks = callbacks;
	session->arg = arg;
	copy_limits(session, limits);
	uv_update_time(loop); /* times of a turn that has lasted long would be too short */
	session->born_ms = uv_now(loop);
	session->state_ms = session->born_ms;
	vly_session_clock_restart(session);
	/* Messages are written as a whole; fails for sockets that are not TCP. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	return session;
}

static socklen_t
address_len(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					      : sizeof(struct sockaddr_in);
}

/* Returns the descriptor, or -1 with a reason. */
static int
make_socket(const struct vly_session_target *target, char *reason, size_t reason_bytes)
{
	const struct sockaddr_storage *source = &target->source;
	int fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		snprintf(reason, reason_bytes, "could not create a socket: %m");
		return -1;
	}
	if (source->ss_family == 0)
		return fd;
	/* The port is chosen when connecting: many connections to different peers may share one. */
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
	if (bind(fd, (const struct sockaddr *)source, address_len(source)) != 0) {
		snprintf(reason, reason_bytes, "could not use the source address: %m");
		close(fd);
		return -1;
	}
	return fd;
}

struct vly_session *
vly_session_connect(uv_loop_t *loop, const struct vly_session_target *target,
		    const struct vly_session_limits *limits,
		    const struct vly_session_callbacks *callbacks, void *arg, char *reason,
		    size_t reason_bytes)
{
	const struct sockaddr_storage *address = &target->address;
	const int fd = make_socket(target, reason, reason_bytes);

	if (fd < 0)
		return NULL;
	struct vly_session *session =
		create(loop, fd, limits, callbacks, arg, reason, reason_bytes);
	if (session == NULL)
		return NULL;
	session->state = VLY_SESSION_CONNECTING;
	if (target->credentials != NULL) {
		if (vly_session_tls_new(session, target->credentials, NULL, 0, reason,
					reason_bytes) != 0) {
			vly_session_drop(session);
			return NULL;
		}
		vly_session_tls_aim(session, address);
	}
	if (connect(fd, (const struct sockaddr *)address, address_len(address)) == 0)
		session->soon = true;
	else if (errno != EINPROGRESS)
		vly_session_spoil(session, VLY_SESSION_UNREACHABLE,
				  "the connection could not be made: %m");
	vly_session_settle(session);
	return session;
}

struct vly_session *
vly_session_adopt(uv_loop_t *loop, int fd, struct vly_credentials *credentials,
		  const uint8_t *first, size_t first_len, const struct vly_session_limits *limits,
		  const struct vly_session_callbacks *callbacks, void *arg, char *reason,
		  size_t reason_bytes)
{
	int result;
	struct vly_session *session =
		create(loop, fd, limits, callbacks, arg, reason, reason_bytes);

	if (session == NULL)
		return NULL;
	session->is_server = true;
	session->state = VLY_SESSION_SHAKING;
	if (first_len > FIRST_BYTES_MAX) {
		snprintf(reason, reason_bytes, "too much had been read from the connection");
		result = -1;
	} else if (credentials != NULL) {
		result = vly_session_tls_new(session, credentials, first, first_len, reason,
					     reason_bytes);
	} else {
		result = vly_octet_queue_add(&session->in, first, first_len) ? 0 : -1;
		if (result != 0)
			snprintf(reason, reason_bytes, "out of memory");
		session->counts.received_bytes = first_len;
	}
	if (result != 0) {
		vly_session_drop(session);
		return NULL;
	}
	session->soon = true;
	vly_session_settle(session);
	return session;
}

static bool
may_send(struct vly_session *session, size_t len)
{
	const uint64_t max = session->limits.send_bytes_max;

	if (session->failed || session->finishing || session->state == VLY_SESSION_GONE)
		return false;
	if (max == 0 || session->counts.sent_bytes + session->out.len + len <= max)
		return true;
	vly_session_spoil(session, VLY_SESSION_LIMIT, "more than %llu octets were to be sent",
			  (unsigned long long)max);
	return false;
}

/* A message of more octets than a length can say is the caller's mistake; half of it must not go
 * out. */
static bool
queue_message(struct vly_session *session, const uint8_t *message, size_t len)
{
	uint8_t *to = len <= UINT16_MAX ? vly_octet_queue_space(&session->out, 2 + len) : NULL;

	if (to == NULL) {
		vly_session_spoil(session, VLY_SESSION_MEMORY, "%s",
				  len <= UINT16_MAX ? "out of memory"
						    : "a message has more than 65535 octets");
		return false;
	}
	if (session->out.len == 0)
		session->progress_ms = uv_now(session->loop);
	vly_put_be16(to, (unsigned)len);
	if (len > 0)
		memcpy(to + 2, message, len);
	session->out.len += 2 + len;
	session->counts.sent_cnt++;
	return true;
}

bool
vly_session_send(struct vly_session *session, const uint8_t *message, size_t len)
{
	const size_t max = session->limits.queue_bytes_max;

	if (may_send(session, 2 + len) && queue_message(session, message, len)) {
		session->soon = true;
		if (session->out.len >= FLUSH_BYTES || session->out.len >= max)
			vly_session_flush(session);
	}
	const bool has_room = !session->failed && session->out.len < max;
	if (!has_room)
		session->wants_room = true;
	vly_session_settle(session);
	return has_room;
}

void
vly_session_pause(struct vly_session *session)
{
	session->paused = true;
	vly_session_settle(session);
}

void
vly_session_resume(struct vly_session *session)
{
	if (!session->paused)
		return;
	session->paused = false;
	session->soon = true;
	vly_session_clock_restart(session);
	vly_session_settle(session);
}

void
vly_session_hand_over(struct vly_session *session, const struct vly_session_callbacks *callbacks,
		      void *arg)
{
	session->callbacks = callbacks;
	session->arg = arg;
}

void
vly_session_limit(struct vly_session *session, const struct vly_session_limits *limits)
{
	copy_limits(session, limits);
	session->state_ms = uv_now(session->loop);
	vly_session_clock_restart(session);
	vly_session_settle(session);
}

void
vly_session_finish(struct vly_session *session)
{
	session->finishing = true;
	session->soon = true;
	vly_session_settle(session);
}

void
vly_session_close(struct vly_session *session)
{
	vly_session_drop(session);
}

void
vly_session_count(const struct vly_session *session, struct vly_session_counts *counts)
{
	*counts = session->counts;
	counts->queued_bytes = session->out.len;
}
