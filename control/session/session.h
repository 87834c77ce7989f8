/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DNS messages over TCP (RFC 7766) and TLS (RFC 7858, RFC 9103): one connection on a libuv loop, as
 * client or as server. It knows lengths and octets, and nothing of what is in a message.
 *
 * Use:
 *   1. vly_session_connect(), or vly_session_adopt() for a descriptor that somebody else accepted;
 *   2. `opened` is called; then vly_session_send(), as long as it returns true. When it has returned
 *      false, the message has been taken all the same; wait for `drained` before the next;
 *   3. `message` is called for each message that has arrived;
 *   4. vly_session_finish() sends all that is queued and closes; vly_session_close() closes at once.
 *
 * Ends: `closed` is called once, as the last call; the session must not be used in or after it. It
 * is not called after vly_session_close(), which ends all calls; the session may be closed in any
 * callback. The session frees itself on the loop; the loop has to run until then.
 *
 * Callbacks: all on the loop, never from within a function of this header. What they get is
 * borrowed for the call.
 *
 * TLS: version 1.3 alone, with ALPN "dot" in both roles. Messages are not passed on before the peer
 * has been checked (credentials.h). Sessions are resumed with tickets; the peer is checked again
 * then. No early data.
 *
 * Threads: the loop's. No function blocks. Everything that the peer sends is untrusted.
 */
#ifndef VLY_CONTROL_SESSION_H
#define VLY_CONTROL_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

#include "credentials.h"

struct vly_session;

/* Why a session ended. */
enum vly_session_end {
	VLY_SESSION_UNREACHABLE, /* no connection was made: refused, no route, too late */
	VLY_SESSION_TLS,         /* no TLS: the handshake failed or took too long, no ALPN "dot" */
	VLY_SESSION_UNTRUSTED,   /* the peer is not the one that the credentials ask for */
	VLY_SESSION_FINISHED,    /* after vly_session_finish() */
	VLY_SESSION_EOF,         /* the peer has closed between two messages */
	VLY_SESSION_BROKEN,      /* reset; closed in the middle of a message; a broken TLS record */
	VLY_SESSION_LIMIT,       /* a limit of struct vly_session_limits */
	VLY_SESSION_MEMORY,
};

/* Times in milliseconds, numbers in octets; 0: no limit. */
struct vly_session_limits {
	uint64_t connect_ms;   /* for the TCP connection */
	uint64_t handshake_ms; /* for TLS, from the connection on */
	uint64_t message_ms;   /* from the first octet of a message to its last */
	uint64_t
		idle_ms; /* without an octet in either direction; not while the receiver is paused */
	uint64_t send_ms;           /* without progress, while something is queued to be sent */
	uint64_t life_ms;           /* of the session */
	uint64_t receive_bytes_max; /* of messages, with their lengths */
	uint64_t send_bytes_max;
	/* vly_session_send() returns false from here on. At most this many and one message are queued,
	 * if the caller waits then. 0: 64 KiB. */
	size_t queue_bytes_max;
};

/* What suits a transfer: 5 s to connect, 10 s for TLS, 30 s for a message, idle, and without
 * progress; no limit of life or octets; 64 KiB queued. */
__attribute__((nonnull)) void vly_session_limits_default(struct vly_session_limits *limits);

/* Addresses have their ports. */
struct vly_session_target {
	struct sockaddr_storage address;
	struct sockaddr_storage source;      /* family 0: the system's choice */
	struct vly_credentials *credentials; /* NULL: plain TCP. The session takes a reference. */
};

/* The peer as far as TLS knows it; zero without TLS. */
struct vly_session_peer {
	bool tls;
	bool resumed;
	bool has_pin; /* it has shown a certificate, and has its key */
	bool verified; /* by the pins, or by name and CA (by the CA alone as server) of the credentials */
	uint8_t pin[VLY_PIN_BYTES]; /* SHA-256 of its SubjectPublicKeyInfo */
};

struct vly_session_callbacks {
	/* The connection is there, and the peer has been checked. Queued messages are sent now. */
	void (*opened)(void *arg, const struct vly_session_peer *peer);
	/* A message of len octets, 0 to 65535: also less than a header. */
	void (*message)(void *arg, const uint8_t *message, size_t len);
	/* There is room: vly_session_send() had returned false. NULL: not called. */
	void (*drained)(void *arg);
	/* The peer sends no more, but may still receive (RFC 7766 §6.2.4): a server sends what it owes,
	 * then calls vly_session_finish(). Not called in the middle of a message. NULL: the session ends
	 * with VLY_SESSION_EOF instead. */
	void (*ended)(void *arg);
	/* The session is over. `reason` is one sentence without the peer's address. */
	void (*closed)(void *arg, enum vly_session_end end, const char *reason);
};

/*
 * Connects to `target`. `callbacks` must stay as long as the session; `target` and `limits` (NULL:
 * the default) are copied. Returns NULL with a sentence in `reason`: no memory or no descriptor, or
 * the source address can't be used. Nothing is called then.
 */
__attribute__((nonnull(1, 2, 4, 6), warn_unused_result)) struct vly_session *
vly_session_connect(uv_loop_t *loop, const struct vly_session_target *target,
		    const struct vly_session_limits *limits,
		    const struct vly_session_callbacks *callbacks, void *arg, char *reason,
		    size_t reason_bytes);

/*
 * Serves the connected stream socket `fd`, which is taken over in any case. `first`: octets that
 * have been read from it already, with the lengths of messages (of TLS records, if there are
 * credentials); copied; at most 1 MiB. `credentials` (NULL: plain TCP) have the server's role. Returns
 * NULL with a reason as above.
 */
__attribute__((nonnull(1, 7, 9), warn_unused_result)) struct vly_session *
vly_session_adopt(uv_loop_t *loop, int fd, struct vly_credentials *credentials,
		  const uint8_t *first, size_t first_len, const struct vly_session_limits *limits,
		  const struct vly_session_callbacks *callbacks, void *arg, char *reason,
		  size_t reason_bytes);

/*
 * Queues a message of len octets, 0 to 65535, which is copied. May be called before `opened`.
 * Returns whether there is room for more. If it returns false, wait for `drained`: it may be that the
 * session has failed, and `closed` will be called.
 */
__attribute__((nonnull(1))) bool vly_session_send(struct vly_session *session,
						  const uint8_t *message, size_t len);

/* Stops and resumes the calls of `message`, also in the middle of them. While paused, the peer is
 * not read from, and TCP holds it up. */
__attribute__((nonnull)) void vly_session_pause(struct vly_session *session);
__attribute__((nonnull)) void vly_session_resume(struct vly_session *session);

/* Has later events reported to other callbacks, such as those of the next user of a connection. May be called
 * in a callback. */
__attribute__((nonnull(1, 2))) void
vly_session_hand_over(struct vly_session *session, const struct vly_session_callbacks *callbacks,
		      void *arg);

/* Replaces the limits. Times begin anew, but for life_ms. */
__attribute__((nonnull)) void vly_session_limit(struct vly_session *session,
						const struct vly_session_limits *limits);

/* Sends what is queued, then ends the stream and waits for the peer's end, 3 s or send_ms at most;
 * then `closed` is called with VLY_SESSION_FINISHED. Messages that arrive meanwhile are dropped. */
__attribute__((nonnull)) void vly_session_finish(struct vly_session *session);

/* Closes at once; what is queued is not sent. No callback is called any more. */
__attribute__((nonnull)) void vly_session_close(struct vly_session *session);

struct vly_session_counts {
	uint64_t received_bytes; /* of messages, with their lengths */
	uint64_t received_cnt;
	uint64_t sent_bytes; /* taken by TCP or TLS */
	uint64_t sent_cnt;   /* messages queued */
	size_t queued_bytes; /* not sent yet */
};

__attribute__((nonnull)) void vly_session_count(const struct vly_session *session,
						struct vly_session_counts *counts);

#endif
