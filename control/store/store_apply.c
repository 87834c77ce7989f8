/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store_change.h"
#include "store_records.h"
#include "store_walk.h"
#include "zone/domain.h"
#include "zone/name_order.h"
#include "zone/rdata.h"
#include "zone/rdata_print.h"
#include "zone/rr_type.h"

/* Octets of a record's data that a reason shows. */
#define DATA_SHOWN_BYTES 160

/* A change that is being applied. */
struct work {
	struct vly_store_txn *txn;
	struct vly_store_zone zone; /* as it becomes */
	const struct vly_change *change;
	struct vly_store_buffer buffer;
	bool has_apex;
};

static int
refuse_record(struct work *work, const struct vly_change_record *record, const char *why)
{
	char zone[VLY_DOMAIN_TEXT_BYTES];
	char owner[VLY_DOMAIN_TEXT_BYTES];
	char type[VLY_RR_TYPE_BYTES];
	char data[DATA_SHOWN_BYTES];

	vly_rdata_print(record->type, record->data, record->data_len, data, sizeof(data));
	return vly_store_fail(work->txn, VLY_STORE_REFUSED, "zone %.80s: %.80s %u IN %s %s %s",
			      vly_domain_text(work->zone.apex.lower, zone),
			      vly_domain_text(record->owner, owner), record->ttl,
			      vly_rr_type_name(record->type, type), data, why);
}

static int
refuse(struct work *work, const char *why)
{
	char zone[VLY_DOMAIN_TEXT_BYTES];

	return vly_store_fail(work->txn, VLY_STORE_REFUSED,
			      "zone %.80s: the change from serial %u to %u does not fit: %s (the "
			      "zone has serial %u)",
			      vly_domain_text(work->zone.apex.lower, zone), work->change->from,
			      work->change->to, why, work->zone.serial);
}

static int
refuse_misfit(struct work *work, enum vly_store_misfit misfit,
	      const struct vly_change_record *record)
{
	static const char *const why[] = {
		[VLY_STORE_NOT_THERE] = "can't be removed: there is no such record",
		[VLY_STORE_OTHER_TTL] = "can't be removed: the zone has it with another TTL",
		[VLY_STORE_THERE] = "can't be added: it is there",
		[VLY_STORE_MIXED_TTL] = "can't be added: others of the RRset have another TTL",
		[VLY_STORE_TOO_MANY] = "can't be added: the name would have more than 16 MiB of "
				       "records",
	};

	if (misfit == VLY_STORE_EDIT_MEMORY)
		return vly_store_fail_mdb(work->txn, ENOMEM, NULL);
	if (record == NULL)
		return refuse(work, "a name would have more than 16 MiB of records");
	return refuse_record(work, record, why[misfit]);
}

/* Exactly one SOA is left, with the new serial. */
static int
check_apex(struct work *work, const struct vly_store_records *after)
{
	struct vly_store_records rest = *after;
	struct vly_store_record record;
	unsigned cnt = 0;
	uint32_t serial = 0;

	while (vly_store_next_record(&rest, &record)) {
		if (record.type != VLY_TYPE_SOA)
			continue;
		cnt++;
		serial = vly_change_soa_serial(&(struct vly_change_record){
			.data = record.data, .data_len = record.data_len});
	}
	work->has_apex = true;
	if (cnt != 1)
		return refuse(work, "the zone would not have exactly one SOA");
	return serial == work->change->to ? VLY_STORE_OK
					  : refuse(work, "the SOA has another serial");
}

static int
update_index(struct work *work, const struct vly_name *owner, const struct vly_store_edit *edit,
	     const struct vly_store_records *after)
{
	int result = VLY_STORE_OK;

	for (size_t i = 0; i < edit->removed_cnt && result == VLY_STORE_OK; i++)
		result = vly_store_index_remove(
			work->txn, &work->zone, owner,
			&(struct vly_store_record){.type = edit->removed[i].type,
						   .data_len = edit->removed[i].data_len,
						   .data = edit->removed[i].data},
			after);
	for (size_t i = 0; i < edit->added_cnt && result == VLY_STORE_OK; i++)
		result = vly_store_index_add(
			work->txn, &work->zone, owner,
			&(struct vly_store_record){.type = edit->added[i].type,
						   .data_len = edit->added[i].data_len,
						   .data = edit->added[i].data});
	return result;
}

/* Writes what work->buffer has, behind the room for its seal. */
static int
write_name(struct work *work, const struct vly_name *owner, bool was_there, uint64_t old_hash)
{
	struct vly_store_key key;
	uint64_t hash = 0;
	bool is_empty = work->buffer.used == VLY_STORE_SEAL_BYTES;
	int result = VLY_STORE_OK;

	vly_store_name_key(&key, work->zone.id, &work->zone.apex, owner);
	if (!is_empty)
		result = vly_store_write(work->txn, VLY_STORE_RECORDS, &key, work->buffer.octet,
					 work->buffer.used, &hash);
	else if (was_there)
		result = vly_store_delete(work->txn, VLY_STORE_RECORDS, &key);
	if (result == VLY_STORE_NONE)
		return vly_store_fail_damaged(work->txn, &work->zone, owner, "records");
	work->zone.digest += hash - old_hash;
	return result;
}

static int
apply_name(struct work *work, const struct vly_name *owner, const struct vly_store_edit *edit)
{
	const struct vly_change_record *which;
	struct vly_store_records before;
	uint64_t old_hash;
	int result = vly_store_get_hashed(work->txn, &work->zone, owner, &before, &old_hash);

	if (result < 0)
		return result;
	bool was_there = result == VLY_STORE_OK;
	work->buffer.used = VLY_STORE_SEAL_BYTES;
	enum vly_store_misfit misfit = vly_store_records_edit(&before, edit, &work->buffer, &which);
	if (misfit != VLY_STORE_FITS)
		return refuse_misfit(work, misfit, which);
	struct vly_store_records after = {work->buffer.octet + VLY_STORE_SEAL_BYTES,
					  work->buffer.octet + work->buffer.used};
	if (owner->len == work->zone.apex.len &&
	    (result = check_apex(work, &after)) != VLY_STORE_OK)
		return result;
	/* `before` ends with the first write */
	work->zone.record_cnt += edit->added_cnt - edit->removed_cnt;
	work->zone.name_cnt += (after.at != after.end) - was_there;
	if ((result = write_name(work, owner, was_there, old_hash)) != VLY_STORE_OK)
		return result;
	return update_index(work, owner, edit, &after);
}

static size_t
count_owner(const struct vly_change_list *list, size_t from, const uint8_t *owner)
{
	size_t at = from;

	while (at < list->cnt && (list->record[at].owner == owner ||
				  vly_name_order(list->record[at].owner, owner) == 0))
		at++;
	return at - from;
}

static int
apply_names(struct work *work)
{
	const struct vly_change_list *removed = &work->change->removed;
	const struct vly_change_list *added = &work->change->added;
	int result = VLY_STORE_OK;

	for (size_t r = 0, a = 0; result == VLY_STORE_OK && (r < removed->cnt || a < added->cnt);) {
		const struct vly_change_record *first =
			a == added->cnt || (r < removed->cnt &&
					    vly_name_order(removed->record[r].owner,
							   added->record[a].owner) <= 0)
				? &removed->record[r]
				: &added->record[a];
		struct vly_store_edit edit = {
			.removed = r < removed->cnt ? &removed->record[r] : NULL,
			.removed_cnt = count_owner(removed, r, first->owner),
			.added = a < added->cnt ? &added->record[a] : NULL,
			.added_cnt = count_owner(added, a, first->owner),
		};
		struct vly_name owner;
		if (!vly_rdata_scan_name(&owner, first->owner, first->owner_len) ||
		    !vly_store_is_below(&work->zone.apex, &owner))
			return refuse_record(work, first, "is not in the zone");
		result = apply_name(work, &owner, &edit);
		r += edit.removed_cnt;
		a += edit.added_cnt;
	}
	return result;
}

static int
apply(struct work *work)
{
	const struct vly_change *change = work->change;

	if (change->from != work->zone.serial)
		return refuse(work, "it is for another version");
	if ((int32_t)(change->to - change->from) <= 0) /* RFC 1982 */
		return refuse(work, "the new serial is not larger");
	if (!vly_store_buffer_reserve(&work->buffer, VLY_STORE_SEAL_BYTES))
		return vly_store_fail_mdb(work->txn, ENOMEM, NULL);
	int result = apply_names(work);
	if (result == VLY_STORE_OK && !work->has_apex)
		return refuse(work, "it does not change the SOA");
	work->zone.serial = change->to;
	work->zone.version++;
	return result;
}

int
vly_store_apply(struct vly_store_txn *txn, struct vly_store_zone *zone, struct vly_change *change,
		enum vly_store_cause cause, const char *who)
{
	struct work work = {.txn = txn, .zone = *zone, .change = change};

	vly_change_normalise(change);
	int result = apply(&work);
	free(work.buffer.octet);
	if (result != VLY_STORE_OK)
		return result;
	if (cause == VLY_STORE_BY_FILE)
		work.zone.origin_version = work.zone.version;
	else if (cause != VLY_STORE_BY_ALIAS)
		work.zone.other_version = work.zone.version;
	result = vly_store_append_journal(txn, &work.zone, change, cause, who);
	if (result == VLY_STORE_OK)
		result = vly_store_put_zone(txn, &work.zone);
	if (result == VLY_STORE_OK)
		*zone = work.zone;
	return result;
}
