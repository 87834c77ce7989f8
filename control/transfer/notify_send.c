/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "notify_send.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <volley/octets.h>

#include "key/tsig_stream.h"
#include "session/datagram.h"
#include "session/session.h"

/* A header, a question, a SOA, and a TSIG with the longest names and MAC. */
#define MESSAGE_BYTES (VLY_DNS_HEADER_BYTES + 6 * VLY_NAME_BYTES_MAX + 256)

struct vly_notify_send {
	uv_loop_t *loop;
	struct vly_notify_server server;
	struct vly_tsig_key key;
	struct vly_tsig_stream stream;
	unsigned address_idx;
	bool is_stream; /* over TCP or TLS */
	unsigned try_cnt;
	uint64_t start_ms; /* of the datagrams */
	struct vly_datagram *datagram;
	struct vly_session *session;
	void (*done)(void *arg, const struct vly_notify_outcome *outcome);
	void *arg;
	uint16_t id;
	size_t bare_len; /* of the message, without a signature */
	size_t len;
	uint8_t message[MESSAGE_BYTES];
};

static int start(struct vly_notify_send *send, char reason[VLY_REASON_BYTES]);

static void
free_send(struct vly_notify_send *send)
{
	vly_tsig_stream_wipe(&send->stream);
	vly_tsig_key_wipe(&send->key);
	vly_credentials_release(send->server.credentials);
	free(send);
}

static void
finish(struct vly_notify_send *send, bool is_answered, uint16_t rcode, const char *problem)
{
	const struct vly_notify_outcome outcome = {
		.is_answered = is_answered,
		.rcode = rcode,
		.address_idx = send->address_idx < send->server.address_cnt
				       ? send->address_idx
				       : send->server.address_cnt - 1,
		.try_cnt = send->try_cnt,
		.problem = problem,
	};

	send->done(send->arg, &outcome);
	free_send(send);
}

/* The next way to the server: TCP, then its next address. */
static void
go_on(struct vly_notify_send *send, const char *problem)
{
	char reason[VLY_REASON_BYTES];
	char last[VLY_REASON_BYTES];

	snprintf(last, sizeof(last), "%s", problem);
	for (;;) { /* ends with the addresses */
		if (!send->is_stream) {
			send->is_stream = true;
		} else {
			send->address_idx++;
			send->is_stream = send->server.credentials != NULL;
		}
		if (send->address_idx >= send->server.address_cnt)
			break;
		if (start(send, reason) == 0)
			return;
		snprintf(last, sizeof(last), "%s", reason);
	}
	finish(send, false, 0, last);
}

/* Whether a message (untrusted) answers ours; then its RCODE. */
static bool
is_answer(struct vly_notify_send *send, const uint8_t *message, size_t len, uint16_t *rcode)
{
	const uint16_t flags = len >= VLY_DNS_HEADER_BYTES ? vly_be16(message + 2) : 0;
	struct vly_tsig_stream_part part;

	if ((flags & VLY_FLAG_QR) == 0 || vly_be16(message) != send->id ||
	    (flags & VLY_FLAG_OPCODE) != VLY_OPCODE_NOTIFY << 11)
		return false;
	*rcode = flags & VLY_FLAG_RCODE;
	if (send->server.key == NULL)
		return true;
	/* with a copy, because a forged answer would spoil the stream for the true one */
	struct vly_tsig_stream stream = send->stream;
	const char *fault =
		vly_tsig_stream_verify(&stream, message, len, (uint64_t)time(NULL), &part);
	vly_tsig_stream_wipe(&stream);
	return fault == NULL && part.is_signed;
}

static bool
on_datagram(void *arg, const uint8_t *message, size_t len)
{
	struct vly_notify_send *send = arg;
	uint16_t rcode;

	if (!is_answer(send, message, len, &rcode))
		return false;
	send->datagram = NULL;
	send->try_cnt += uv_now(send->loop) - send->start_ms < VLY_NOTIFY_WAIT_MS ? 1 : 2;
	finish(send, true, rcode, "");
	return true;
}

static void
on_datagram_failed(void *arg, const char *reason)
{
	struct vly_notify_send *send = arg;

	send->datagram = NULL;
	send->try_cnt += VLY_NOTIFY_TRIES;
	go_on(send, reason);
}

static void
on_opened(void *arg, const struct vly_session_peer *peer)
{
	(void)arg;
	(void)peer;
}

static void
on_message(void *arg, const uint8_t *message, size_t len)
{
	struct vly_notify_send *send = arg;
	uint16_t rcode;

	const bool is_good = is_answer(send, message, len, &rcode);
	vly_session_close(send->session);
	send->session = NULL;
	if (is_good)
		finish(send, true, rcode, "");
	else
		go_on(send, send->server.key != NULL
				    ? "its answer over TCP is not signed as it should be"
				    : "its answer over TCP is not one to this message");
}

static void
on_closed(void *arg, enum vly_session_end end, const char *reason)
{
	struct vly_notify_send *send = arg;

	(void)end;
	send->session = NULL;
	go_on(send, reason);
}

static int
start_datagram(struct vly_notify_send *send, char reason[VLY_REASON_BYTES])
{
	static const struct vly_datagram_callbacks callbacks = {on_datagram, on_datagram_failed};
	const struct vly_datagram_query query = {
		.address = send->server.address[send->address_idx],
		.source = send->server.source,
		.message = send->message,
		.len = send->len,
		.tries = VLY_NOTIFY_TRIES,
		.wait_ms = VLY_NOTIFY_WAIT_MS,
	};

	send->datagram =
		vly_datagram_send(send->loop, &query, &callbacks, send, reason, VLY_REASON_BYTES);
	send->start_ms = uv_now(send->loop);
	return send->datagram != NULL ? 0 : -1;
}

static int
start_session(struct vly_notify_send *send, char reason[VLY_REASON_BYTES])
{
	static const struct vly_session_callbacks callbacks = {
		.opened = on_opened, .message = on_message, .closed = on_closed};
	const struct vly_session_target target = {
		.address = send->server.address[send->address_idx],
		.source = send->server.source,
		.credentials = send->server.credentials,
	};
	struct vly_session_limits limits;

	vly_session_limits_default(&limits);
	limits.idle_ms = 10000;
	limits.life_ms = 20000;
	send->session = vly_session_connect(send->loop, &target, &limits, &callbacks, send, reason,
					    VLY_REASON_BYTES);
	if (send->session == NULL)
		return -1;
	send->try_cnt++;
	(void)vly_session_send(send->session, send->message, send->len);
	return 0;
}

/* A message with an ID and a signature of its own for each way. */
static int
start(struct vly_notify_send *send, char reason[VLY_REASON_BYTES])
{
	send->id = vly_datagram_id();
	vly_put_be16(send->message, send->id);
	vly_put_be16(send->message + 10, 0);
	send->len = send->bare_len;
	if (send->server.key != NULL) {
		vly_tsig_stream_wipe(&send->stream);
		send->len = vly_tsig_stream_request(&send->stream, &send->key, send->message,
						    send->bare_len, sizeof(send->message),
						    (uint64_t)time(NULL));
		if (send->len == 0) {
			snprintf(reason, VLY_REASON_BYTES, "out of memory");
			return -1;
		}
	}
	return send->is_stream ? start_session(send, reason) : start_datagram(send, reason);
}

static size_t
put_soa(uint8_t *to, const struct vly_notify_message *message)
{
	vly_put_be16(to, VLY_POINTER_TAG | VLY_DNS_HEADER_BYTES);
	vly_put_be16(to + 2, VLY_TYPE_SOA);
	vly_put_be16(to + 4, VLY_CLASS_IN);
	vly_put_be16(to + 6, message->soa_ttl >> 16);
	vly_put_be16(to + 8, message->soa_ttl & 0xffff);
	vly_put_be16(to + 10, message->soa_len);
	memcpy(to + 12, message->soa, message->soa_len);
	return 12 + message->soa_len;
}

/* RFC 1996 §3.7: a question for the SOA, and the new one as a hint in the answer. */
static size_t
make(uint8_t *to, const struct vly_notify_message *message)
{
	size_t len = VLY_DNS_HEADER_BYTES;

	vly_put_be16(to + 2, VLY_OPCODE_NOTIFY << 11 | VLY_FLAG_AA);
	to[5] = 1;
	memcpy(to + len, message->apex, message->apex_len);
	len += message->apex_len;
	vly_put_be16(to + len, VLY_TYPE_SOA);
	vly_put_be16(to + len + 2, VLY_CLASS_IN);
	len += 4;
	if (message->soa == NULL)
		return len;
	to[7] = 1;
	return len + put_soa(to + len, message);
}

struct vly_notify_send *
vly_notify_send(uv_loop_t *loop, const struct vly_notify_message *message,
		const struct vly_notify_server *server,
		void (*done)(void *arg, const struct vly_notify_outcome *outcome), void *arg,
		char reason[VLY_REASON_BYTES])
{
	struct vly_notify_send *send = calloc(1, sizeof(*send));

	if (send == NULL) {
		snprintf(reason, VLY_REASON_BYTES, "out of memory");
		return NULL;
	}
	send->loop = loop;
	send->server = *server;
	send->done = done;
	send->arg = arg;
	send->bare_len = make(send->message, message);
	if (server->key != NULL)
		send->key = *server->key;
	if (server->credentials != NULL)
		vly_credentials_hold(server->credentials);
	send->is_stream = server->credentials != NULL;
	for (; send->address_idx < server->address_cnt; send->address_idx++)
		if (start(send, reason) == 0)
			return send;
	if (server->address_cnt == 0)
		snprintf(reason, VLY_REASON_BYTES, "it has no address");
	free_send(send);
	return NULL;
}

void
vly_notify_cancel(struct vly_notify_send *send)
{
	if (send->datagram != NULL)
		vly_datagram_cancel(send->datagram);
	if (send->session != NULL)
		vly_session_close(send->session);
	free_send(send);
}
