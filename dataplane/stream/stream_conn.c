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

/* A message that was kept takes three reads: one for its length, one for the message, and one for
 * the octets that follow it. */
#define READS_MAX 3

enum outcome {
	GO_ON,
	WAIT,   /* until the client reads or sends */
	GONE,   /* the client closed the connection, or an error ended it */
	BROKEN, /* the client does not speak DNS */
	DENIED, /* the client was denied since it connected */
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

static enum outcome
answer_burst(struct vly_stream_conn *conn, const struct vly_stream_message *message, unsigned cnt)
{
	struct vly_stream_pool *pool = conn->pool;
	const struct vly_stream_asker asker = {
		.ipv4 = conn->ipv4,
		.address = conn->address,
		.keepalive = (uint16_t)(vly_stream_pool_idle_ms(pool) / 100),
	};

	if (is_denied(conn)) {
		/* Responses to earlier bursts: the next client would get them. */
		pool->answerer.out_bytes = 0;
		return DENIED;
	}
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

/* Answers all complete messages, as long as the client takes the responses. */
static enum outcome
answer(struct vly_stream_conn *conn)
{
	struct vly_stream_message message[VLY_BURST_MAX];
	enum vly_stream_found found = VLY_STREAM_MESSAGE;
	enum outcome outcome = GO_ON;

	while (found == VLY_STREAM_MESSAGE && outcome == GO_ON) {
		unsigned cnt = 0;
		while (cnt < VLY_BURST_MAX &&
		       (found = vly_stream_input_next(&conn->input, &message[cnt])) ==
			       VLY_STREAM_MESSAGE)
			cnt++;
		if (cnt > 0)
			outcome = answer_burst(conn, message, cnt);
	}
	if (outcome == GO_ON)
		outcome = flush_answers(conn);
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

void
vly_stream_conn_on_event(uv_poll_t *poll, int status, int events)
{
	struct vly_stream_conn *conn = poll->data;
	struct vly_stream_counters *counters = conn->pool->counters;
	enum outcome outcome = status < 0 ? GONE : go_on(conn, events);

	conn->pool->beats++;
	if (outcome == BROKEN) {
		counters->closed_malformed++;
		vly_stream_conn_close(conn, false);
	} else if (outcome == DENIED) {
		counters->closed_denied++;
		vly_stream_conn_close(conn, true);
	} else if (outcome == GONE) {
		counters->closed_client++;
		vly_stream_conn_close(conn, true);
	} else if (conn->ending && conn->pending == NULL) {
		counters->closed_client++;
		vly_stream_conn_close(conn, false);
	} else {
		vly_stream_pool_settle(conn);
	}
}
