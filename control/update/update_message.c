/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "update_message.h"

#include <stdlib.h>
#include <string.h>

#include <volley/name.h>
#include <volley/octets.h>

#include "base/message.h"
#include "zone/rdata.h"
#include "zone/rdata_expand.h"
#include "zone/rdata_print.h"
#include "zone/rr_type.h"

/* A record of the root without data; a message has at most 65,535 octets. */
#define RECORD_BYTES_MIN 11

/* The octets that owners and data of a message take. They are placed one behind the other; pointers
 * are set when all are there, as the block moves while it grows. */
struct pool {
	uint8_t *octets;
	size_t len;
	size_t size;
	bool failed; /* no memory */
};

static void
pool_add(struct pool *pool, const uint8_t *octets, size_t len)
{
	if (pool->failed || len == 0)
		return;
	if (pool->size - pool->len < len) {
		size_t size = (pool->size + len) * 2;
		uint8_t *larger = realloc(pool->octets, size);
		if (larger == NULL) {
			pool->failed = true;
			return;
		}
		pool->octets = larger;
		pool->size = size;
	}
	memcpy(pool->octets + pool->len, octets, len);
	pool->len += len;
}

/* Adds the data of a record, decompressed. Returns false when a name in it is malformed. */
static bool
add_data(struct pool *pool, const struct vly_message_reader *message,
	 const struct vly_message_record *record)
{
	uint8_t data[VLY_RDATA_BYTES_MAX];
	const int len = vly_rdata_expand(message, record, data);

	if (len > 0)
		pool_add(pool, data, (size_t)len);
	return len >= 0;
}

/* Adds one record. Data may be missing where there is nothing to add: in prerequisites without a
 * value, and removals of RRsets. */
static bool
add_record(struct vly_update_record *to, struct pool *pool,
	   const struct vly_message_reader *message, struct vly_message_record *record)
{
	vly_message_name_lower(&record->owner);
	pool_add(pool, record->owner.wire, record->owner.len);
	const size_t data_at = pool->len;
	/* other classes are refused later, and have other forms */
	const bool has_form =
		record->class == VLY_CLASS_IN || record->class == VLY_UPDATE_CLASS_NONE;
	if (!has_form)
		pool_add(pool, message->message + record->data_off, record->data_len);
	else if (record->data_len > 0 && !add_data(pool, message, record))
		return false;
	const size_t data_len = pool->len - data_at;
	if (data_len > UINT16_MAX)
		return false;
	*to = (struct vly_update_record){
		.ttl = record->ttl > INT32_MAX ? 0 : record->ttl, /* RFC 2181 §8 */
		.type = record->type,
		.class = record->class,
		.data_len = (uint16_t)data_len,
		.owner_len = record->owner.len,
	};
	if (record->class == VLY_CLASS_ANY)
		return record->data_len == 0; /* RFC 2136 §2.4, §2.5 */
	if (pool->failed || !has_form ||
	    (record->data_len == 0 && record->class == VLY_UPDATE_CLASS_NONE))
		return true;
	const uint8_t *data = pool->octets + data_at;
	return vly_rdata_is_sound(record->type, data, (unsigned)data_len) &&
	       vly_rdata_has_form(record->type, data, (unsigned)data_len);
}

static void
set_pointers(struct vly_update_message *update, unsigned cnt)
{
	const uint8_t *at = update->octets;

	for (unsigned i = 0; i < cnt; i++) {
		struct vly_update_record *record = &update->prerequisite[i];
		record->owner = at;
		record->data = at + record->owner_len;
		at = record->data + record->data_len;
	}
}

/* Reads the zone section: one zone, by its SOA (RFC 2136 §2.3). */
static bool
read_zone(struct vly_update_message *update, struct vly_message_reader *reader)
{
	struct vly_message_name zone;
	uint16_t type;

	if (vly_be16(reader->message + 4) != 1 ||
	    !vly_message_question(reader, &zone, &type, &update->zone_class) ||
	    type != VLY_TYPE_SOA)
		return false;
	vly_message_name_lower(&zone);
	memcpy(update->zone, zone.wire, zone.len);
	update->zone_len = zone.len;
	return true;
}

/* The additional section does not change the zone (RFC 2136 §2.6), but must be well-formed. */
static bool
skip_additional(struct vly_message_reader *reader)
{
	struct vly_message_record record;

	for (unsigned cnt = vly_be16(reader->message + 10); cnt > 0; cnt--)
		if (!vly_message_record(reader, &record))
			return false;
	return reader->at == reader->len;
}

static bool
read_records(struct vly_update_message *update, struct vly_message_reader *reader, unsigned cnt,
	     struct pool *pool)
{
	struct vly_message_record record;

	for (unsigned i = 0; i < cnt; i++)
		if (!vly_message_record(reader, &record) ||
		    !add_record(&update->prerequisite[i], pool, reader, &record))
			return false;
	return skip_additional(reader);
}

enum vly_rcode
vly_update_message_read(struct vly_update_message *update, const uint8_t *message, size_t len)
{
	struct vly_message_reader reader = {message, len, VLY_DNS_HEADER_BYTES};
	struct pool pool = {0};

	*update = (struct vly_update_message){0};
	if (len < VLY_DNS_HEADER_BYTES || len > VLY_MESSAGE_BYTES_MAX ||
	    !read_zone(update, &reader))
		return VLY_RCODE_FORMERR;
	update->prerequisite_cnt = vly_be16(message + 6);
	update->change_cnt = vly_be16(message + 8);
	const unsigned cnt = update->prerequisite_cnt + update->change_cnt;
	if (cnt > len / RECORD_BYTES_MIN)
		return VLY_RCODE_FORMERR;
	update->prerequisite = calloc(cnt + 1, sizeof(*update->prerequisite));
	bool done = update->prerequisite != NULL && read_records(update, &reader, cnt, &pool);
	bool failed = update->prerequisite == NULL || pool.failed;
	update->octets = pool.octets;
	if (!done || failed) {
		vly_update_message_free(update);
		return failed ? VLY_RCODE_SERVFAIL : VLY_RCODE_FORMERR;
	}
	update->change = update->prerequisite + update->prerequisite_cnt;
	set_pointers(update, cnt);
	return VLY_RCODE_NOERROR;
}

static bool
is_in_zone(const struct vly_update_message *update, const struct vly_update_record *record)
{
	unsigned at = 0;

	while (record->owner_len - at > update->zone_len) /* at most 127 labels */
		at += record->owner[at] + 1u;
	return record->owner_len - at == update->zone_len &&
	       memcmp(record->owner + at, update->zone, update->zone_len) == 0;
}

/* Types of queries and messages, and numbers that no record has (RFC 2136 §3.4.1.2). */
static bool
is_meta(uint16_t type)
{
	return !vly_rr_type_is_data(type);
}

static bool
is_signers(uint16_t type)
{
	return type == VLY_TYPE_RRSIG || type == VLY_TYPE_NSEC || type == VLY_TYPE_NSEC3 ||
	       type == VLY_TYPE_NSEC3PARAM || type == VLY_TYPE_DNSKEY || type == VLY_TYPE_ZONEMD;
}

/* RFC 2136 §3.4.1.3 */
static enum vly_rcode
check_change(const struct vly_update_message *update, const struct vly_update_record *record,
	     const char **why)
{
	*why = "a record of the update section is outside the zone";
	if (!is_in_zone(update, record))
		return VLY_RCODE_NOTZONE;
	*why = "a record of the update section has a type that no zone has";
	if (is_meta(record->type) &&
	    (record->class != VLY_CLASS_ANY || record->type != VLY_TYPE_ANY))
		return VLY_RCODE_FORMERR;
	*why = "a removal in the update section has a TTL";
	if (record->class != update->zone_class && record->ttl != 0)
		return VLY_RCODE_FORMERR;
	*why = "a record of the update section has another class";
	if (record->class != update->zone_class && record->class != VLY_CLASS_ANY &&
	    record->class != VLY_UPDATE_CLASS_NONE)
		return VLY_RCODE_FORMERR;
	*why = "an ALIAS can be set by the zone's file and by volleyctl alone";
	if (record->type == VLY_TYPE_ALIAS_TEXT)
		return VLY_RCODE_REFUSED;
	*why = "records of DNSSEC and ZONEMD are made by a signer";
	return is_signers(record->type) ? VLY_RCODE_REFUSED : VLY_RCODE_NOERROR;
}

enum vly_rcode
vly_update_prerequisite_check(const struct vly_update_message *update,
			      const struct vly_update_record *record, const char **why)
{
	*why = "a prerequisite has a TTL";
	if (record->ttl != 0)
		return VLY_RCODE_FORMERR;
	*why = "a prerequisite is outside the zone";
	if (!is_in_zone(update, record))
		return VLY_RCODE_NOTZONE;
	*why = "a prerequisite without a value has data";
	if (record->class == VLY_CLASS_ANY)
		return VLY_RCODE_NOERROR;
	if (record->class == VLY_UPDATE_CLASS_NONE)
		return record->data_len != 0 ? VLY_RCODE_FORMERR : VLY_RCODE_NOERROR;
	*why = "a prerequisite has another class";
	return record->class != update->zone_class ? VLY_RCODE_FORMERR : VLY_RCODE_NOERROR;
}

enum vly_rcode
vly_update_message_check(const struct vly_update_message *update, const char **why)
{
	enum vly_rcode rcode = VLY_RCODE_NOERROR;

	for (unsigned i = 0; i < update->change_cnt && rcode == VLY_RCODE_NOERROR; i++)
		rcode = check_change(update, &update->change[i], why);
	return rcode;
}

void
vly_update_message_free(struct vly_update_message *update)
{
	free(update->prerequisite);
	free(update->octets);
	*update = (struct vly_update_message){0};
}
