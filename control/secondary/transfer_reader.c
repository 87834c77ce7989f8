/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <volley/octets.h>

#include "base/message.h"
#include "living/serial.h"
#include "zone/domain.h"
#include "zone/rdata.h"
#include "zone/rdata_expand.h"
#include "zone/rr_type.h"

#define TTL_MAX       0x7fffffffu /* RFC 2181 §8 */
#define AUTHORITATIVE 0x04        /* of the header's third octet */

enum state {
	BEGIN,    /* the first SOA comes */
	UNSURE,   /* of an IXFR: the second record says whether it is the whole zone */
	WHOLE,    /* records of the zone */
	REMOVING, /* of a step */
	ADDING,
	DONE,
};

__attribute__((format(printf, 2, 3))) static enum vly_transfer_result
fail(struct vly_transfer_reader *reader, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reader->reason, sizeof(reader->reason), format, args);
	va_end(args);
	return VLY_TRANSFER_FAILED;
}

void
vly_transfer_reader_init(struct vly_transfer_reader *reader, const struct vly_name *apex,
			 uint16_t id, bool is_ixfr, uint32_t ours,
			 bool (*add)(void *arg, const struct vly_transfer_record *record),
			 void *arg)
{
	memset(reader, 0, sizeof(*reader));
	reader->apex = *apex;
	reader->id = id;
	reader->is_ixfr = is_ixfr;
	reader->ours = ours;
	reader->add = add;
	reader->arg = arg;
}

void
vly_transfer_soa_read(struct vly_transfer_soa *soa, const uint8_t *data, unsigned data_len)
{
	const uint8_t *at = data + data_len - 20;

	*soa = (struct vly_transfer_soa){
		.serial = vly_be32(at),
		.refresh = vly_be32(at + 4),
		.retry = vly_be32(at + 8),
		.expire = vly_be32(at + 12),
	};
}

static bool
is_in_zone(const struct vly_name *apex, const struct vly_message_name *owner)
{
	unsigned at = 0;

	while (owner->len - at > apex->len)
		at += owner->wire[at] + 1u;
	return owner->len - at == apex->len &&
	       memcmp(owner->wire + at, apex->lower, apex->len) == 0;
}

static bool
is_apex(const struct vly_name *apex, const struct vly_message_name *owner)
{
	return owner->len == apex->len && memcmp(owner->wire, apex->lower, apex->len) == 0;
}

static enum vly_transfer_result
give(struct vly_transfer_reader *reader, const struct vly_transfer_record *record,
     enum vly_transfer_op op)
{
	struct vly_transfer_record copy = *record;

	copy.op = (uint8_t)op;
	return reader->add(reader->arg, &copy) ? VLY_TRANSFER_MORE
					       : fail(reader, "the records can't be kept");
}

static enum vly_transfer_result
give_first(struct vly_transfer_reader *reader, enum vly_transfer_op op)
{
	const struct vly_transfer_record record = {
		.owner = reader->apex.lower,
		.data = reader->soa_data,
		.ttl = reader->soa_ttl,
		.type = VLY_TYPE_SOA,
		.data_len = reader->soa_len,
		.owner_len = reader->apex.len,
	};

	return give(reader, &record, op);
}

static enum vly_transfer_result
take_first(struct vly_transfer_reader *reader, const struct vly_transfer_record *record)
{
	if (record->type != VLY_TYPE_SOA)
		return fail(reader, "the transfer does not begin with an SOA record");
	if (record->data_len > sizeof(reader->soa_data))
		return fail(reader, "the SOA record is too long");
	memcpy(reader->soa_data, record->data, record->data_len);
	reader->soa_len = record->data_len;
	reader->soa_ttl = record->ttl;
	reader->has_soa = true;
	vly_transfer_soa_read(&reader->soa, record->data, record->data_len);
	reader->state = reader->is_ixfr ? UNSURE : WHOLE;
	return reader->is_ixfr ? VLY_TRANSFER_MORE : give_first(reader, VLY_TRANSFER_HAS);
}

static bool
is_first_soa(const struct vly_transfer_reader *reader, const struct vly_transfer_record *record)
{
	return record->data_len == reader->soa_len &&
	       vly_rdata_compare(VLY_TYPE_SOA, record->data, record->data_len, reader->soa_data,
				 reader->soa_len) == 0;
}

static enum vly_transfer_result
take_whole(struct vly_transfer_reader *reader, const struct vly_transfer_record *record)
{
	if (record->type != VLY_TYPE_SOA)
		return give(reader, record, VLY_TRANSFER_HAS);
	if (!is_first_soa(reader, record))
		return fail(reader, "there is another SOA record in the middle of the transfer");
	reader->state = DONE;
	return VLY_TRANSFER_WHOLE;
}

/* An SOA begins the removals of a step. */
static enum vly_transfer_result
begin_step(struct vly_transfer_reader *reader, const struct vly_transfer_record *record,
	   uint32_t from)
{
	struct vly_transfer_soa soa;

	vly_transfer_soa_read(&soa, record->data, record->data_len);
	if (soa.serial != from)
		return fail(reader, "a step of the IXFR begins at serial %u, and not at %u",
			    soa.serial, from);
	reader->state = REMOVING;
	reader->step_cnt++;
	return give(reader, record, VLY_TRANSFER_REMOVES);
}

static enum vly_transfer_result
take_second(struct vly_transfer_reader *reader, const struct vly_transfer_record *record)
{
	if (record->type == VLY_TYPE_SOA && !is_first_soa(reader, record))
		return begin_step(reader, record, reader->ours);
	reader->state = WHOLE;
	enum vly_transfer_result result = give_first(reader, VLY_TRANSFER_HAS);
	return result == VLY_TRANSFER_MORE ? take_whole(reader, record) : result;
}

/* An SOA ends the removals of a step, and begins what it adds. */
static enum vly_transfer_result
begin_adding(struct vly_transfer_reader *reader, const struct vly_transfer_record *record,
	     uint32_t from)
{
	struct vly_transfer_soa soa;

	vly_transfer_soa_read(&soa, record->data, record->data_len);
	if (!vly_serial_is_larger(soa.serial, from) ||
	    vly_serial_is_larger(soa.serial, reader->soa.serial))
		return fail(reader, "a step of the IXFR leads from serial %u to %u", from,
			    soa.serial);
	reader->step_to = soa.serial;
	reader->state = ADDING;
	return give(reader, record, VLY_TRANSFER_ADDS);
}

static enum vly_transfer_result
take_step(struct vly_transfer_reader *reader, const struct vly_transfer_record *record)
{
	const bool is_soa = record->type == VLY_TYPE_SOA;

	if (reader->state == REMOVING)
		return is_soa ? begin_adding(reader, record,
					     reader->step_cnt == 1 ? reader->ours : reader->step_to)
			      : give(reader, record, VLY_TRANSFER_REMOVES);
	if (!is_soa)
		return give(reader, record, VLY_TRANSFER_ADDS);
	if (reader->step_to != reader->soa.serial)
		return begin_step(reader, record, reader->step_to);
	if (!is_first_soa(reader, record))
		return fail(reader, "the IXFR does not end with the SOA record it began with");
	reader->state = DONE;
	return VLY_TRANSFER_CHANGES;
}

static enum vly_transfer_result
take(struct vly_transfer_reader *reader, const struct vly_transfer_record *record)
{
	reader->record_cnt++;
	switch ((enum state)reader->state) {
	case BEGIN:
		return take_first(reader, record);
	case UNSURE:
		return take_second(reader, record);
	case WHOLE:
		return take_whole(reader, record);
	case REMOVING:
	case ADDING:
		return take_step(reader, record);
	case DONE:
		break;
	}
	return fail(reader, "there are records behind the last SOA record");
}

/* Checks a record of the message and takes it. */
static enum vly_transfer_result
read_record(struct vly_transfer_reader *reader, const struct vly_message_reader *message,
	    struct vly_message_record *read)
{
	uint8_t data[VLY_RDATA_BYTES_MAX];
	char name[VLY_DOMAIN_TEXT_BYTES];

	vly_message_name_lower(&read->owner);
	if (read->class != VLY_CLASS_IN)
		return fail(reader, "%.300s: a record of class %u",
			    vly_domain_text(read->owner.wire, name), read->class);
	if (!is_in_zone(&reader->apex, &read->owner))
		return fail(reader, "%.300s: a record that is not in the zone",
			    vly_domain_text(read->owner.wire, name));
	if ((read->type >= VLY_TYPE_META_FIRST && read->type <= VLY_TYPE_ANY) ||
	    read->type == VLY_TYPE_OPT || read->type == 0)
		return fail(reader, "%.300s: a record of type %u, which no zone has",
			    vly_domain_text(read->owner.wire, name), read->type);
	if (read->type == VLY_TYPE_SOA && !is_apex(&reader->apex, &read->owner))
		return fail(reader, "%.300s: an SOA record below the apex",
			    vly_domain_text(read->owner.wire, name));
	const int len = vly_rdata_expand(message, read, data);
	if (len < 0 || !vly_rdata_is_sound(read->type, data, (unsigned)len))
		return fail(reader, "%.300s: malformed data of a record of type %u",
			    vly_domain_text(read->owner.wire, name), read->type);
	const struct vly_transfer_record record = {
		.owner = read->owner.wire,
		.data = data,
		.ttl = read->ttl > TTL_MAX ? 0 : read->ttl,
		.type = read->type,
		.data_len = (uint16_t)len,
		.owner_len = read->owner.len,
	};
	return take(reader, &record);
}

/* Checks header and question. */
static enum vly_transfer_result
read_head(struct vly_transfer_reader *reader, struct vly_message_reader *message)
{
	const uint8_t *head = message->message;
	struct vly_message_name name;
	uint16_t type;
	uint16_t class;

	if (message->len < VLY_DNS_HEADER_BYTES || vly_be16(head) != reader->id ||
	    (head[2] & 0xf8) != 0x80)
		return fail(reader, "a message is not a response to the request");
	reader->rcode = head[3] & 15;
	if (reader->rcode != VLY_RCODE_NOERROR)
		return reader->state == BEGIN
			       ? VLY_TRANSFER_REFUSED
			       : fail(reader, "a message has RCODE %u", reader->rcode);
	const unsigned question_cnt = vly_be16(head + 4);
	if (question_cnt > 1)
		return fail(reader, "a message has more than one question");
	if (question_cnt == 0)
		return VLY_TRANSFER_MORE;
	if (!vly_message_question(message, &name, &type, &class))
		return fail(reader, "a message has a malformed question");
	vly_message_name_lower(&name);
	if (!is_apex(&reader->apex, &name) || class != VLY_CLASS_IN)
		return fail(reader, "a message answers another question");
	return VLY_TRANSFER_MORE;
}

enum vly_transfer_result
vly_transfer_read(struct vly_transfer_reader *reader, const uint8_t *message, size_t len)
{
	struct vly_message_reader at = {message, len, VLY_DNS_HEADER_BYTES};
	enum vly_transfer_result result = read_head(reader, &at);
	struct vly_message_record record;

	if (result != VLY_TRANSFER_MORE)
		return result;
	const unsigned cnt = vly_be16(message + 6);
	if (cnt == 0)
		return fail(reader, "a message has no records");
	for (unsigned i = 0; i < cnt; i++) {
		if (result != VLY_TRANSFER_MORE)
			return fail(reader, "there are records behind the last SOA record");
		if (!vly_message_record(&at, &record))
			return fail(reader, "record %u of a message is malformed", i + 1);
		result = read_record(reader, &at, &record);
		if (result == VLY_TRANSFER_FAILED)
			return result;
	}
	if (reader->state == UNSURE && !vly_serial_is_larger(reader->soa.serial, reader->ours)) {
		reader->state = DONE;
		return VLY_TRANSFER_CURRENT;
	}
	return result;
}

bool
vly_transfer_read_soa(const struct vly_name *apex, uint16_t id, const uint8_t *message, size_t len,
		      struct vly_transfer_soa *soa, char reason[VLY_REASON_BYTES])
{
	struct vly_message_reader at = {message, len, VLY_DNS_HEADER_BYTES};
	struct vly_transfer_reader head = {.apex = *apex, .id = id};
	struct vly_message_record record;
	uint8_t data[VLY_RDATA_BYTES_MAX];

	enum vly_transfer_result result = read_head(&head, &at);
	snprintf(reason, VLY_REASON_BYTES, "%s", head.reason);
	if (result == VLY_TRANSFER_REFUSED)
		snprintf(reason, VLY_REASON_BYTES, "the SOA query is answered with RCODE %u",
			 head.rcode);
	if (result != VLY_TRANSFER_MORE)
		return false;
	/* of a transfer it is not looked at (RFC 5936 §2.2.1) */
	if (!(message[2] & AUTHORITATIVE)) {
		snprintf(reason, VLY_REASON_BYTES,
			 "the response to the SOA query is not authoritative");
		return false;
	}
	const unsigned cnt = vly_be16(message + 6);
	for (unsigned i = 0; i < cnt && vly_message_record(&at, &record); i++) {
		vly_message_name_lower(&record.owner);
		if (record.type != VLY_TYPE_SOA || record.class != VLY_CLASS_IN ||
		    !is_apex(apex, &record.owner))
			continue;
		const int data_len = vly_rdata_expand(&at, &record, data);
		if (data_len < 0 || !vly_rdata_is_sound(VLY_TYPE_SOA, data, (unsigned)data_len))
			break;
		vly_transfer_soa_read(soa, data, (unsigned)data_len);
		return true;
	}
	snprintf(reason, VLY_REASON_BYTES, "the response to the SOA query has no SOA record");
	return false;
}

size_t
vly_transfer_write_query(uint8_t to[VLY_TRANSFER_QUERY_BYTES], const struct vly_name *apex,
			 uint16_t id, uint16_t type, uint32_t ours)
{
	uint8_t *at = to + VLY_DNS_HEADER_BYTES;

	memset(to, 0, VLY_DNS_HEADER_BYTES);
	vly_put_be16(to, id);
	to[5] = 1;
	memcpy(at, apex->lower, apex->len);
	vly_put_be16(at + apex->len, type);
	vly_put_be16(at + apex->len + 2, VLY_CLASS_IN);
	at += apex->len + 4;
	if (type != VLY_TYPE_IXFR)
		return (size_t)(at - to);
	to[9] = 1;
	vly_put_be16(at, 0xc000 | VLY_DNS_HEADER_BYTES);
	vly_put_be16(at + 2, VLY_TYPE_SOA);
	vly_put_be16(at + 4, VLY_CLASS_IN);
	memset(at + 6, 0, 4);
	vly_put_be16(at + 10, 22);
	memset(at + 12, 0, 22);
	vly_put_be16(at + 14, ours >> 16);
	vly_put_be16(at + 16, ours);
	return (size_t)(at - to) + 34;
}
