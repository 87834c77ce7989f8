/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer_request.h"

#include <string.h>

#include <volley/octets.h>

/* The serial stands 20 octets before the end of a SOA's data, behind two names (RFC 1035 §3.3.13). */
#define SOA_NUMBERS_BYTES 20

static bool
read_soa(struct vly_transfer_request *request, const struct vly_message_reader *reader,
	 const struct vly_message_record *record)
{
	struct vly_message_reader data = {reader->message, reader->len, record->data_off};
	const size_t end = record->data_off + record->data_len;
	struct vly_message_name name = request->name;
	struct vly_message_name owner = record->owner;
	struct vly_message_name host;

	vly_message_name_lower(&name);
	vly_message_name_lower(&owner);
	if (owner.len != name.len || memcmp(owner.wire, name.wire, name.len) != 0 ||
	    record->class != VLY_CLASS_IN || !vly_message_name(&data, end, &host) ||
	    !vly_message_name(&data, end, &host) || end - data.at != SOA_NUMBERS_BYTES)
		return false;
	request->has_serial = true;
	request->serial = vly_be32(reader->message + data.at);
	return true;
}

/* Reads the records behind the question. */
static enum vly_request_fault
read_records(struct vly_transfer_request *request, struct vly_message_reader *reader)
{
	const uint8_t *message = reader->message;
	const unsigned authority_cnt = vly_be16(message + 8);
	const unsigned cnt = authority_cnt + vly_be16(message + 10);
	bool bad_version = false;

	for (unsigned i = 0; i < cnt; i++) { /* each takes octets */
		struct vly_message_record record;
		if (!vly_message_record(reader, &record))
			return VLY_REQUEST_MALFORMED;
		if (i < authority_cnt && record.type == VLY_TYPE_SOA &&
		    request->type == VLY_TYPE_IXFR &&
		    (request->has_serial || !read_soa(request, reader, &record)))
			return VLY_REQUEST_MALFORMED;
		if (i < authority_cnt || record.type != VLY_TYPE_OPT)
			continue;
		if (request->has_opt || record.owner.len != 1)
			return VLY_REQUEST_MALFORMED; /* RFC 6891 §6.1.1 */
		request->has_opt = true;
		bad_version = (record.ttl >> 16 & 0xff) != 0;
	}
	if (reader->at != reader->len)
		return VLY_REQUEST_MALFORMED;
	return bad_version ? VLY_REQUEST_BAD_VERSION : VLY_REQUEST_GOOD;
}

enum vly_request_fault
vly_transfer_request_read(struct vly_transfer_request *request, const uint8_t *message, size_t len)
{
	struct vly_message_reader reader = {message, len, VLY_DNS_HEADER_BYTES};

	*request = (struct vly_transfer_request){0};
	if (len < VLY_DNS_HEADER_BYTES)
		return VLY_REQUEST_SILENT;
	request->id = vly_be16(message);
	request->flags = vly_be16(message + 2);
	if (request->flags & VLY_FLAG_QR)
		return VLY_REQUEST_SILENT;
	if (vly_be16(message + 4) == 1)
		request->has_question = vly_message_question(&reader, &request->name,
							     &request->type, &request->class);
	if (request->has_question && vly_tsig_find(&request->tsig, message, len) != 0) {
		request->tsig.found = false;
		return VLY_REQUEST_MALFORMED;
	}
	if ((request->flags & VLY_FLAG_OPCODE) != VLY_OPCODE_QUERY << 11)
		return VLY_REQUEST_UNKNOWN_OPCODE;
	if (!request->has_question || vly_be16(message + 6) != 0)
		return VLY_REQUEST_MALFORMED;
	enum vly_request_fault fault = read_records(request, &reader);
	if (fault == VLY_REQUEST_GOOD && request->type == VLY_TYPE_IXFR && !request->has_serial)
		return VLY_REQUEST_MALFORMED;
	return fault;
}
