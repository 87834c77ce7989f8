/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sends one NOTIFY to one server, and waits for its answer: to its addresses one after the other; over
 * UDP, and over TCP when that is not answered; to a remote with a TLS profile over TLS alone.
 *
 * Threads: the loop's. No function blocks.
 */
#ifndef VLY_CONTROL_NOTIFY_SEND_H
#define VLY_CONTROL_NOTIFY_SEND_H

#include <sys/socket.h>
#include <uv.h>

#include "base/reason.h"
#include "key/tsig_key.h"
#include "session/credentials.h"

/* Datagrams to an address before TCP is tried, and how long to wait for the answer to the first; twice as
 * long for the second one. RFC 1996 §3.6 has five, and 60 s: here the pauses of notifier.h follow. More: a
 * server that is down holds its place for longer. */
#define VLY_NOTIFY_TRIES   2
#define VLY_NOTIFY_WAIT_MS 1000

struct vly_notify_message {
	const uint8_t *apex; /* wire form */
	unsigned apex_len;
	const uint8_t *soa; /* RDATA; NULL: not sent */
	unsigned soa_len;
	uint32_t soa_ttl;
};

/* Must stay until `done`. */
struct vly_notify_server {
	const struct sockaddr_storage *address; /* [address_cnt], with ports */
	unsigned address_cnt;
	struct sockaddr_storage source;      /* family 0: the system's choice */
	const struct vly_tsig_key *key;      /* copied; NULL: not signed */
	struct vly_credentials *credentials; /* NULL: no TLS */
};

struct vly_notify_outcome {
	bool is_answered;
	uint16_t rcode; /* is_answered */
	unsigned address_idx;
	unsigned try_cnt; /* messages sent, as far as they are known */
	const char *problem;
};

struct vly_notify_send;

/* Returns NULL with a sentence in `reason`; nothing is called then. `done` is called once, never
 * before this returns; the object is gone then. */
__attribute__((nonnull, warn_unused_result)) struct vly_notify_send *
vly_notify_send(uv_loop_t *loop, const struct vly_notify_message *message,
		const struct vly_notify_server *server,
		void (*done)(void *arg, const struct vly_notify_outcome *outcome), void *arg,
		char reason[VLY_REASON_BYTES]);

/* Ends it; `done` is not called. */
__attribute__((nonnull)) void vly_notify_cancel(struct vly_notify_send *send);

#endif
