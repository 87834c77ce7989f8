/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing questions, and passing them through the real thing. */
#include <volley/checksum.h>

#include "message.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_ID 0xbe11

static uint8_t *
put_u16(uint8_t *to, unsigned value)
{
	*to++ = (uint8_t)(value >> 8);
	*to++ = (uint8_t)value;
	return to;
}

unsigned
vly_test_question_write(uint8_t *to, const struct vly_test_question *question)
{
	uint8_t *at = to;
	uint8_t name[VLY_NAME_BYTES_MAX];
	const uint8_t *wire = question->wire;
	unsigned len = 1;

	if (question->name != NULL) {
		len = vly_test_name_wire(name, question->name);
		wire = name;
	} else {
		for (unsigned i = 0; wire[i] != 0; i += wire[i] + 1u)
			len += wire[i] + 1u;
	}
	at = put_u16(at, QUERY_ID);
	at = put_u16(at, question->flags);
	at = put_u16(at, 1);
	at = put_u16(at, 0);
	at = put_u16(at, 0);
	at = put_u16(at, question->edns);
	memcpy(at, wire, len);
	at = put_u16(at + len, question->type);
	at = put_u16(at, question->class == 0 ? VLY_CLASS_IN : question->class);
	if (question->edns) {
		*at++ = 0;
		at = put_u16(at, VLY_TYPE_OPT);
		at = put_u16(at, question->payload == 0 ? 1232 : question->payload);
		*at++ = 0;
		*at++ = question->edns_version;
		at = put_u16(at, question->dnssec_ok ? 0x8000 : 0);
		at = put_u16(at, question->options_bytes);
		if (question->options_bytes > 0)
			memcpy(at, question->options, question->options_bytes);
		at += question->options_bytes;
	}
	return (unsigned)(at - to);
}

/* Returns whether it is one of IPv4. */
static bool
read_address(uint8_t address[16], const char *text)
{
	if (text == NULL)
		text = "192.0.2.99";
	if (inet_pton(AF_INET, text, address) == 1)
		return true;
	if (inet_pton(AF_INET6, text, address) != 1)
		abort();
	return false;
}

void
vly_test_exchange(const struct vly_table *table, const uint8_t *message, size_t bytes,
		  const struct vly_test_question *options, struct vly_test_response *response)
{
	uint16_t room = options->room == 0 ? 65535 : options->room;
	size_t size = bytes + VLY_NAME_SLACK_BYTES > room ? bytes + VLY_NAME_SLACK_BYTES : room;
	uint8_t *datagram = malloc(VLY_UDP_BYTES + size);
	uint8_t *buffer = datagram + VLY_UDP_BYTES;
	struct vly_query *query = malloc(sizeof(*query));
	struct vly_guard *guard = options->guard;
	uint8_t address[16];

	if (datagram == NULL || query == NULL)
		abort();
	*response = (struct vly_test_response){0};
	memset(datagram, 0xa5,
	       VLY_UDP_BYTES + size); /* rests of other packets are no zeroes either */
	memset(query, 0xa5, sizeof(*query));
	memcpy(buffer, message, bytes);
	query->message = buffer;
	query->message_len = (uint16_t)bytes;
	query->room = room;
	query->limit_max = options->limit_max == 0 ? 4096 : options->limit_max;
	query->limit = options->stream ? room : VLY_UDP_BYTES_MIN;
	query->stream = options->stream;
	query->frame_off = 0;
	query->steering = options->steering;
	query->client = address;
	query->client_is_ipv4 = read_address(address, options->client);
	query->udp_sum = options->stream ? 0 : vly_sum_octets(datagram, VLY_UDP_BYTES + bytes);
	vly_query_answer(query, 1, table, guard, &response->counters);
	if (query->response_len > room) {
		response->fault = "the response is larger than its room";
	} else if (query->response_len != 0) {
		vly_test_response_decode(response, buffer, query->response_len);
		if (response->fault == NULL &&
		    vly_sum_fold(query->response_sum) !=
			    vly_test_naive_sum(buffer, query->response_len))
			response->fault = "response_sum is not the sum of the octets";
	}
	free(query);
	free(datagram);
}

void
vly_test_ask(const struct vly_table *table, const struct vly_test_question *question,
	     struct vly_test_response *response)
{
	uint8_t message[320];

	vly_test_exchange(table, message, vly_test_question_write(message, question), question,
			  response);
}

char *
vly_test_ask_text(const struct vly_table *table, const struct vly_test_question *question)
{
	struct vly_test_response response;

	vly_test_ask(table, question, &response);
	char *text = vly_test_response_text(&response);
	vly_test_response_free(&response);
	return text;
}
