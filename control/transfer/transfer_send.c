/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <volley/octets.h>

#include "common/log.h"
#include "session/padding.h"
#include "transfer_parts.h"

/* What we take over UDP; clients that speak TCP do not need it. */
#define UDP_BYTES 1232

/* Puts into the first message what the client has asked: the spelling of the name, and the type. */
static void
put_question(const struct vly_transfer_request *request, uint8_t *message)
{
	uint8_t *at = message + VLY_DNS_HEADER_BYTES;

	memcpy(at, request->name.wire, request->name.len);
	vly_put_be16(at + request->name.len, request->type);
}

static size_t
put_opt(uint8_t *message, size_t len)
{
	uint8_t *at = message + len;

	memset(at, 0, VLY_OPT_BYTES);
	vly_put_be16(at + 1, VLY_TYPE_OPT);
	vly_put_be16(at + 3, UDP_BYTES);
	vly_put_be16(message + 10, vly_be16(message + 10) + 1u);
	return len + VLY_OPT_BYTES;
}

/* Makes a message of the spool one for the client. Returns its length, or 0: it has no room for the
 * signature, or there is no memory. */
static size_t
complete(struct vly_transfer_client *client, uint8_t *message, size_t len, bool is_last)
{
	const struct vly_transfer_request *request = &client->request;
	const bool is_padded = client->peer.is_tls && request->has_opt;
	const size_t behind = client->is_signed ? vly_tsig_stream_bytes(&client->stream) : 0;

	vly_put_be16(message, request->id);
	message[2] |= (uint8_t)((request->flags & VLY_FLAG_RD) >> 8);
	if (client->off == 0)
		put_question(request, message);
	if (request->has_opt && (client->off == 0 || is_padded) &&
	    len + VLY_OPT_BYTES + behind <= VLY_MESSAGE_BYTES_MAX)
		len = put_opt(message, len);
	if (is_padded)
		len = vly_padding_add(message, len, VLY_MESSAGE_BYTES_MAX,
				      VLY_PADDING_RESPONSE_BLOCK, behind, false);
	if (!client->is_signed)
		return len;
	return vly_tsig_stream_sign(&client->stream, message, len, VLY_MESSAGE_BYTES_MAX, is_last,
				    (uint64_t)time(NULL));
}

/* The whole answer has been sent. */
static void
end(struct vly_transfer_client *client)
{
	struct vly_transfers_counts *counts = &client->transfers->counts;
	const enum vly_answer_kind kind = client->answer->kind;

	if (client->request.type == VLY_TYPE_SOA)
		counts->soa_cnt++;
	else if (kind == VLY_ANSWER_WHOLE)
		counts->axfr_cnt++;
	else if (client->answer->result == VLY_FILL_CURRENT)
		counts->current_cnt++;
	else
		counts->ixfr_cnt++;
	client->is_current = client->answer->result == VLY_FILL_CURRENT;
	client->end = "";
	if (kind != VLY_ANSWER_SOA)
		vly_log_debug("%s of %s, serial %u: %llu octets sent",
			      kind == VLY_ANSWER_WHOLE ? "AXFR" : "IXFR", client->zone,
			      atomic_load(&client->answer->serial),
			      (unsigned long long)client->octet_cnt);
	vly_transfer_client_next(client);
}

/* There is nothing (more) to send of an answer that could not be made. */
static void
fail(struct vly_transfer_client *client)
{
	client->transfers->counts.failed_cnt++;
	client->end = "its messages could not be made or read";
	if (client->off == 0)
		vly_transfer_client_respond(client, VLY_RCODE_SERVFAIL, 0);
	else
		vly_transfer_client_close(client);
}

/* The journal does not reach back, or the zone is smaller than the difference. */
static void
send_whole(struct vly_transfer_client *client)
{
	const uint64_t version = atomic_load(&client->answer->version);

	vly_answer_leave(client);
	if (vly_answers_join(client, VLY_ANSWER_WHOLE, version) != 0) {
		client->transfers->counts.busy_cnt++;
		vly_transfer_client_respond(client, VLY_RCODE_SERVFAIL, 0);
		return;
	}
	vly_transfer_send(client);
}

/* Sends the whole messages of a chunk, as far as there is room. Returns false when the client is not to be
 * touched any more. */
static bool
send_chunk(struct vly_transfer_client *client, const uint8_t *chunk, size_t len, uint64_t last_off)
{
	struct vly_transfers *transfers = client->transfers;
	uint8_t *message = transfers->message;

	while (len >= 2 && !client->is_full) { /* each takes octets */
		const size_t bytes = vly_be16(chunk);
		if (len - 2 < bytes)
			return true;
		memcpy(message, chunk + 2, bytes);
		const bool is_last = client->off + 2 + bytes == last_off;
		const size_t whole = complete(client, message, bytes, is_last);
		if (whole == 0) {
			fail(client);
			return false;
		}
		client->off += 2 + bytes;
		chunk += 2 + bytes;
		len -= 2 + bytes;
		client->message_cnt++;
		client->octet_cnt += 2 + whole;
		transfers->counts.octet_cnt += 2 + whole;
		client->is_full = !vly_session_send(client->session, message, whole);
	}
	return true;
}

/* Sends, and at the end of the answer takes the next request. Returns whether there may be more to do at
 * once. */
static bool
take_chunk(struct vly_transfer_client *client, const uint8_t *chunk, size_t len)
{
	enum vly_message_spool_end how;
	const uint64_t there = vly_message_spool_look(client->answer->spool, &how);
	const bool is_whole = how == VLY_MESSAGE_SPOOL_WHOLE;

	if (!send_chunk(client, chunk, len, is_whole ? there : 0))
		return false;
	if (is_whole && client->off == there) {
		end(client);
		return false;
	}
	return !client->is_full;
}

static void
read_work(uv_work_t *work)
{
	struct vly_transfer_read *read = work->data;

	read->cnt = vly_message_spool_read(read->answer->spool, read->off, read->octet,
					   sizeof(read->octet), true);
	read->error = errno;
}

static void read_done(uv_work_t *work, int status);

static void
begin_read(struct vly_transfers *transfers, struct vly_transfer_read *read)
{
	transfers->spool_read_cnt++;
	uv_queue_work(transfers->settings.loop, &read->work, read_work, read_done);
}

/* Begins the next read whose client is still there. */
static void
begin_next_read(struct vly_transfers *transfers)
{
	while (transfers->waiting != NULL) { /* each is taken out */
		struct vly_transfer_read *read = transfers->waiting;
		transfers->waiting = read->next;
		if (read->client != NULL && !transfers->is_freed) {
			begin_read(transfers, read);
			return;
		}
		transfers->read_cnt--;
		vly_answer_release(read->answer);
		free(read);
	}
}

static void
read_done(uv_work_t *work, int status)
{
	struct vly_transfer_read *read = work->data;
	struct vly_transfer_client *client = read->client;
	struct vly_transfers *transfers = read->answer->transfers;

	(void)status;
	transfers->read_cnt--;
	transfers->spool_read_cnt--;
	begin_next_read(transfers);
	if (client != NULL) {
		client->read = NULL;
		if (read->cnt < 0) {
			vly_log_error("a transfer of %s is broken off: %s", client->zone,
				      strerror(read->error));
			fail(client);
		} else if (take_chunk(client, read->octet, (size_t)read->cnt)) {
			vly_transfer_send(client);
		}
	}
	vly_answer_release(read->answer);
	free(read);
	if (transfers->is_freed)
		vly_transfers_release(transfers);
}

/* The disk has to be waited for. */
static void
read_in_pool(struct vly_transfer_client *client)
{
	struct vly_transfers *transfers = client->transfers;
	struct vly_transfer_read *read = calloc(1, sizeof(*read));

	if (read == NULL) {
		fail(client);
		return;
	}
	read->client = client;
	read->answer = client->answer;
	read->off = client->off;
	read->work.data = read;
	vly_answer_hold(read->answer);
	client->read = read;
	transfers->read_cnt++;
	if (transfers->spool_read_cnt < VLY_TRANSFER_READS_MAX) {
		begin_read(transfers, read);
		return;
	}
	if (transfers->waiting == NULL)
		transfers->waiting_end = &transfers->waiting;
	*transfers->waiting_end = read;
	transfers->waiting_end = &read->next;
}

void
vly_transfer_forgo_turn(struct vly_transfer_client *client)
{
	if (client->prev_turn == NULL)
		return;
	*client->prev_turn = client->next_turn;
	if (client->next_turn != NULL)
		client->next_turn->prev_turn = client->prev_turn;
	client->prev_turn = NULL;
}

static void
wait_for_turn(struct vly_transfer_client *client)
{
	struct vly_transfers *transfers = client->transfers;

	client->next_turn = transfers->turn;
	client->prev_turn = &transfers->turn;
	if (client->next_turn != NULL)
		client->next_turn->prev_turn = &client->next_turn;
	transfers->turn = client;
	uv_async_send(&transfers->progress);
}

void
vly_transfer_send_turns(struct vly_transfers *transfers)
{
	struct vly_transfer_client *list = transfers->turn;

	if (list == NULL)
		return;
	transfers->turn = NULL; /* those who wait again come into a new list */
	list->prev_turn = &list;
	while (list != NULL) { /* each is taken out */
		struct vly_transfer_client *client = list;
		vly_transfer_forgo_turn(client);
		vly_transfer_send(client);
	}
}

void
vly_transfer_send(struct vly_transfer_client *client)
{
	struct vly_transfers *transfers = client->transfers;
	bool goes_on = client->read == NULL && !client->is_full && client->prev_turn == NULL;
	size_t sent = 0;

	while (goes_on) { /* until the session is full, the spool empty, or the turn over */
		enum vly_message_spool_end how;
		if (sent >= VLY_TRANSFER_TURN_BYTES) {
			wait_for_turn(client);
			return;
		}
		struct vly_message_spool *spool = client->answer->spool;
		const uint64_t there = vly_message_spool_look(spool, &how);
		if (how == VLY_MESSAGE_SPOOL_FAILED) {
			fail(client);
			return;
		}
		if (client->off == there) {
			if (how == VLY_MESSAGE_SPOOL_WHOLE && there == 0)
				send_whole(client);
			else if (how == VLY_MESSAGE_SPOOL_WHOLE)
				end(client);
			return;
		}
		ssize_t cnt = vly_message_spool_read(spool, client->off, transfers->chunk,
						     sizeof(transfers->chunk), false);
		if (cnt < 0 && errno == EAGAIN) {
			read_in_pool(client);
			return;
		}
		if (cnt < 0) {
			vly_log_error("a transfer of %s is broken off: %s", client->zone,
				      strerror(errno));
			fail(client);
			return;
		}
		const uint64_t before = client->off;
		sent += (size_t)cnt;
		goes_on = take_chunk(client, transfers->chunk, (size_t)cnt);
		if (goes_on && client->off == before) {
			read_in_pool(client); /* the rest of the message is not in memory */
			return;
		}
	}
}
