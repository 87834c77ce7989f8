/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "message.h"

#include <string.h>

#include <volley/name.h>
#include <volley/octets.h>

#define RECORD_FIXED_BYTES 10 /* type, class, TTL, RDLENGTH */

/* A name has at most 127 labels, and no reason for more pointers. Without a limit, each of thousands of records
 * may lead through thousands of pointers. */
#define JUMPS_MAX 127

bool
vly_message_name(struct vly_message_reader *reader, size_t end, struct vly_message_name *name)
{
	const uint8_t *message = reader->message;
	size_t at = reader->at;
	size_t part = at; /* where the labels at hand began */
	unsigned len = 0;
	unsigned jump_cnt = 0;

	while (at < end) { /* each step takes labels, or goes back */
		unsigned octet = message[at];
		if (octet >= 0xc0) {
			if (end - at < 2)
				return false;
			size_t to = vly_be16(message + at) & VLY_POINTER_MAX;
			if (jump_cnt == 0)
				reader->at = at + 2;
			if (to >= part || to < VLY_DNS_HEADER_BYTES || ++jump_cnt > JUMPS_MAX)
				return false;
			end = part;
			at = part = to;
			continue;
		}
		if (octet > VLY_LABEL_BYTES_MAX || octet + 1 > end - at ||
		    len + octet + 1 > VLY_NAME_BYTES_MAX)
			return false;
		memcpy(name->wire + len, message + at, octet + 1);
		len += octet + 1;
		at += octet + 1;
		if (octet != 0)
			continue;
		name->len = (uint8_t)len;
		if (jump_cnt == 0)
			reader->at = at;
		return true;
	}
	return false;
}

bool
vly_message_question(struct vly_message_reader *reader, struct vly_message_name *name,
		     uint16_t *type, uint16_t *class)
{
	if (!vly_message_name(reader, reader->len, name) || reader->len - reader->at < 4)
		return false;
	*type = vly_be16(reader->message + reader->at);
	*class = vly_be16(reader->message + reader->at + 2);
	reader->at += 4;
	return true;
}

bool
vly_message_record(struct vly_message_reader *reader, struct vly_message_record *record)
{
	record->off = reader->at;
	if (!vly_message_name(reader, reader->len, &record->owner) ||
	    reader->len - reader->at < RECORD_FIXED_BYTES)
		return false;
	const uint8_t *fixed = reader->message + reader->at;
	record->type = vly_be16(fixed);
	record->class = vly_be16(fixed + 2);
	record->ttl = vly_be32(fixed + 4);
	record->data_len = vly_be16(fixed + 8);
	record->data_off = reader->at + RECORD_FIXED_BYTES;
	if (reader->len - record->data_off < record->data_len)
		return false;
	reader->at = record->data_off + record->data_len;
	return true;
}

bool
vly_message_records_begin(struct vly_message_reader *reader, const uint8_t *message, size_t len,
			  unsigned *record_cnt)
{
	struct vly_message_name name;
	uint16_t type;
	uint16_t class;

	*reader = (struct vly_message_reader){message, len, VLY_DNS_HEADER_BYTES};
	*record_cnt = vly_be16(message + 6) + vly_be16(message + 8) + vly_be16(message + 10);
	for (unsigned cnt = vly_be16(message + 4); cnt > 0; cnt--) /* each has 5 octets at least */
		if (!vly_message_question(reader, &name, &type, &class))
			return false;
	return true;
}

void
vly_message_name_lower(struct vly_message_name *name)
{
	for (unsigned i = 0; i < name->len; i++) /* lengths of labels are no letters */
		name->wire[i] = vly_ascii_lower(name->wire[i]);
}
