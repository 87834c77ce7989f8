/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_names.h"

#include "store_records.h"
#include "store_walk.h"

int
vly_store_get(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	      const struct vly_name *name, struct vly_store_records *records)
{
	uint64_t hash;

	return vly_store_get_hashed(txn, zone, name, records, &hash);
}

int
vly_store_get_hashed(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		     const struct vly_name *name, struct vly_store_records *records, uint64_t *hash)
{
	struct vly_store_key key;
	const uint8_t *octets;
	size_t bytes;

	*records = (struct vly_store_records){0};
	*hash = 0;
	vly_store_name_key(&key, zone->id, &zone->apex, name);
	MDB_val at = vly_store_key_val(&key);
	MDB_val value;
	if (txn->failed != 0)
		return txn->failed;
	int error = mdb_get(txn->mdb, txn->store->table[VLY_STORE_RECORDS], &at, &value);
	if (error == MDB_NOTFOUND)
		return VLY_STORE_NONE;
	if (error != 0)
		return vly_store_fail_mdb(txn, error, NULL);
	if (!vly_store_unseal(&key, &value, &octets, &bytes, hash) ||
	    !vly_store_records_check(records, octets, bytes))
		return vly_store_fail_damaged(txn, zone, name, "records");
	return VLY_STORE_OK;
}

int
vly_store_soa(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	      struct vly_change_record *soa)
{
	struct vly_store_records records;
	struct vly_store_record record;
	int result = vly_store_get(txn, zone, &zone->apex, &records);

	if (result < 0)
		return result;
	while (vly_store_next_record(&records, &record)) {
		if (record.type != VLY_TYPE_SOA)
			continue;
		*soa = (struct vly_change_record){.owner = zone->apex.lower,
						  .data = record.data,
						  .ttl = record.ttl,
						  .type = record.type,
						  .data_len = record.data_len,
						  .owner_len = zone->apex.len};
		return VLY_STORE_OK;
	}
	return vly_store_fail_damaged(txn, zone, NULL, "SOA");
}

int
vly_store_seek(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	       enum vly_store_table table, const struct vly_store_key *key,
	       struct vly_store_key *found)
{
	struct vly_store_key zone_key;
	MDB_val at = vly_store_key_val(key);
	MDB_cursor *cursor;
	MDB_val value;
	int result = VLY_STORE_NONE;

	if (txn->failed != 0)
		return txn->failed;
	int error = mdb_cursor_open(txn->mdb, txn->store->table[table], &cursor);
	if (error != 0)
		return vly_store_fail_mdb(txn, error, NULL);
	error = mdb_cursor_get(cursor, &at, &value, MDB_SET_RANGE);
	vly_store_key_begin(&zone_key, zone->id);
	if (error == 0 && vly_store_key_is_prefix(&zone_key, &at))
		result = vly_store_key_copy(found, &at)
				 ? VLY_STORE_OK
				 : vly_store_fail_damaged(txn, zone, NULL, "key");
	mdb_cursor_close(cursor);
	if (error != 0 && error != MDB_NOTFOUND)
		return vly_store_fail_mdb(txn, error, NULL);
	return result;
}

int
vly_store_exists(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		 const struct vly_name *name)
{
	struct vly_store_key key, found;

	vly_store_name_key(&key, zone->id, &zone->apex, name);
	int result = vly_store_seek(txn, zone, VLY_STORE_RECORDS, &key, &found);
	if (result != VLY_STORE_OK)
		return result;
	return found.len >= key.len && memcmp(found.octet, key.octet, key.len) == 0
		       ? VLY_STORE_OK
		       : VLY_STORE_NONE;
}

int
vly_store_seek_behind(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		      enum vly_store_table table, const struct vly_name *name, bool skip_below,
		      uint8_t behind, struct vly_store_key *found)
{
	struct vly_store_key key;

	vly_store_name_key(&key, zone->id, &zone->apex, name);
	if (skip_below && key.len == VLY_STORE_ID_BYTES)
		return VLY_STORE_NONE;
	if (skip_below)
		key.octet[key.len - 1] = 1;
	else
		key.octet[key.len++] = behind;
	return vly_store_seek(txn, zone, table, &key, found);
}

int
vly_store_next(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	       const struct vly_name *name, bool skip_below, struct vly_name *next)
{
	struct vly_store_key found;
	int result =
		vly_store_seek_behind(txn, zone, VLY_STORE_RECORDS, name, skip_below, 0, &found);

	if (result != VLY_STORE_OK)
		return result;
	return vly_store_key_name(found.octet + VLY_STORE_ID_BYTES, found.len - VLY_STORE_ID_BYTES,
				  &zone->apex, next)
		       ? VLY_STORE_OK
		       : vly_store_fail_damaged(txn, zone, NULL, "key");
}

/* Checks what the cursor has found. */
static int
take_name(struct vly_store_txn *txn, const struct vly_store_zone *zone, const MDB_val *at,
	  const MDB_val *value, struct vly_store_visit *visit)
{
	struct vly_store_key key;
	const uint8_t *octets;
	size_t bytes;

	if (!vly_store_key_copy(&key, at) ||
	    !vly_store_key_name(key.octet + VLY_STORE_ID_BYTES, key.len - VLY_STORE_ID_BYTES,
				&zone->apex, &visit->name))
		return vly_store_fail_damaged(txn, zone, NULL, "key");
	if (!vly_store_unseal(&key, value, &octets, &bytes, &visit->hash) ||
	    !vly_store_records_check(&visit->records, octets, bytes))
		return vly_store_fail_damaged(txn, zone, &visit->name, "records");
	return VLY_STORE_OK;
}

int
vly_store_walk_open(struct vly_store_walk *walk, struct vly_store_txn *txn,
		    const struct vly_store_zone *zone, const struct vly_name *top)
{
	*walk = (struct vly_store_walk){.txn = txn, .zone = zone};
	if (txn->failed != 0)
		return txn->failed;
	int error = mdb_cursor_open(txn->mdb, txn->store->table[VLY_STORE_RECORDS], &walk->cursor);
	vly_store_name_key(&walk->top, zone->id, &zone->apex, top);
	return error == 0 ? VLY_STORE_OK : vly_store_fail_mdb(txn, error, NULL);
}

int
vly_store_walk_next(struct vly_store_walk *walk, struct vly_store_visit *visit)
{
	MDB_val at = vly_store_key_val(&walk->top);
	MDB_val value;
	int error =
		mdb_cursor_get(walk->cursor, &at, &value, walk->begun ? MDB_NEXT : MDB_SET_RANGE);

	walk->begun = true;
	if (error == MDB_NOTFOUND || (error == 0 && !vly_store_key_is_prefix(&walk->top, &at)))
		return VLY_STORE_NONE;
	if (error != 0)
		return vly_store_fail_mdb(walk->txn, error, NULL);
	return take_name(walk->txn, walk->zone, &at, &value, visit);
}

void
vly_store_walk_close(struct vly_store_walk *walk)
{
	if (walk->cursor != NULL)
		mdb_cursor_close(walk->cursor);
}

int
vly_store_walk(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	       const struct vly_name *top,
	       bool (*fn)(void *arg, const struct vly_name *name,
			  const struct vly_store_records *records),
	       void *arg)
{
	struct vly_store_visit visit;
	struct vly_store_walk walk;
	int result = vly_store_walk_open(&walk, txn, zone, top);

	while (result == VLY_STORE_OK) {
		result = vly_store_walk_next(&walk, &visit);
		if (result == VLY_STORE_OK && !fn(arg, &visit.name, &visit.records))
			result = VLY_STORE_STOPPED;
	}
	vly_store_walk_close(&walk);
	return result == VLY_STORE_NONE ? VLY_STORE_OK : result;
}

void
vly_store_tally_add(struct vly_store_tally *tally, const struct vly_store_visit *visit)
{
	tally->name_cnt++;
	tally->record_cnt += vly_store_records_cnt(&visit->records);
	tally->digest += visit->hash;
}

int
vly_store_tally_check(const struct vly_store_tally *tally, struct vly_store_txn *txn,
		      const struct vly_store_zone *zone)
{
	return tally->name_cnt == zone->name_cnt && tally->record_cnt == zone->record_cnt &&
			       tally->digest == zone->digest
		       ? VLY_STORE_OK
		       : vly_store_fail_damaged(txn, zone, NULL, "list of names");
}
