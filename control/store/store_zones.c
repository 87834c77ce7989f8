/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state of each zone, and the list of those to be cleaned away. */
#include <volley/octets.h>

#include "zone_store_parts.h"

#define FORM 1

/* The first octet of keys in `zones`: the root's order key is empty, and LMDB has no empty keys. */
#define ZONES_PREFIX 1

/* form, id, serial, journal_cnt, then twelve numbers of eight octets, then the apex */
#define NUMBERS_CNT 12
#define STATE_BYTES (1 + 3 * 4 + NUMBERS_CNT * 8)

static const uint8_t root[1 + VLY_NAME_SLACK_BYTES];

static void
zone_key(struct vly_store_key *key, const struct vly_name *apex)
{
	key->octet[0] = ZONES_PREFIX;
	key->len = 1;
	vly_store_key_add_name(key, apex, 1);
}

static uint8_t *
put_number(uint8_t *to, uint64_t value, unsigned bytes)
{
	uint64_t number = VLY_BE(64, value);

	memcpy(to, (const uint8_t *)&number + sizeof(number) - bytes, bytes);
	return to + bytes;
}

int
vly_store_put_zone(struct vly_store_txn *txn, const struct vly_store_zone *zone)
{
	const struct vly_file_stamp *origin = &zone->origin;
	const uint64_t number[NUMBERS_CNT] = {
		zone->version,        zone->record_cnt,    zone->name_cnt,     zone->digest,
		origin->bytes,        origin->mtime_ns,    origin->ctime_ns,   origin->inode,
		zone->origin_version, zone->other_version, zone->journal_from, zone->journal_bytes};
	uint8_t state[VLY_STORE_SEAL_BYTES + STATE_BYTES + VLY_NAME_BYTES_MAX];
	uint8_t *to = state + VLY_STORE_SEAL_BYTES;
	struct vly_store_key key;
	uint64_t hash;

	*to++ = FORM;
	to = put_number(to, zone->id, 4);
	to = put_number(to, zone->serial, 4);
	to = put_number(to, zone->journal_cnt, 4);
	for (unsigned i = 0; i < NUMBERS_CNT; i++)
		to = put_number(to, number[i], 8);
	memcpy(to, zone->apex.lower, zone->apex.len);
	zone_key(&key, &zone->apex);
	return vly_store_write(txn, VLY_STORE_ZONES, &key, state,
			       (size_t)(to - state) + zone->apex.len, &hash);
}

static bool
read_state(struct vly_store_zone *zone, const uint8_t *state, size_t bytes)
{
	uint64_t *const number[NUMBERS_CNT] = {
		&zone->version,         &zone->record_cnt,   &zone->name_cnt,
		&zone->digest,          &zone->origin.bytes, &zone->origin.mtime_ns,
		&zone->origin.ctime_ns, &zone->origin.inode, &zone->origin_version,
		&zone->other_version,   &zone->journal_from, &zone->journal_bytes};
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};

	if (bytes < STATE_BYTES || bytes > STATE_BYTES + VLY_NAME_BYTES_MAX || state[0] != FORM)
		return false;
	zone->id = vly_be32(state + 1);
	zone->serial = vly_be32(state + 5);
	zone->journal_cnt = vly_be32(state + 9);
	for (unsigned i = 0; i < NUMBERS_CNT; i++)
		*number[i] = vly_be64(state + 13 + i * 8);
	memcpy(wire, state + STATE_BYTES, bytes - STATE_BYTES);
	return vly_name_scan(&zone->apex, wire, bytes - STATE_BYTES) == bytes - STATE_BYTES;
}

int
vly_store_find_zone(struct vly_store_txn *txn, const struct vly_name *apex,
		    struct vly_store_zone *zone)
{
	struct vly_store_key key;
	const uint8_t *state;
	size_t bytes;
	uint64_t hash;

	zone_key(&key, apex);
	zone->apex = *apex;
	int result = vly_store_read(txn, VLY_STORE_ZONES, &key, &state, &bytes, &hash, zone);
	if (result != VLY_STORE_OK)
		return result;
	if (!read_state(zone, state, bytes) || zone->apex.len != apex->len ||
	    memcmp(zone->apex.lower, apex->lower, apex->len) != 0) {
		zone->apex = *apex;
		return vly_store_fail_damaged(txn, zone, NULL, "state");
	}
	return VLY_STORE_OK;
}

int
vly_store_list_zones(struct vly_store_txn *txn,
		     bool (*fn)(void *arg, const struct vly_store_zone *zone), void *arg)
{
	struct vly_store_zone zone;
	struct vly_name apex;
	struct vly_name top;
	struct vly_store_key key;
	MDB_cursor *cursor;
	MDB_val at, value;
	int result = VLY_STORE_OK;

	(void)vly_name_scan(&top, root, 1);
	int error = mdb_cursor_open(txn->mdb, txn->store->table[VLY_STORE_ZONES], &cursor);
	if (error != 0)
		return vly_store_fail_mdb(txn, error, NULL);
	for (MDB_cursor_op op = MDB_FIRST; result == VLY_STORE_OK; op = MDB_NEXT) {
		if ((error = mdb_cursor_get(cursor, &at, &value, op)) != 0)
			break;
		if (!vly_store_key_copy(&key, &at) || key.octet[0] != ZONES_PREFIX ||
		    !vly_store_key_name(key.octet + 1, key.len - 1, &top, &apex))
			result = vly_store_fail_damaged(txn, NULL, NULL, "list of zones");
		else
			result = vly_store_find_zone(txn, &apex, &zone);
		if (result == VLY_STORE_OK && !fn(arg, &zone))
			result = VLY_STORE_STOPPED;
	}
	mdb_cursor_close(cursor);
	if (error != 0 && error != MDB_NOTFOUND)
		return vly_store_fail_mdb(txn, error, NULL);
	return result;
}

int
vly_store_set_origin(struct vly_store_txn *txn, struct vly_store_zone *zone,
		     const struct vly_file_stamp *origin)
{
	zone->origin = *origin;
	zone->origin_version = zone->version;
	return vly_store_put_zone(txn, zone);
}

static void
meta_key(struct vly_store_key *key, const char *text)
{
	key->len = (unsigned)strlen(text);
	memcpy(key->octet, text, key->len);
}

static void
trash_key(struct vly_store_key *key, uint32_t id)
{
	meta_key(key, "trash");
	key->len = (unsigned)(put_number(key->octet + key->len, id, 4) - key->octet);
}

int
vly_store_new_id(struct vly_store_txn *txn, uint32_t *id)
{
	uint8_t value[VLY_STORE_SEAL_BYTES + 4];
	struct vly_store_key key;
	const uint8_t *octets;
	size_t bytes;
	uint64_t hash;

	meta_key(&key, "next-id");
	int result = vly_store_read(txn, VLY_STORE_META, &key, &octets, &bytes, &hash, NULL);
	if (result < 0)
		return result;
	if (result == VLY_STORE_OK && bytes != 4)
		return vly_store_fail_damaged(txn, NULL, NULL, "number of the next zone");
	*id = result == VLY_STORE_OK ? vly_be32(octets) : 1;
	if (*id == UINT32_MAX)
		return vly_store_fail(txn, VLY_STORE_FAILED,
				      "%s: all numbers for zones are used up; %s", txn->store->path,
				      VLY_STORE_CURE);
	put_number(value + VLY_STORE_SEAL_BYTES, *id + UINT64_C(1), 4);
	result = vly_store_write(txn, VLY_STORE_META, &key, value, sizeof(value), &hash);
	return result == VLY_STORE_OK ? vly_store_set_trash(txn, *id, true) : result;
}

int
vly_store_set_trash(struct vly_store_txn *txn, uint32_t id, bool is_trash)
{
	uint8_t value[VLY_STORE_SEAL_BYTES];
	struct vly_store_key key;
	uint64_t hash;

	trash_key(&key, id);
	return is_trash ? vly_store_write(txn, VLY_STORE_META, &key, value, sizeof(value), &hash)
			: vly_store_delete(txn, VLY_STORE_META, &key);
}

int
vly_store_first_trash(struct vly_store_txn *txn, uint32_t *id)
{
	struct vly_store_key key;
	MDB_cursor *cursor;
	MDB_val value;

	meta_key(&key, "trash");
	int error = mdb_cursor_open(txn->mdb, txn->store->table[VLY_STORE_META], &cursor);
	if (error != 0)
		return vly_store_fail_mdb(txn, error, NULL);
	MDB_val at = vly_store_key_val(&key);
	error = mdb_cursor_get(cursor, &at, &value, MDB_SET_RANGE);
	bool is_trash =
		error == 0 && vly_store_key_is_prefix(&key, &at) && at.mv_size == key.len + 4;
	if (is_trash)
		*id = vly_be32((const uint8_t *)at.mv_data + key.len);
	mdb_cursor_close(cursor);
	if (error != 0 && error != MDB_NOTFOUND)
		return vly_store_fail_mdb(txn, error, NULL);
	return is_trash ? VLY_STORE_OK : VLY_STORE_NONE;
}

int
vly_store_remove_zone(struct vly_store_txn *txn, struct vly_store_zone *zone)
{
	struct vly_store_key key;

	zone_key(&key, &zone->apex);
	int result = vly_store_delete(txn, VLY_STORE_ZONES, &key);
	return result == VLY_STORE_OK ? vly_store_set_trash(txn, zone->id, true) : result;
}
