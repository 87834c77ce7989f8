/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "update_apply.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include <volley/octets.h>

#include "zone/rdata.h"

/* Address and protocol of WKS, of which there is one record each (RFC 2136 §3.4.2.2). */
#define WKS_HEAD_BYTES 5

/* From the serial to the end of an SOA's data. */
#define SOA_FIXED_BYTES 20

/* Each change, and each prerequisite, looks a few times at every record of its name. 65,535 octets hold
 * at most 5,461 of them, which make a new set of as many records in 15 million steps; a name with so
 * many records that it takes more steps than these, about a second, can't be changed by so large a
 * message. */
#define STEPS_MAX 30000000

struct record {
	const uint8_t *data;
	uint32_t ttl;
	uint32_t was_ttl; /* before the update */
	uint16_t type;
	uint16_t data_len;
	bool was;     /* in the zone, before the update */
	bool is;      /* now */
	bool matched; /* by a prerequisite */
};

/* A name that the update mentions. */
struct vly_update_records {
	const uint8_t *owner;
	unsigned owner_len;
	unsigned cnt;
	unsigned size;
	bool failed; /* no memory */
	struct record *record;
	UT_hash_handle hh;
};

struct work {
	const struct vly_update_message *update;
	const struct vly_update_zone *zone;
	struct vly_update_records *names; /* by owner */
	uint64_t step_cnt;                /* records looked at, see STEPS_MAX */
	const char *why;
};

static struct record *
append(struct vly_update_records *records)
{
	if (records->cnt == records->size) {
		unsigned size = records->size == 0 ? 4 : records->size * 2;
		struct record *larger = reallocarray(records->record, size, sizeof(*larger));
		if (larger == NULL) {
			records->failed = true;
			return NULL;
		}
		records->record = larger;
		records->size = size;
	}
	return &records->record[records->cnt++];
}

void
vly_update_records_add(struct vly_update_records *records, uint16_t type, uint32_t ttl,
		       const uint8_t *data, unsigned data_len)
{
	struct record *record = append(records);

	if (record != NULL)
		*record = (struct record){.data = data,
					  .ttl = ttl,
					  .was_ttl = ttl,
					  .type = type,
					  .data_len = (uint16_t)data_len,
					  .was = true,
					  .is = true};
}

/* The records of a name, read from the zone at the first time. NULL: that failed. */
static struct vly_update_records *
load(struct work *work, const uint8_t *owner, unsigned owner_len)
{
	struct vly_update_records *records;

	HASH_FIND(hh, work->names, owner, owner_len, records);
	if (records != NULL)
		return records;
	records = calloc(1, sizeof(*records));
	if (records == NULL)
		return NULL;
	records->owner = owner;
	records->owner_len = owner_len;
	HASH_ADD_KEYPTR(hh, work->names, records->owner, owner_len, records);
	if (records->hh.tbl == NULL) {
		free(records);
		return NULL;
	}
	if (work->zone->get(work->zone->arg, owner, owner_len, records) != 0 || records->failed)
		return NULL;
	return records;
}

/* Counts a look at the records of a name. */
static bool
is_too_large(struct work *work, const struct vly_update_records *records)
{
	work->step_cnt += records->cnt;
	if (work->step_cnt <= STEPS_MAX)
		return false;
	work->why = "too many changes at a name with so many records: divide the update";
	return true;
}

static bool
is_apex(const struct work *work, const struct vly_update_records *records)
{
	return records->owner_len == work->update->zone_len;
}

static unsigned
count(const struct vly_update_records *records, uint16_t type)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < records->cnt; i++)
		cnt += records->record[i].is &&
		       (type == VLY_TYPE_ANY || records->record[i].type == type);
	return cnt;
}

static bool
is_same(const struct record *record, const struct vly_update_record *other)
{
	return record->type == other->type &&
	       vly_rdata_compare(record->type, record->data, record->data_len, other->data,
				 other->data_len) == 0;
}

/* Prerequisites about the existence of a name or an RRset (RFC 2136 §3.2.5). Those with a value
 * are marked on the zone's records. */
static enum vly_rcode
check_one(struct work *work, const struct vly_update_record *prerequisite)
{
	const bool of_name = prerequisite->type == VLY_TYPE_ANY;
	struct vly_update_records *records =
		load(work, prerequisite->owner, prerequisite->owner_len);
	bool found = false;

	if (records == NULL)
		return VLY_RCODE_SERVFAIL;
	if (is_too_large(work, records))
		return VLY_RCODE_REFUSED;
	if (prerequisite->class == VLY_CLASS_ANY)
		return count(records, prerequisite->type) > 0 ? VLY_RCODE_NOERROR
		       : of_name                              ? VLY_RCODE_NXDOMAIN
							      : VLY_RCODE_NXRRSET;
	if (prerequisite->class == VLY_UPDATE_CLASS_NONE)
		return count(records, prerequisite->type) == 0 ? VLY_RCODE_NOERROR
		       : of_name                               ? VLY_RCODE_YXDOMAIN
							       : VLY_RCODE_YXRRSET;
	for (unsigned i = 0; i < records->cnt; i++)
		if (is_same(&records->record[i], prerequisite))
			found = records->record[i].matched = true;
	return found ? VLY_RCODE_NOERROR : VLY_RCODE_NXRRSET;
}

/* Whether all records of an RRset have been marked. */
static enum vly_rcode
check_whole(struct work *work, const struct vly_update_record *prerequisite)
{
	const struct vly_update_records *records =
		load(work, prerequisite->owner, prerequisite->owner_len);

	if (records == NULL)
		return VLY_RCODE_SERVFAIL;
	if (is_too_large(work, records))
		return VLY_RCODE_REFUSED;
	for (unsigned i = 0; i < records->cnt; i++)
		if (records->record[i].type == prerequisite->type && !records->record[i].matched)
			return VLY_RCODE_NXRRSET;
	return VLY_RCODE_NOERROR;
}

static bool
has_value(const struct vly_update_record *prerequisite)
{
	return prerequisite->class != VLY_CLASS_ANY && prerequisite->class != VLY_UPDATE_CLASS_NONE;
}

/* In the order of the message those without a value, then those with one. */
static enum vly_rcode
check_prerequisites(struct work *work)
{
	const struct vly_update_message *update = work->update;
	const struct vly_update_record *end = update->prerequisite + update->prerequisite_cnt;
	const struct vly_update_record *one = update->prerequisite;
	enum vly_rcode rcode = VLY_RCODE_NOERROR;

	for (; one < end && rcode == VLY_RCODE_NOERROR; one++) {
		rcode = vly_update_prerequisite_check(update, one, &work->why);
		if (rcode != VLY_RCODE_NOERROR)
			break;
		work->why = "a prerequisite is not met";
		if (!has_value(one))
			rcode = check_one(work, one);
	}
	for (one = update->prerequisite; one < end && rcode == VLY_RCODE_NOERROR; one++)
		if (has_value(one))
			rcode = check_one(work, one);
	for (one = update->prerequisite; one < end && rcode == VLY_RCODE_NOERROR; one++)
		if (has_value(one))
			rcode = check_whole(work, one);
	return rcode;
}

/* Puts a record there. One that has been there before comes back, so that there is one entry for each
 * record of the zone and of the message. */
static void
put(struct vly_update_records *records, const struct vly_update_record *added)
{
	for (unsigned i = 0; i < records->cnt; i++) {
		struct record *record = &records->record[i];
		if (record->type == added->type && record->data_len == added->data_len &&
		    memcmp(record->data, added->data, added->data_len) == 0) {
			record->is = true;
			record->ttl = added->ttl;
			return;
		}
	}
	struct record *record = append(records);
	if (record != NULL)
		*record = (struct record){.data = added->data,
					  .ttl = added->ttl,
					  .type = added->type,
					  .data_len = added->data_len,
					  .is = true};
}

static uint32_t
soa_serial(const uint8_t *data, unsigned data_len)
{
	return vly_be32(data + data_len - SOA_FIXED_BYTES);
}

/* RFC 2136 §3.4.2.2: what can't stand beside what is there is ignored. */
static bool
is_ignored(const struct vly_update_records *records, const struct vly_update_record *added)
{
	const unsigned alias_cnt = count(records, VLY_TYPE_CNAME);
	bool has_soa = false;

	if (added->type == VLY_TYPE_CNAME)
		return count(records, VLY_TYPE_ANY) > alias_cnt;
	if (alias_cnt > 0)
		return true;
	if (added->type != VLY_TYPE_SOA)
		return false;
	for (unsigned i = 0; i < records->cnt; i++) {
		const struct record *record = &records->record[i];
		if (record->type != VLY_TYPE_SOA || (!record->is && !record->was))
			continue;
		/* larger than the one at hand, and than that before the update */
		if ((int32_t)(soa_serial(added->data, added->data_len) -
			      soa_serial(record->data, record->data_len)) <= 0)
			return true;
		has_soa = true;
	}
	return !has_soa; /* only the apex has one */
}

/* Whether the record has to go when `added` comes. */
static bool
is_replaced(const struct record *record, const struct vly_update_record *added)
{
	if (record->type == VLY_TYPE_CNAME || record->type == VLY_TYPE_DNAME ||
	    record->type == VLY_TYPE_SOA || is_same(record, added))
		return true;
	return record->type == VLY_TYPE_WKS && record->data_len >= WKS_HEAD_BYTES &&
	       added->data_len >= WKS_HEAD_BYTES &&
	       memcmp(record->data, added->data, WKS_HEAD_BYTES) == 0;
}

static bool
is_there(const struct vly_update_records *records, const struct vly_update_record *added)
{
	for (unsigned i = 0; i < records->cnt; i++) {
		const struct record *record = &records->record[i];
		if (record->is && record->type == added->type && record->ttl == added->ttl &&
		    record->data_len == added->data_len &&
		    memcmp(record->data, added->data, added->data_len) == 0)
			return true;
	}
	return false;
}

static void
add(struct vly_update_records *records, const struct vly_update_record *added)
{
	if (is_ignored(records, added) || is_there(records, added))
		return;
	for (unsigned i = 0; i < records->cnt; i++) {
		struct record *record = &records->record[i];
		if (!record->is || record->type != added->type)
			continue;
		if (is_replaced(record, added))
			record->is = false;
		else
			record->ttl = added->ttl; /* RFC 2181 §5.2 */
	}
	put(records, added);
}

/* The zone keeps its SOA and its name servers (RFC 2136 §3.4.2.3, §3.4.2.4). */
static bool
stays(const struct work *work, const struct vly_update_records *records,
      const struct record *record)
{
	return is_apex(work, records) &&
	       (record->type == VLY_TYPE_SOA || record->type == VLY_TYPE_NS);
}

/* Removes an RRset, or all of a name. Returns false if that is not permitted. */
static bool
remove_rrset(const struct work *work, struct vly_update_records *records, uint16_t type)
{
	const struct vly_update_zone *zone = work->zone;

	for (unsigned i = 0; i < records->cnt; i++) {
		struct record *record = &records->record[i];
		if (!record->is || stays(work, records, record) ||
		    (type != VLY_TYPE_ANY && record->type != type))
			continue;
		if (type == VLY_TYPE_ANY && zone->permits != NULL &&
		    !zone->permits(zone->arg, records->owner, records->owner_len, record->type))
			return false;
		record->is = false;
	}
	return true;
}

static void
remove_record(const struct work *work, struct vly_update_records *records,
	      const struct vly_update_record *removed)
{
	if (removed->type == VLY_TYPE_SOA)
		return;
	if (removed->type == VLY_TYPE_NS && is_apex(work, records) &&
	    count(records, VLY_TYPE_NS) == 1)
		return;
	for (unsigned i = 0; i < records->cnt; i++)
		if (is_same(&records->record[i], removed))
			records->record[i].is = false;
}

static enum vly_rcode
make_changes(struct work *work)
{
	const struct vly_update_message *update = work->update;

	for (unsigned i = 0; i < update->change_cnt; i++) {
		const struct vly_update_record *record = &update->change[i];
		struct vly_update_records *records = load(work, record->owner, record->owner_len);
		if (records == NULL)
			return VLY_RCODE_SERVFAIL;
		if (is_too_large(work, records))
			return VLY_RCODE_REFUSED;
		work->why = "a type at a name that is to be removed may not be changed";
		if (record->class == VLY_CLASS_ANY) {
			if (!remove_rrset(work, records, record->type))
				return VLY_RCODE_REFUSED;
		} else if (record->class == VLY_UPDATE_CLASS_NONE) {
			remove_record(work, records, record);
		} else {
			add(records, record);
		}
		if (records->failed)
			return VLY_RCODE_SERVFAIL;
	}
	return VLY_RCODE_NOERROR;
}

/* Signatures, or a chain of names, would be wrong after the change. */
static enum vly_rcode
check_unsigned(struct work *work)
{
	const struct vly_update_records *apex =
		load(work, work->update->zone, work->update->zone_len);

	if (apex == NULL)
		return VLY_RCODE_SERVFAIL;
	work->why = "the zone is signed, and so can't be changed here";
	return count(apex, VLY_TYPE_RRSIG) + count(apex, VLY_TYPE_NSEC) +
				       count(apex, VLY_TYPE_NSEC3PARAM) >
			       0
		       ? VLY_RCODE_REFUSED
		       : VLY_RCODE_NOERROR;
}

/* Returns 0, or -1 without memory. */
static int
collect_record(const struct vly_update_records *records, const struct record *record,
	       struct vly_change *change)
{
	const bool same = record->was && record->is && record->ttl == record->was_ttl;
	const bool removed = record->was && !same;
	const bool added = record->is && !same;

	if (removed && vly_change_remove(change, records->owner, records->owner_len, record->type,
					 record->was_ttl, record->data, record->data_len) != 0)
		return -1;
	if (added && vly_change_add(change, records->owner, records->owner_len, record->type,
				    record->ttl, record->data, record->data_len) != 0)
		return -1;
	if (record->type != VLY_TYPE_SOA)
		return 0;
	if (removed)
		change->from = soa_serial(record->data, record->data_len);
	if (added)
		change->to = soa_serial(record->data, record->data_len);
	return 0;
}

static int
collect(const struct vly_update_records *records, struct vly_change *change)
{
	for (unsigned i = 0; i < records->cnt; i++)
		if (collect_record(records, &records->record[i], change) != 0)
			return -1;
	return 0;
}

static enum vly_rcode
evaluate(struct work *work, struct vly_change *change)
{
	enum vly_rcode rcode = check_unsigned(work);

	if (rcode == VLY_RCODE_NOERROR)
		rcode = check_prerequisites(work);
	if (rcode == VLY_RCODE_NOERROR)
		rcode = make_changes(work);
	for (struct vly_update_records *records = work->names;
	     records != NULL && rcode == VLY_RCODE_NOERROR;
	     records = (struct vly_update_records *)records->hh.next)
		if (collect(records, change) != 0)
			rcode = VLY_RCODE_SERVFAIL;
	return rcode;
}

enum vly_rcode
vly_update_apply(const struct vly_update_message *update, const struct vly_update_zone *zone,
		 struct vly_change *change, const char **why)
{
	struct work work = {.update = update, .zone = zone, .why = ""};
	struct vly_update_records *records;
	struct vly_update_records *next;

	enum vly_rcode rcode = evaluate(&work, change);
	*why = rcode == VLY_RCODE_SERVFAIL ? "the zone can't be read, or out of memory" : work.why;
	HASH_ITER(hh, work.names, records, next)
	{
		HASH_DEL(work.names, records);
		free(records->record);
		free(records);
	}
	return rcode;
}
