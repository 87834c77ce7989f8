/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One connection: reads queries, answers them, and sends the responses. Responses that the socket
 * does not take at once are kept in `pending`; until they are sent, nothing more is read or
 * answered, so that a client that does not read its responses can't fill our memory.
 */
#include "stream_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <volley/octets.h>

#include "request/signed_query.h"
#include "stream_transfer.h"

/* A message that was kept takes three reads: one for its length, one for the message, and one for
 * the octets that follow it. */
#define READS_MAX 3

enum outcome {
	GO_ON,
	WAIT,   /* until the client reads or sends */
	GONE,   /* the client closed the connection, or an error ended it */
	BROKEN, /* the client does not speak DNS */
	DENIED, /* the client was denied since it connected */
	HANDED, /* volley-control takes the connection over: conn->handover is set */
};

/* Returns how many octets the socket took, or -1. Does not block. */
static ssize_t
send_octets(int fd, const uint8_t *from, size_t bytes)
{
	ssize_t sent;

	do
		sent = send(fd, from, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	return sent < 0 && (errno == EAGAIN || errno == ENOBUFS) ? 0 : sent;
}

static enum outcome
flush_pending(struct vly_stream_conn *conn)
{
	if (conn->pending == NULL)
		return GO_ON;
	ssize_t sent = send_octets(conn->fd, conn->pending + conn->pending_at,
				   conn->pending_bytes - conn->pending_at);
	if (sent < 0)
		return GONE;
	conn->pending_at += (uint32_t)sent;
	if (conn->pending_at < conn->pending_bytes)
		return WAIT;
	free(conn->pending);
	conn->pending = NULL;
	conn->pending_at = conn->pending_bytes = 0;
	return GO_ON;
}

/* Sends the responses that are ready; keeps those that the socket does not take. */
static enum outcome
flush_answers(struct vly_stream_conn *conn)
{
	struct vly_stream_answerer *answerer = &conn->pool->answerer;
	size_t bytes = answerer->out_bytes;

	answerer->out_bytes = 0;
	if (bytes == 0)
		return GO_ON;
	ssize_t sent = send_octets(conn->fd, answerer->out, bytes);
	if (sent < 0)
		return GONE;
	if ((size_t)sent == bytes)
		return GO_ON;
	conn->pending_bytes = (uint32_t)(bytes - (size_t)sent);
	conn->pending_at = 0;
	conn->pending = malloc(conn->pending_bytes);
	if (conn->pending == NULL)
		return GONE;
	memcpy(conn->pending, answerer->out + sent, conn->pending_bytes);
	conn->fresh = true;
	return WAIT;
}

static bool
is_denied(struct vly_stream_conn *conn)
{
	const struct vly_stream_source source = {
		.ipv4 = conn->ipv4,
		.port = conn->port,
		.address = conn->address,
	};

	return vly_stream_policy_denies(conn->pool->policy, &source);
}

static struct vly_stream_asker
asker_of(const struct vly_stream_conn *conn)
{
	return (struct vly_stream_asker){
		.ipv4 = conn->ipv4,
		.address = conn->address,
		.keepalive = (uint16_t)(vly_stream_pool_idle_ms(conn->pool) / 100),
	};
}

static enum outcome
answer_burst(struct vly_stream_conn *conn, const struct vly_stream_message *message, unsigned cnt)
{
	struct vly_stream_pool *pool = conn->pool;
	const struct vly_stream_asker asker = asker_of(conn);

	if (is_denied(conn))
		return DENIED;
	conn->fresh = true;
	for (unsigned done = 0; done < cnt;) {
		done += vly_stream_answer(&pool->answerer, &asker, message + done, cnt - done);
		if (done == cnt)
			break;
		enum outcome outcome = flush_answers(conn);
		if (outcome == WAIT)
			vly_stream_input_return(&conn->input, &message[done]);
		if (outcome != GO_ON)
			return outcome;
	}
	return GO_ON;
}

static bool
is_request(const struct vly_stream_conn *conn, const struct vly_stream_message *message)
{
	const struct vly_requests_client *client = conn->pool->requests;

	if (client == NULL)
		return false;
	if (vly_requests_want(client->requests, message->octets))
		return true;
	if (!vly_requests_want_signed(client->requests) ||
	    vly_signed_query_take(message->octets, message->bytes) == 0)
		return false;
	vly_signed_query_restore(message->octets);
	return true;
}

/* Answers a signed query without its TSIG into the buffer for responses, which is empty; *draft_bytes
 * is 0 for other messages. Returns false when there is no response, as to an unsigned one. */
static bool
draft_response(struct vly_stream_conn *conn, const struct vly_stream_message *message,
	       uint16_t *draft_bytes)
{
	struct vly_stream_answerer *answerer = &conn->pool->answerer;
	const struct vly_stream_asker asker = asker_of(conn);
	const struct vly_stream_message query = {
		message->octets, vly_signed_query_take(message->octets, message->bytes)};

	*draft_bytes = 0;
	if (query.bytes == 0)
		return true; /* not a query */
	unsigned cnt = vly_stream_answer(answerer, &asker, &query, 1);
	vly_signed_query_restore(message->octets);
	const size_t bytes = answerer->out_bytes;
	answerer->out_bytes = 0;
	if (cnt == 0 || bytes == 0)
		return false;
	*draft_bytes = vly_signed_query_fit(answerer->out + VLY_STREAM_PREFIX_BYTES,
					    (uint16_t)(bytes - VLY_STREAM_PREFIX_BYTES),
					    message->octets + query.bytes,
					    message->bytes - query.bytes, VLY_MESSAGE_BYTES_MAX);
	return *draft_bytes > 0;
}

/* Hands a message to volley-control. What follows on the connection waits. */
static enum outcome
hand_over(struct vly_stream_conn *conn, const struct vly_stream_message *message)
{
	struct vly_request_origin origin = {.connection = conn};
	struct vly_request_message handed = {
		.octets = message->octets,
		.bytes = message->bytes,
		.draft = conn->pool->answerer.out + VLY_STREAM_PREFIX_BYTES,
	};

	if (is_denied(conn))
		return DENIED;
	enum outcome outcome = flush_answers(conn);
	if (outcome == WAIT)
		vly_stream_input_return(&conn->input, message);
	if (outcome != GO_ON)
		return outcome;
	if (!draft_response(conn, message, &handed.draft_bytes))
		return GO_ON;
	origin.client.sin6_family = conn->ipv4 ? AF_INET : AF_INET6;
	origin.client.sin6_port = htons(conn->port); /* at the same place in sockaddr_in */
	if (conn->ipv4)
		memcpy(&((struct sockaddr_in *)(void *)&origin.client)->sin_addr, conn->address, 4);
	else
		memcpy(&origin.client.sin6_addr, conn->address, 16);
	conn->request =
		vly_requests_put(conn->pool->requests, &origin, &handed, uv_now(conn->pool->loop));
	conn->fresh = true;
	return conn->request != NULL ? GO_ON : GONE;
}

static bool
is_transfer(const struct vly_stream_conn *conn, const struct vly_stream_message *message)
{
	const struct vly_handovers *handovers = conn->pool->handovers;

	return handovers != NULL && vly_handovers_want(handovers, VLY_WISH_TRANSFERS) &&
	       vly_stream_is_transfer(message);
}

/* Prepares to hand the connection over with this message and all that is behind it, when all
 * responses are sent. Without room, the message is answered like others: with REFUSED. */
static enum outcome
give_away(struct vly_stream_conn *conn, const struct vly_stream_message *message)
{
	struct vly_stream_input *input = &conn->input;
	enum outcome outcome = is_denied(conn) ? DENIED : flush_answers(conn);

	if (outcome == WAIT)
		vly_stream_input_return(input, message);
	if (outcome != GO_ON)
		return outcome;
	const uint8_t *from = message->octets - VLY_STREAM_PREFIX_BYTES;
	conn->handover = vly_handover_make(conn->pool->handovers, conn->fd, 0, from,
					   (size_t)(input->end - from));
	return conn->handover != NULL ? HANDED : answer_burst(conn, message, 1);
}

/* Whom the message after a burst is for. */
enum next {
	NEXT_OURS,
	NEXT_REQUEST,  /* volley-control answers it */
	NEXT_TRANSFER, /* volley-control takes the connection over */
};

static enum next
next_of(const struct vly_stream_conn *conn, const struct vly_stream_message *message)
{
	if (is_transfer(conn, message)) /* which may be signed, too */
		return NEXT_TRANSFER;
	return is_request(conn, message) ? NEXT_REQUEST : NEXT_OURS;
}

/* Takes messages up to a burst, or up to one for volley-control, which is message[*cnt] then. */
static enum vly_stream_found
take_messages(struct vly_stream_conn *conn, struct vly_stream_message message[VLY_BURST_MAX],
	      unsigned *cnt, enum next *next)
{
	enum vly_stream_found found = VLY_STREAM_MESSAGE;

	*cnt = 0;
	*next = NEXT_OURS;
	while (*cnt < VLY_BURST_MAX && *next == NEXT_OURS &&
	       (found = vly_stream_input_next(&conn->input, &message[*cnt])) ==
		       VLY_STREAM_MESSAGE) {
		*next = next_of(conn, &message[*cnt]);
		*cnt += *next == NEXT_OURS;
	}
	return found;
}

/* Answers all complete messages, as long as the client takes the responses. */
static enum outcome
answer(struct vly_stream_conn *conn)
{
	struct vly_stream_message message[VLY_BURST_MAX];
	enum vly_stream_found found = VLY_STREAM_MESSAGE;
	enum outcome outcome = GO_ON;

	while (found == VLY_STREAM_MESSAGE && outcome == GO_ON && conn->request == NULL) {
		unsigned cnt;
		enum next next;
		found = take_messages(conn, message, &cnt, &next);
		if (cnt > 0)
			outcome = answer_burst(conn, message, cnt);
		if (next == NEXT_REQUEST && outcome == GO_ON)
			outcome = hand_over(conn, &message[cnt]);
		else if (next == NEXT_TRANSFER && outcome == GO_ON)
			outcome = give_away(conn, &message[cnt]);
	}
	if (outcome == GO_ON)
		outcome = flush_answers(conn);
	/* Responses of a connection that ends: the next client would get them. */
	conn->pool->answerer.out_bytes = 0;
	if (outcome == GO_ON && conn->request != NULL)
		return WAIT;
	/* Responses to the messages before the malformed one are sent first. */
	return outcome == GO_ON && found == VLY_STREAM_BROKEN ? BROKEN : outcome;
}

/* Reads once and answers. */
static enum outcome
read_once(struct vly_stream_conn *conn)
{
	size_t space;
	uint8_t *at = vly_stream_input_space(&conn->input, &conn->pool->scratch, &space);

	if (at == NULL)
		return GONE;
	ssize_t got = recv(conn->fd, at, space, MSG_DONTWAIT);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? WAIT : GONE;
	if (got == 0) {
		conn->ending = true;
		return WAIT;
	}
	vly_stream_input_add(&conn->input, at, (size_t)got);
	enum outcome outcome = answer(conn);
	if (vly_stream_input_keep(&conn->input) != 0)
		return GONE;
	return outcome == GO_ON && (size_t)got < space ? WAIT : outcome;
}

static enum outcome
go_on(struct vly_stream_conn *conn, int events)
{
	enum outcome outcome = flush_pending(conn);

	if (outcome == GO_ON && conn->request != NULL)
		return WAIT;
	/* Queries that were read before the client stopped taking responses. */
	if (outcome == GO_ON && (events & UV_WRITABLE)) {
		outcome = answer(conn);
		if (vly_stream_input_keep(&conn->input) != 0)
			return GONE;
	}
	for (unsigned i = 0; i < READS_MAX && outcome == GO_ON && !conn->ending; i++)
		outcome = read_once(conn);
	return outcome;
}

/* Closes the connection, or lets it go on. */
static void
conclude(struct vly_stream_conn *conn, enum outcome outcome)
{
	struct vly_stream_counters *counters = conn->pool->counters;

	conn->pool->beats++;
	if (outcome == HANDED) {
		vly_stream_conn_hand_over(conn);
	} else if (outcome == BROKEN) {
		counters->closed_malformed++;
		vly_stream_conn_close(conn, false);
	} else if (outcome == DENIED) {
		counters->closed_denied++;
		vly_stream_conn_close(conn, true);
	} else if (outcome == GONE) {
		counters->closed_client++;
		vly_stream_conn_close(conn, true);
	} else if (conn->ending && conn->pending == NULL && conn->request == NULL) {
		counters->closed_client++;
		vly_stream_conn_close(conn, false);
	} else {
		vly_stream_pool_settle(conn);
	}
}

void
vly_stream_conn_on_event(uv_poll_t *poll, int status, int events)
{
	struct vly_stream_conn *conn = poll->data;

	conclude(conn, status < 0 ? GONE : go_on(conn, events));
}

/* Puts the response behind octets that the client has not read yet. */
static enum outcome
append_pending(struct vly_stream_conn *conn, const uint8_t *octets, size_t bytes)
{
	uint8_t *longer = realloc(conn->pending, conn->pending_bytes + bytes);

	if (longer == NULL)
		return GONE;
	memcpy(longer + conn->pending_bytes, octets, bytes);
	conn->pending = longer;
	conn->pending_bytes += (uint32_t)bytes;
	return WAIT;
}

void
vly_stream_conn_on_response(const struct vly_request *request)
{
	struct vly_stream_conn *conn = request->origin.connection;
	struct vly_stream_answerer *answerer = &conn->pool->answerer;
	struct vly_lcore_counters *counters = &conn->pool->counters->answers;
	enum outcome outcome = GONE;

	conn->request = NULL;
	conn->fresh = true;
	if (request->response != NULL) {
		vly_put_be16(answerer->out, request->response_bytes);
		memcpy(answerer->out + VLY_STREAM_PREFIX_BYTES, request->response,
		       request->response_bytes);
		answerer->out_bytes = VLY_STREAM_PREFIX_BYTES + request->response_bytes;
		counters->tx_packets++;
		counters->tx_bytes += request->response_bytes;
		if (conn->pending != NULL) {
			outcome = append_pending(conn, answerer->out, answerer->out_bytes);
			answerer->out_bytes = 0;
		} else {
			outcome = answer(conn); /* flushes */
		}
	}
	if (outcome != GONE && vly_stream_input_keep(&conn->input) != 0)
		outcome = GONE;
	conclude(conn, outcome == GO_ON ? WAIT : outcome);
}
