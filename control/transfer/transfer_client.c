/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <volley/octets.h>

#include "common/log.h"
#include "session/padding.h"
#include "transfer_parts.h"
#include "transfer_rules.h"
#include "zone/domain.h"

/* A header, a question, an OPT, and a TSIG with the longest names and MAC. */
#define RESPONSE_BYTES (VLY_DNS_HEADER_BYTES + 4 * VLY_NAME_BYTES_MAX + 512)

static void
log_refusal(const struct vly_transfer_client *client, const char *why)
{
	char address[INET6_ADDRSTRLEN];
	char name[VLY_DOMAIN_TEXT_BYTES];

	if (!vly_transfers_may_log(client->transfers))
		return;
	vly_transfer_client_address(client, address);
	vly_log_warning("transfer of %s to %s refused: %s",
			vly_domain_text(client->request.name.wire, name), address, why);
}

void
vly_transfer_client_drop(struct vly_transfer_client *client)
{
	if (client->read != NULL) {
		client->read->client = NULL;
		client->read = NULL;
	}
	vly_transfer_forgo_turn(client);
	vly_transfer_note_past(client);
	client->end = NULL;
	client->is_current = false;
	vly_answer_leave(client);
	if (client->is_transfer) {
		client->transfers->transfer_cnt--;
		client->network->spare_cnt++;
	}
	vly_tsig_stream_wipe(&client->stream);
	free(client->zone);
	free(client->key);
	client->zone = NULL;
	client->key = NULL;
	client->is_transfer = false;
	client->is_signed = false;
	client->is_busy = false;
	client->off = 0;
	client->octet_cnt = 0;
	client->message_cnt = 0;
}

void
vly_transfer_client_idle(struct vly_transfer_client *client)
{
	struct vly_transfers *transfers = client->transfers;

	if (client->prev_idle != NULL)
		return;
	client->next_idle = NULL;
	client->prev_idle = transfers->idle_end;
	*transfers->idle_end = client;
	transfers->idle_end = &client->next_idle;
}

void
vly_transfer_client_work(struct vly_transfer_client *client)
{
	if (client->prev_idle == NULL)
		return;
	*client->prev_idle = client->next_idle;
	if (client->next_idle != NULL)
		client->next_idle->prev_idle = client->prev_idle;
	else
		client->transfers->idle_end = client->prev_idle;
	client->prev_idle = NULL;
}

static void
free_client(struct vly_transfer_client *client)
{
	vly_transfer_client_drop(client);
	vly_transfer_client_work(client);
	client->transfers->client_cnt--;
	client->network->spare_cnt--;
	vly_network_leave(&client->transfers->networks, client->network);
	*client->prev = client->next;
	if (client->next != NULL)
		client->next->prev = client->prev;
	free(client);
}

void
vly_transfer_client_close(struct vly_transfer_client *client)
{
	const struct linger none = {.l_onoff = 1};

	if (client->is_busy) /* an answer that has ended is delivered */
		(void)setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	vly_session_close(client->session);
	free_client(client);
}

void
vly_transfer_client_next(struct vly_transfer_client *client)
{
	vly_transfer_client_drop(client);
	vly_transfer_client_idle(client);
	if (client->is_full)
		return; /* and goes on when there is room */
	if (client->has_ended)
		vly_session_finish(client->session);
	else
		vly_session_resume(client->session);
}

/* Header and question. Returns their length. */
static size_t
begin_response(const struct vly_transfer_request *request, enum vly_rcode rcode, uint8_t *response)
{
	size_t len = VLY_DNS_HEADER_BYTES;

	memset(response, 0, VLY_DNS_HEADER_BYTES);
	vly_put_be16(response, request->id);
	vly_put_be16(response + 2, VLY_FLAG_QR |
					   (request->flags & (VLY_FLAG_OPCODE | VLY_FLAG_RD)) |
					   (rcode & VLY_FLAG_RCODE));
	if (!request->has_question)
		return len;
	memcpy(response + len, request->name.wire, request->name.len);
	len += request->name.len;
	vly_put_be16(response + len, request->type);
	vly_put_be16(response + len + 2, request->class);
	response[5] = 1;
	return len + 4;
}

/* The OPT also has the upper bits of the RCODE (RFC 6891 §6.1.3). */
static size_t
add_opt(uint8_t *response, size_t len, enum vly_rcode rcode)
{
	uint8_t *at = response + len;

	memset(at, 0, VLY_OPT_BYTES);
	vly_put_be16(at + 1, VLY_TYPE_OPT);
	vly_put_be16(at + 3, 1232);
	at[5] = (uint8_t)(rcode >> 4);
	response[11] = 1;
	return len + VLY_OPT_BYTES;
}

static size_t
sign_response(struct vly_transfer_client *client, uint8_t *response, size_t len, unsigned error)
{
	const uint64_t now = (uint64_t)time(NULL);

	if (client->is_signed)
		return vly_tsig_stream_sign(&client->stream, response, len, RESPONSE_BYTES, true,
					    now);
	if (!client->request.tsig.found || error == VLY_TSIG_FORMERR)
		return len;
	return vly_tsig_append(response, len, RESPONSE_BYTES, &client->request.tsig, NULL, error,
			       now);
}

void
vly_transfer_client_respond(struct vly_transfer_client *client, enum vly_rcode rcode,
			    unsigned tsig_error)
{
	const struct vly_transfer_request *request = &client->request;
	uint8_t response[RESPONSE_BYTES];
	size_t len = begin_response(request, rcode, response);

	if (request->has_opt)
		len = add_opt(response, len, rcode);
	if (client->peer.is_tls && request->has_opt && !request->tsig.found)
		len = vly_padding_add(response, len, sizeof(response), VLY_PADDING_RESPONSE_BLOCK,
				      0, false);
	len = sign_response(client, response, len, tsig_error);
	if (len == 0) {
		vly_transfer_client_close(client);
		return;
	}
	client->is_full = !vly_session_send(client->session, response, len);
	vly_transfer_client_next(client);
}

/* The response to a request whose time is wrong is signed (RFC 8945 §5.2.3), all others are not. */
static void
respond_bad_signature(struct vly_transfer_client *client, const struct vly_tsig_key *key,
		      unsigned error)
{
	uint8_t response[RESPONSE_BYTES];
	enum vly_rcode rcode = error == VLY_TSIG_FORMERR ? VLY_RCODE_FORMERR : VLY_RCODE_NOTAUTH;

	client->transfers->counts.bad_signature_cnt++;
	log_refusal(client, "the signature is wrong, or the key is not known");
	if (error == VLY_TSIG_FORMERR || key == NULL) {
		vly_transfer_client_respond(client, rcode, error);
		return;
	}
	size_t len = begin_response(&client->request, rcode, response);
	len = vly_tsig_append(response, len, sizeof(response), &client->request.tsig, key, error,
			      (uint64_t)time(NULL));
	client->is_full = !vly_session_send(client->session, response, len);
	vly_transfer_client_next(client);
}

/* Verifies the signature, if there is one. Returns false when the request has been answered. */
static bool
verify(struct vly_transfer_client *client, const uint8_t *message)
{
	const struct vly_transfers_settings *settings = &client->transfers->settings;
	const struct vly_tsig *tsig = &client->request.tsig;

	if (!tsig->found)
		return true;
	const struct vly_tsig_key *key =
		settings->find_key(settings->find_key_arg, tsig->key.wire, tsig->key.len);
	char text[VLY_DOMAIN_TEXT_BYTES];
	unsigned error = vly_tsig_verify(tsig, key, message, (uint64_t)time(NULL));
	if (error != VLY_TSIG_OK) {
		respond_bad_signature(client, key, error);
		return false;
	}
	vly_tsig_stream_respond(&client->stream, tsig, key, 1);
	client->is_signed = true;
	client->key = strdup(vly_domain_text(key->name, text));
	if (client->key != NULL)
		return true;
	vly_transfer_client_respond(client, VLY_RCODE_SERVFAIL, 0);
	return false;
}

const char *
vly_transfer_client_judge(const struct vly_transfer_client *client)
{
	static const struct vly_config_feed nothing;
	const struct vly_transfer_client_facts facts = {
		.address = client->peer.address,
		.key = client->key,
		.is_tls = client->peer.is_tls,
		.pin = client->tls.has_pin ? client->tls.pin : NULL,
	};
	const struct vly_config_zone *zone =
		vly_zone_rules_find(&client->transfers->rules, client->zone);

	if (zone == NULL)
		return "it is not a zone of ours";
	return vly_transfer_rules_judge(zone->feed != NULL ? zone->feed : &nothing, &facts);
}

/* Returns false when the request has been answered. */
static bool
is_permitted(struct vly_transfer_client *client)
{
	const char *why = vly_transfer_client_judge(client);

	if (why == NULL)
		return true;
	const bool is_ours = vly_zone_rules_find(&client->transfers->rules, client->zone) != NULL;
	client->transfers->counts.refused_cnt++;
	log_refusal(client, why);
	vly_transfer_client_respond(client, is_ours ? VLY_RCODE_REFUSED : VLY_RCODE_NOTAUTH, 0);
	return false;
}

static void
respond_busy(struct vly_transfer_client *client)
{
	client->transfers->counts.busy_cnt++;
	vly_transfer_client_respond(client, VLY_RCODE_SERVFAIL, 0);
}

static enum vly_answer_kind
choose(const struct vly_transfer_request *request)
{
	if (request->type == VLY_TYPE_AXFR)
		return VLY_ANSWER_WHOLE;
	return request->type == VLY_TYPE_SOA ? VLY_ANSWER_SOA : VLY_ANSWER_DIFFERENCE;
}

/* Answers AXFR, IXFR or SOA. */
static void
serve(struct vly_transfer_client *client)
{
	struct vly_transfers *transfers = client->transfers;
	const struct vly_transfers_settings *settings = &transfers->settings;
	const bool is_transfer = client->request.type != VLY_TYPE_SOA;
	struct vly_message_name name = client->request.name;
	char text[VLY_DOMAIN_TEXT_BYTES];
	struct vly_living_state state;

	vly_message_name_lower(&name);
	client->zone = strdup(vly_domain_text(name.wire, text));
	if (client->zone == NULL) {
		respond_busy(client);
		return;
	}
	if (is_transfer && !is_permitted(client))
		return;
	if (!vly_living_find(settings->living, client->zone, &state)) {
		vly_transfer_client_respond(
			client, is_transfer ? VLY_RCODE_SERVFAIL : VLY_RCODE_REFUSED, 0);
		return;
	}
	if (settings->is_ready != NULL &&
	    !settings->is_ready(settings->is_ready_arg, client->zone)) {
		vly_transfer_client_respond(client, VLY_RCODE_SERVFAIL, 0);
		return;
	}
	if (is_transfer && transfers->transfer_cnt >= transfers->transfer_max) {
		respond_busy(client);
		return;
	}
	client->start_ms = uv_now(settings->loop);
	if (vly_answers_join(client, choose(&client->request), state.version) != 0) {
		respond_busy(client);
		return;
	}
	client->is_transfer = is_transfer;
	transfers->transfer_cnt += is_transfer;
	client->network->spare_cnt -= is_transfer;
	vly_transfer_send(client);
}

static void
on_opened(void *arg, const struct vly_session_peer *peer)
{
	struct vly_transfer_client *client = arg;

	client->tls = *peer;
}

/* A request that is not worth another one on this connection. */
static void
respond_and_finish(struct vly_transfer_client *client, enum vly_rcode rcode)
{
	client->transfers->counts.malformed_cnt++;
	client->has_ended = true;
	vly_transfer_client_respond(client, rcode, 0);
}

static void
on_message(void *arg, const uint8_t *message, size_t len)
{
	struct vly_transfer_client *client = arg;
	struct vly_transfer_request *request = &client->request;
	vly_session_pause(client->session);
	vly_transfer_client_work(client);
	client->is_busy = true;
	enum vly_request_fault fault = vly_transfer_request_read(request, message, len);
	if (fault == VLY_REQUEST_SILENT) {
		client->transfers->counts.malformed_cnt++;
		client->has_ended = true;
		vly_transfer_client_next(client);
		return;
	}
	if (fault == VLY_REQUEST_MALFORMED) {
		request->tsig.found = false;
		respond_and_finish(client, VLY_RCODE_FORMERR);
		return;
	}
	if (!verify(client, message))
		return;
	if (fault == VLY_REQUEST_UNKNOWN_OPCODE)
		vly_transfer_client_respond(client, VLY_RCODE_NOTIMP, 0);
	else if (fault == VLY_REQUEST_BAD_VERSION)
		vly_transfer_client_respond(client, VLY_RCODE_BADVERS, 0);
	else if (request->class == VLY_CLASS_IN &&
		 (request->type == VLY_TYPE_AXFR || request->type == VLY_TYPE_IXFR ||
		  request->type == VLY_TYPE_SOA))
		serve(client);
	else
		vly_transfer_client_respond(client, VLY_RCODE_REFUSED, 0);
}

static void
on_drained(void *arg)
{
	struct vly_transfer_client *client = arg;

	client->is_full = false;
	if (client->is_busy)
		vly_transfer_send(client);
	else
		vly_transfer_client_next(client);
}

static void
on_ended(void *arg)
{
	struct vly_transfer_client *client = arg;

	client->has_ended = true;
	if (!client->is_busy && !client->is_full)
		vly_session_finish(client->session);
}

static void
on_closed(void *arg, enum vly_session_end end, const char *reason)
{
	struct vly_transfer_client *client = arg;

	if (client->is_busy) {
		client->end = reason;
		client->transfers->counts.broken_cnt++;
		if (end != VLY_SESSION_EOF && client->is_transfer)
			vly_log_debug("a transfer of %s is broken off: %s", client->zone, reason);
	}
	free_client(client);
}

const struct vly_session_callbacks vly_transfer_callbacks = {
	.opened = on_opened,
	.message = on_message,
	.drained = on_drained,
	.ended = on_ended,
	.closed = on_closed,
};
