/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reverse index: which owners have records that refer to a name of the zone. The key is that of
 * the target, with 0 and the kind behind it: no label begins with 0, so that a name comes before
 * those below it. The values are the order keys of owners, each with a tail of 0 and a checksum.
 */
#include <volley/octets.h>

#include "store_names.h"
#include "zone/rdata.h"
#include "zone_store_parts.h"

static uint32_t
tail_sum(const struct vly_store_key *target, const uint8_t *owner, size_t bytes)
{
	return (uint32_t)vly_store_hash(target, owner, bytes);
}

void
vly_store_put_tail(const struct vly_store_key *target, struct vly_store_key *owner)
{
	uint32_t sum = tail_sum(target, owner->octet, owner->len);

	owner->octet[owner->len] = 0;
	memcpy(owner->octet + owner->len + 1, &sum, sizeof(sum));
	owner->len += VLY_STORE_TAIL_BYTES;
}

static unsigned
kind_of(uint16_t type)
{
	return type == VLY_TYPE_DNAME   ? VLY_STORE_DNAME
	       : type == VLY_TYPE_CNAME ? VLY_STORE_CNAME
	       : type == VLY_TYPE_ALIAS ? VLY_STORE_ALIAS
					: VLY_STORE_HOST;
}

static void
target_key(struct vly_store_key *key, const struct vly_store_zone *zone,
	   const struct vly_name *target, unsigned kind)
{
	vly_store_name_key(key, zone->id, &zone->apex, target);
	key->octet[key->len++] = 0;
	key->octet[key->len++] = (uint8_t)kind;
}

/* In RDATA, "." means the owner itself or nothing, except for NS and aliases. */
static bool
may_be_root(uint16_t type)
{
	return type == VLY_TYPE_NS || type == VLY_TYPE_CNAME || type == VLY_TYPE_DNAME;
}

bool
vly_store_target_key(const struct vly_store_zone *zone, uint16_t type, const uint8_t *data,
		     unsigned data_len, struct vly_store_key *key)
{
	const uint8_t *target = vly_rdata_target(type, data, data_len);
	struct vly_name name;

	/* all of a zone under one key, so that they are found without a look at its other records; their
	 * targets may be in any zone */
	if (type == VLY_TYPE_ALIAS) {
		target_key(key, zone, &zone->apex, VLY_STORE_ALIAS);
		return true;
	}
	if (target == NULL || (target[0] == 0 && !may_be_root(type)) ||
	    !vly_rdata_scan_name(&name, target, (unsigned)(data + data_len - target)) ||
	    !vly_store_is_below(&zone->apex, &name))
		return false;
	target_key(key, zone, &name, kind_of(type));
	return true;
}

static void
owner_value(struct vly_store_key *value, const struct vly_store_zone *zone,
	    const struct vly_name *owner, const struct vly_store_key *target)
{
	value->len = 0;
	vly_store_key_add_name(value, owner, zone->apex.len);
	vly_store_put_tail(target, value);
}

int
vly_store_index_add(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		    const struct vly_name *owner, const struct vly_store_record *record)
{
	struct vly_store_key target, value;

	if (!vly_store_target_key(zone, record->type, record->data, record->data_len, &target))
		return VLY_STORE_OK;
	owner_value(&value, zone, owner, &target);
	MDB_val at = vly_store_key_val(&target);
	MDB_val to = vly_store_key_val(&value);
	int error =
		mdb_put(txn->mdb, txn->store->table[VLY_STORE_REVERSE], &at, &to, MDB_NODUPDATA);
	return error == 0 || error == MDB_KEYEXIST ? VLY_STORE_OK
						   : vly_store_fail_mdb(txn, error, NULL);
}

/* Whether a record of `records` refers to the target. */
static bool
refers(const struct vly_store_zone *zone, const struct vly_store_records *records,
       const struct vly_store_key *target)
{
	struct vly_store_records rest = *records;
	struct vly_store_record record;
	struct vly_store_key key;

	while (vly_store_next_record(&rest, &record))
		if (vly_store_target_key(zone, record.type, record.data, record.data_len, &key) &&
		    key.len == target->len && memcmp(key.octet, target->octet, key.len) == 0)
			return true;
	return false;
}

int
vly_store_index_remove(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		       const struct vly_name *owner, const struct vly_store_record *record,
		       const struct vly_store_records *after)
{
	struct vly_store_key target, value;

	if (!vly_store_target_key(zone, record->type, record->data, record->data_len, &target) ||
	    refers(zone, after, &target))
		return VLY_STORE_OK;
	owner_value(&value, zone, owner, &target);
	MDB_val at = vly_store_key_val(&target);
	MDB_val from = vly_store_key_val(&value);
	int error = mdb_del(txn->mdb, txn->store->table[VLY_STORE_REVERSE], &at, &from);
	return error == 0 || error == MDB_NOTFOUND ? VLY_STORE_OK
						   : vly_store_fail_mdb(txn, error, NULL);
}

/* Checks an owner that the cursor has found. */
static int
take_owner(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	   const struct vly_store_key *target, const MDB_val *value, struct vly_name *owner)
{
	const uint8_t *octet = value->mv_data;
	uint32_t sum;

	if (value->mv_size >= VLY_STORE_TAIL_BYTES) {
		size_t bytes = value->mv_size - VLY_STORE_TAIL_BYTES;
		memcpy(&sum, octet + bytes + 1, sizeof(sum));
		if (octet[bytes] == 0 && sum == tail_sum(target, octet, bytes) &&
		    vly_store_key_name(octet, bytes, &zone->apex, owner))
			return VLY_STORE_OK;
	}
	return vly_store_fail_damaged(txn, zone, NULL, "reverse index");
}

static int
list_owners(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	    const struct vly_store_key *target, MDB_cursor *cursor,
	    bool (*fn)(void *arg, const struct vly_name *owner), void *arg)
{
	MDB_val at = vly_store_key_val(target);
	struct vly_name owner;
	MDB_val value;
	int error = mdb_cursor_get(cursor, &at, &value, MDB_SET);

	while (error == 0) {
		int result = take_owner(txn, zone, target, &value, &owner);
		if (result != VLY_STORE_OK)
			return result;
		if (!fn(arg, &owner))
			return VLY_STORE_STOPPED;
		error = mdb_cursor_get(cursor, &at, &value, MDB_NEXT_DUP);
	}
	return error == MDB_NOTFOUND ? VLY_STORE_OK : vly_store_fail_mdb(txn, error, NULL);
}

int
vly_store_dependents(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		     const struct vly_name *target, unsigned kinds,
		     bool (*fn)(void *arg, const struct vly_name *owner), void *arg)
{
	struct vly_store_key key;
	MDB_cursor *cursor;
	int result = VLY_STORE_OK;

	if (txn->failed != 0)
		return txn->failed;
	int error = mdb_cursor_open(txn->mdb, txn->store->table[VLY_STORE_REVERSE], &cursor);
	if (error != 0)
		return vly_store_fail_mdb(txn, error, NULL);
	for (unsigned kind = VLY_STORE_DNAME; kind <= VLY_STORE_ALIAS && result == VLY_STORE_OK;
	     kind *= 2) {
		if (!(kinds & kind))
			continue;
		target_key(&key, zone, target, kind);
		result = list_owners(txn, zone, &key, cursor, fn, arg);
	}
	mdb_cursor_close(cursor);
	return result;
}

int
vly_store_next_target(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		      const struct vly_name *name, bool skip_below, struct vly_name *next)
{
	struct vly_store_key found;
	/* its own keys have 0 behind the name, then the kind */
	int result =
		vly_store_seek_behind(txn, zone, VLY_STORE_REVERSE, name, skip_below, 1, &found);

	if (result != VLY_STORE_OK)
		return result;
	if (found.len < VLY_STORE_ID_BYTES + VLY_STORE_KIND_BYTES ||
	    !vly_store_key_name(found.octet + VLY_STORE_ID_BYTES,
				found.len - VLY_STORE_ID_BYTES - VLY_STORE_KIND_BYTES, &zone->apex,
				next))
		return vly_store_fail_damaged(txn, zone, NULL, "reverse index");
	return VLY_STORE_OK;
}
