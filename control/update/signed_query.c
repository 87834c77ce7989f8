/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "signed_query.h"

#include <string.h>

#include <volley/octets.h>

#include "key/tsig.h"

/* Header and question of the query, with an RCODE. Returns the octets. */
static size_t
write_error(const uint8_t *query, size_t len, enum vly_rcode rcode, uint8_t *response)
{
	struct vly_message_reader reader = {query, len, VLY_DNS_HEADER_BYTES};
	struct vly_message_name name;
	uint16_t type;
	uint16_t class;

	memset(response, 0, VLY_DNS_HEADER_BYTES);
	memcpy(response, query, 2);
	response[2] =
		(uint8_t)(VLY_FLAG_QR >> 8 | (query[2] & (VLY_FLAG_OPCODE | VLY_FLAG_RD) >> 8));
	response[3] = (uint8_t)rcode;
	if (!vly_message_question(&reader, &name, &type, &class))
		return VLY_DNS_HEADER_BYTES;
	response[5] = 1;
	memcpy(response + VLY_DNS_HEADER_BYTES, query + VLY_DNS_HEADER_BYTES,
	       reader.at - VLY_DNS_HEADER_BYTES);
	return reader.at;
}

size_t
vly_signed_query_answer(struct vly_keyring *keyring,
			const struct vly_publish_client_request *request, uint64_t now,
			uint8_t *response, unsigned *error)
{
	const uint8_t *query = request->message;
	const size_t len = request->message_bytes;
	struct vly_tsig tsig;

	*error = VLY_TSIG_FORMERR;
	if (vly_tsig_find(&tsig, query, len) != 0 || !tsig.found)
		return write_error(query, len, VLY_RCODE_FORMERR, response);
	struct vly_keyring_key *key = vly_keyring_find(keyring, tsig.key.wire, tsig.key.len);
	const struct vly_tsig_key *secret = key != NULL ? key->tsig : NULL;
	*error = vly_tsig_verify(&tsig, secret, query, now);
	if (*error == VLY_TSIG_FORMERR)
		return write_error(query, len, VLY_RCODE_FORMERR, response);
	size_t bytes = request->response_bytes;
	if (*error == VLY_TSIG_OK)
		memcpy(response, query + len, bytes);
	else
		bytes = write_error(query, len, VLY_RCODE_NOTAUTH, response);
	if (*error == VLY_TSIG_OK)
		key->last_use = now;
	return vly_tsig_append(response, bytes, VLY_MESSAGE_BYTES_MAX, &tsig, secret, *error, now);
}
