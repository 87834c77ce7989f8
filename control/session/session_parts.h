/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A session from inside, for the files session*.c alone:
 *   - session.c: beginning, end, and what callers do;
 *   - session_step.c: what happens when the loop has something for a session, in one order;
 *   - session_clock.c: time limits;
 *   - session_transport.c: octets to and from the socket, plain or by TLS;
 *   - session_tls.c: handshake and records of GnuTLS.
 *
 * Failures: whatever finds one calls vly_session_spoil(), at any depth. The step that runs, or the
 * next one, ends the session. So no caller of the header gets a callback from within its call, and
 * what arrived before a reset is still delivered.
 */
#ifndef VLY_CONTROL_SESSION_PARTS_H
#define VLY_CONTROL_SESSION_PARTS_H

#include <sys/types.h>

#include "base/reason.h"
#include "octet_queue.h"
#include "session.h"

/* A length and the longest message. */
#define VLY_SESSION_FRAME_BYTES (2 + 65535)

enum vly_session_state {
	VLY_SESSION_CONNECTING,
	VLY_SESSION_SHAKING, /* the TLS handshake */
	VLY_SESSION_OPEN,
	VLY_SESSION_LINGERING, /* all is sent and ended; waits for the peer's end */
	VLY_SESSION_GONE,      /* closed; the loop closes its handles */
};

struct vly_session_tls;

struct vly_session {
	uv_loop_t *loop;
	uv_poll_t poll;
	uv_timer_t timer;
	uv_idle_t idle;      /* for `soon`: a timer of 0 would run again before the others' turn */
	unsigned handle_cnt; /* that the loop has not closed yet */
	int fd;
	int watched; /* events of libuv */
	enum vly_session_state state;
	bool is_server;
	bool paused;
	bool finishing;
	bool wants_room; /* vly_session_send() has returned false */
	bool peer_ended;
	bool soon; /* a step is due at once */
	bool failed;
	enum vly_session_end end; /* with `failed` */
	const struct vly_session_callbacks *callbacks;
	void *arg;
	struct vly_session_limits limits;
	struct vly_session_counts counts;
	struct vly_octet_queue in;
	struct vly_octet_queue out;
	struct vly_session_tls *tls; /* NULL: plain */
	/* of the loop's clock, in milliseconds */
	uint64_t born_ms;
	uint64_t state_ms;             /* when `state` began */
	uint64_t io_ms;                /* the last octet in either direction */
	uint64_t message_ms;           /* when the message in `in` began */
	uint64_t progress_ms;          /* the last octet sent, or when `out` began */
	uint64_t armed_ms;             /* when the timer fires; 0: it is off */
	char reason[VLY_REASON_BYTES]; /* with `failed` */
};

/* Results of reading and writing. */
enum {
	VLY_SESSION_WAIT = -1, /* not now */
	VLY_SESSION_SPOILT = -2,
};

/* session.c */

/* Marks the session as failed, unless it is already. */
__attribute__((nonnull, format(printf, 3, 4))) void
vly_session_spoil(struct vly_session *session, enum vly_session_end end, const char *format, ...);

/* Closes the handles; the rest follows on the loop. */
__attribute__((nonnull)) void vly_session_drop(struct vly_session *session);

/* session_step.c */

/* Does all that can be done now, and calls callbacks. */
__attribute__((nonnull)) void vly_session_step(struct vly_session *session);

/* Has the loop call when there is something to do. Each entry from outside ends with it. */
__attribute__((nonnull)) void vly_session_settle(struct vly_session *session);

/* Sends what can be sent now. */
__attribute__((nonnull)) void vly_session_flush(struct vly_session *session);

/* session_clock.c */

/* Spoils the session if a limit has passed. */
__attribute__((nonnull)) void vly_session_clock_check(struct vly_session *session);

/* Starts the timer for the next limit. */
__attribute__((nonnull)) void vly_session_clock_arm(struct vly_session *session);

/* All times begin anew. */
__attribute__((nonnull)) void vly_session_clock_restart(struct vly_session *session);

/* session_transport.c */

/* Returns the octets read, 0 at the end of the stream, WAIT or SPOILT. */
__attribute__((nonnull, warn_unused_result)) ssize_t vly_session_read(struct vly_session *session,
								      uint8_t *octets, size_t len);

/* Returns the octets written (at least 1), WAIT or SPOILT. */
__attribute__((nonnull, warn_unused_result)) ssize_t
vly_session_write(struct vly_session *session, const uint8_t *octets, size_t len);

/* Ends our side of the stream. Returns 0, WAIT or SPOILT. */
__attribute__((nonnull, warn_unused_result)) int vly_session_shut(struct vly_session *session);

/* session_tls.c. All take a session with `tls`. */

/* Returns 0, or -1 with a reason. */
__attribute__((nonnull(1, 2, 5), warn_unused_result)) int
vly_session_tls_new(struct vly_session *session, struct vly_credentials *credentials,
		    const uint8_t *first, size_t first_len, char *reason, size_t reason_bytes);

/* For the sessions of vly_session_connect(): the address that tickets are kept for. */
__attribute__((nonnull)) void vly_session_tls_aim(struct vly_session *session,
						  const struct sockaddr_storage *address);

__attribute__((nonnull)) void vly_session_tls_free(struct vly_session *session);

/* Returns 0 when it is done and the peer has been checked, WAIT or SPOILT. */
__attribute__((nonnull, warn_unused_result)) int
vly_session_tls_shake(struct vly_session *session, struct vly_session_peer *peer);

/* Whether TLS waits until it can write, and whether it holds octets that the socket has no more. */
__attribute__((nonnull)) bool vly_session_tls_wants_write(const struct vly_session *session);
__attribute__((nonnull)) bool vly_session_tls_holds(const struct vly_session *session);

/* As their plain fellows. */
__attribute__((nonnull, warn_unused_result)) ssize_t
vly_session_tls_read(struct vly_session *session, uint8_t *octets, size_t len);
__attribute__((nonnull, warn_unused_result)) ssize_t
vly_session_tls_write(struct vly_session *session, const uint8_t *octets, size_t len);
__attribute__((nonnull, warn_unused_result)) int vly_session_tls_end(struct vly_session *session);

#endif
