/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>

#include "session_parts.h"

/* How long a session that is finished waits for the peer's end, unless `send_ms` is less: if it were closed with octets of the
 * peer unread, TCP would send a reset, and the peer might lose what was sent last. Longer: peers that
 * never close hold a descriptor for longer. */
#define LINGER_MS 3000

struct deadline {
	uint64_t at_ms; /* UINT64_MAX: none */
	uint64_t limit_ms;
	enum vly_session_end end;
	const char *what;
};

static void
consider(struct deadline *first, uint64_t since_ms, uint64_t limit_ms, enum vly_session_end end,
	 const char *what)
{
	if (limit_ms != 0 && limit_ms < UINT64_MAX - since_ms && since_ms + limit_ms < first->at_ms)
		*first = (struct deadline){since_ms + limit_ms, limit_ms, end, what};
}

static struct deadline
find_first(const struct vly_session *session)
{
	const struct vly_session_limits *limits = &session->limits;
	struct deadline first = {.at_ms = UINT64_MAX};

	consider(&first, session->born_ms, limits->life_ms, VLY_SESSION_LIMIT,
		 "the session lasted longer than");
	switch (session->state) {
	case VLY_SESSION_CONNECTING:
		consider(&first, session->state_ms, limits->connect_ms, VLY_SESSION_UNREACHABLE,
			 "no connection was made within");
		break;
	case VLY_SESSION_SHAKING:
		consider(&first, session->state_ms, limits->handshake_ms, VLY_SESSION_TLS,
			 "the TLS handshake was not complete within");
		break;
	case VLY_SESSION_OPEN:
		if (!session->paused && session->in.len > 0)
			consider(&first, session->message_ms, limits->message_ms, VLY_SESSION_LIMIT,
				 "a message of the peer was not complete within");
		if (session->out.len > 0 || session->finishing)
			consider(&first, session->progress_ms, limits->send_ms, VLY_SESSION_LIMIT,
				 "the peer took no octet for");
		if (!session->paused)
			consider(&first, session->io_ms, limits->idle_ms, VLY_SESSION_LIMIT,
				 "nothing was received or sent for");
		break;
	case VLY_SESSION_LINGERING:
		consider(&first, session->state_ms, LINGER_MS, VLY_SESSION_FINISHED, "");
		consider(&first, session->state_ms, limits->send_ms, VLY_SESSION_FINISHED, "");
		break;
	case VLY_SESSION_GONE:
		break;
	}
	return first;
}

void
vly_session_clock_check(struct vly_session *session)
{
	const struct deadline first = find_first(session);

	if (uv_now(session->loop) < first.at_ms)
		return;
	if (first.end == VLY_SESSION_FINISHED)
		vly_session_spoil(session, first.end, "all was sent");
	else
		vly_session_spoil(session, first.end, "%s %" PRIu64 " ms", first.what,
				  first.limit_ms);
}

static void
on_timer(uv_timer_t *timer)
{
	struct vly_session *session = timer->data;

	session->armed_ms = 0;
	vly_session_clock_check(session);
	vly_session_step(session);
}

/* Limits move away with each octet: the timer stays, and looks again when it fires. */
void
vly_session_clock_arm(struct vly_session *session)
{
	const uint64_t now_ms = uv_now(session->loop);
	uint64_t at_ms = find_first(session).at_ms;

	if (at_ms == UINT64_MAX || (session->armed_ms != 0 && session->armed_ms <= at_ms))
		return;
	if (at_ms < now_ms)
		at_ms = now_ms;
	session->armed_ms = at_ms == 0 ? 1 : at_ms;
	(void)uv_timer_start(&session->timer, on_timer, at_ms - now_ms, 0);
}

void
vly_session_clock_restart(struct vly_session *session)
{
	const uint64_t now_ms = uv_now(session->loop);

	session->io_ms = now_ms;
	session->message_ms = now_ms;
	session->progress_ms = now_ms;
}
