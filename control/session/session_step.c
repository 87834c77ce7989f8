/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include <volley/octets.h>

#include "session_parts.h"

/* Reads of one step. More: one fast peer holds up the loop for longer. Fewer: more turns of the loop
 * for the same octets. */
#define READ_MAX 4

/* Octets that are asked for, as long as the message's length is not known to need more. It grows
 * with what really arrives: a peer that announces 64 KiB and sends one octet gets no memory. */
#define READ_BYTES_MIN 516

/* Octets after which a session keeps its memory when all is delivered, and reads much at a time: more
 * will come. Less: more sessions hold 64 KiB. More: large transfers have small reads for longer. */
#define BULK_BYTES (256 << 10)

static void
enter(struct vly_session *session, enum vly_session_state state)
{
	session->state = state;
	session->state_ms = uv_now(session->loop);
	vly_session_clock_restart(session);
}

static bool
is_over(const struct vly_session *session)
{
	return session->state == VLY_SESSION_GONE;
}

/* Whether the socket says that it is connected. */
static void
step_connect(struct vly_session *session)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	int error = 0;
	socklen_t error_len = sizeof(error);

	if (getsockopt(session->fd, SOL_SOCKET, SO_ERROR, &error, &error_len) != 0)
		error = errno;
	if (error != 0)
		vly_session_spoil(session, VLY_SESSION_UNREACHABLE,
				  "the connection could not be made: %s", strerror(error));
	else if (getpeername(session->fd, (struct sockaddr *)&address, &len) == 0)
		enter(session, VLY_SESSION_SHAKING);
}

static void
step_shake(struct vly_session *session)
{
	struct vly_session_peer peer = {0};

	if (session->tls != NULL && vly_session_tls_shake(session, &peer) != 0)
		return;
	enter(session, VLY_SESSION_OPEN);
	session->callbacks->opened(session->arg, &peer);
}

/* Calls `message` for all whole messages, of which there are no more than `in` has octets. */
static void
deliver(struct vly_session *session)
{
	struct vly_octet_queue *in = &session->in;

	while (in->len >= 2 && !session->paused) {
		const uint8_t *frame = vly_octet_queue_front(in);
		const size_t len = vly_be16(frame);
		if (in->len < 2 + len)
			break;
		vly_octet_queue_drop(in, 2 + len);
		session->message_ms = uv_now(session->loop); /* the next one begins here */
		session->counts.received_cnt++;
		if (!session->finishing)
			session->callbacks->message(session->arg, frame + 2, len);
		if (is_over(session))
			return;
	}
}

static void
count_received(struct vly_session *session, size_t len)
{
	const uint64_t max = session->limits.receive_bytes_max;

	session->io_ms = uv_now(session->loop);
	session->counts.received_bytes += len;
	if (max != 0 && session->counts.received_bytes > max)
		vly_session_spoil(session, VLY_SESSION_LIMIT,
				  "the peer sent more than %" PRIu64 " octets", max);
}

static void
meet_end(struct vly_session *session)
{
	session->peer_ended = true;
	if (session->finishing)
		return;
	if (session->in.len > 0)
		vly_session_spoil(session, VLY_SESSION_BROKEN,
				  "the peer closed the connection in the middle of a message");
	else if (session->callbacks->ended == NULL)
		vly_session_spoil(session, VLY_SESSION_EOF, "the peer closed the connection");
	else
		session->callbacks->ended(session->arg);
}

static bool
is_bulk(const struct vly_session *session)
{
	return session->counts.received_bytes >= BULK_BYTES;
}

/* Octets to read next: as many as there is memory for, or the rest of a message that has begun, in
 * steps that double. */
static size_t
read_bytes(const struct vly_session *session)
{
	const struct vly_octet_queue *in = &session->in;
	const size_t held = in->len;
	size_t len = in->room > READ_BYTES_MIN ? in->room : READ_BYTES_MIN;

	if (held == in->room && held > 0)
		len = 2 * held;
	if (len > VLY_SESSION_FRAME_BYTES || is_bulk(session))
		len = VLY_SESSION_FRAME_BYTES;
	return len > held ? len - held : 0;
}

/* Returns whether there may be more to read. */
static bool
read_once(struct vly_session *session)
{
	struct vly_octet_queue *in = &session->in;
	const size_t len = read_bytes(session);
	uint8_t *to = len > 0 ? vly_octet_queue_space(in, len) : NULL;

	if (to == NULL) {
		vly_session_spoil(session, VLY_SESSION_MEMORY, "out of memory");
		return false;
	}
	const ssize_t got = vly_session_read(session, to, len);
	if (got == 0)
		meet_end(session);
	if (got <= 0)
		return false;
	if (in->len == 0)
		session->message_ms = uv_now(session->loop);
	in->len += (size_t)got;
	count_received(session, (size_t)got);
	return true;
}

static bool
may_read(const struct vly_session *session)
{
	return session->state == VLY_SESSION_OPEN && !session->paused && !session->peer_ended;
}

/* Reads also when the session has just failed: writing may have found a reset, and what the peer
 * said before it is worth having. */
static void
step_receive(struct vly_session *session)
{
	unsigned left = READ_MAX;

	deliver(session);
	while (left > 0 && may_read(session) && read_once(session)) {
		deliver(session);
		left--;
	}
	if (is_over(session))
		return;
	if (!is_bulk(session))
		vly_octet_queue_shrink(&session->in);
	if (left == 0 && session->tls != NULL && vly_session_tls_holds(session))
		session->soon = true;
}

void
vly_session_flush(struct vly_session *session)
{
	struct vly_octet_queue *out = &session->out;

	if (session->state != VLY_SESSION_OPEN)
		return;
	while (out->len > 0 && !session->failed) { /* as long as the socket takes any */
		const ssize_t sent =
			vly_session_write(session, vly_octet_queue_front(out), out->len);
		if (sent < 0)
			break;
		vly_octet_queue_drop(out, (size_t)sent);
		session->counts.sent_bytes += (size_t)sent;
		session->io_ms = uv_now(session->loop);
		session->progress_ms = session->io_ms;
	}
	vly_octet_queue_shrink(out);
}

static void
step_send(struct vly_session *session)
{
	vly_session_flush(session);
	if (session->wants_room && !session->failed && !session->finishing &&
	    session->out.len <= session->limits.queue_bytes_max / 2) {
		session->wants_room = false;
		if (session->callbacks->drained != NULL)
			session->callbacks->drained(session->arg);
	}
}

static void
step_finish(struct vly_session *session)
{
	if (!session->finishing || session->out.len > 0 || session->failed)
		return;
	if (vly_session_shut(session) == 0)
		enter(session, VLY_SESSION_LINGERING);
}

/* Drops what the peer still sends. */
static void
step_linger(struct vly_session *session)
{
	static uint8_t dropped[16384]; /* the loop's alone */
	ssize_t got = 1;

	for (unsigned left = READ_MAX; left > 0 && got > 0; left--)
		got = recv(session->fd, dropped, sizeof(dropped), MSG_DONTWAIT);
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR) || session->peer_ended)
		vly_session_spoil(session, VLY_SESSION_FINISHED, "all was sent");
}

static void
end(struct vly_session *session)
{
	const struct vly_session_callbacks *callbacks = session->callbacks;

	vly_session_drop(session);
	callbacks->closed(session->arg, session->end, session->reason);
}

void
vly_session_step(struct vly_session *session)
{
	session->soon = false;
	if (session->state == VLY_SESSION_CONNECTING && !session->failed)
		step_connect(session);
	if (session->state == VLY_SESSION_SHAKING && !session->failed)
		step_shake(session);
	if (session->state == VLY_SESSION_OPEN)
		step_send(session);
	if (session->state == VLY_SESSION_OPEN)
		step_receive(session);
	if (session->state == VLY_SESSION_OPEN)
		step_finish(session);
	if (session->state == VLY_SESSION_LINGERING)
		step_linger(session);
	if (is_over(session))
		return;
	if (session->failed)
		end(session);
	else
		vly_session_settle(session);
}

static void
on_event(uv_poll_t *poll, int status, int events)
{
	struct vly_session *session = poll->data;

	(void)events;
	if (status < 0) /* libuv has stopped it; reading and writing find the reason */
		session->watched = 0;
	vly_session_step(session);
}

static void
on_idle(uv_idle_t *idle)
{
	vly_session_step(idle->data);
}

static int
events_of(const struct vly_session *session)
{
	switch (session->state) {
	case VLY_SESSION_CONNECTING:
		return UV_WRITABLE;
	case VLY_SESSION_SHAKING:
		return session->tls != NULL && vly_session_tls_wants_write(session) ? UV_WRITABLE
										    : UV_READABLE;
	case VLY_SESSION_OPEN:
		return (may_read(session) ? UV_READABLE : 0) |
		       (session->out.len > 0 || session->finishing ? UV_WRITABLE : 0);
	case VLY_SESSION_LINGERING:
		return UV_READABLE;
	case VLY_SESSION_GONE:
		break;
	}
	return 0;
}

void
vly_session_settle(struct vly_session *session)
{
	const int events = events_of(session);

	if (is_over(session))
		return;
	if (events != session->watched) {
		session->watched = events;
		if (events == 0)
			(void)uv_poll_stop(&session->poll);
		else
			(void)uv_poll_start(&session->poll, events, on_event);
	}
	if (session->soon || session->failed)
		(void)uv_idle_start(&session->idle, on_idle);
	else
		(void)uv_idle_stop(&session->idle);
	vly_session_clock_arm(session);
}
