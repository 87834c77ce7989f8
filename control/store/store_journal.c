/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_journal.h"

#include <errno.h>
#include <stdlib.h>

#include <volley/octets.h>

#include "zone_store_parts.h"

#define FORM             1
#define WHO_AT           11
#define CAUSE_MAX        VLY_STORE_BY_ALIAS
#define TRIM_ENTRIES_MAX 64 /* per change: more than it adds, so that the journal does shrink */

bool
vly_store_entry_read(struct vly_store_entry *entry, const uint8_t *octets, size_t bytes)
{
	if (bytes < WHO_AT || octets[0] != FORM || octets[1] == 0 || octets[1] > CAUSE_MAX)
		return false;
	size_t who_len = octets[10];
	if (bytes - WHO_AT < who_len || memchr(octets + WHO_AT, 0, who_len) != NULL)
		return false;
	entry->cause = octets[1];
	entry->time_s = (int64_t)vly_be64(octets + 2);
	memcpy(entry->who, octets + WHO_AT, who_len);
	entry->who[who_len] = '\0';
	entry->octets = octets + WHO_AT + who_len;
	entry->bytes = bytes - WHO_AT - who_len;
	return vly_change_read_head(&entry->head, entry->octets, entry->bytes);
}

size_t
vly_store_entry_head(uint8_t to[VLY_STORE_ENTRY_HEAD_BYTES], enum vly_store_cause cause,
		     int64_t time_s, const char *who)
{
	size_t who_len = strnlen(who, VLY_STORE_WHO_BYTES - 1);
	uint64_t number = VLY_BE(64, (uint64_t)time_s);

	to[0] = FORM;
	to[1] = (uint8_t)cause;
	memcpy(to + 2, &number, sizeof(number));
	to[10] = (uint8_t)who_len;
	memcpy(to + WHO_AT, who, who_len);
	return WHO_AT + who_len;
}

/* Whether the oldest entry has to go. Its value may be damaged: then its age is not known. */
static bool
is_too_old(const struct vly_store_txn *txn, const struct vly_store_zone *zone, uint64_t version,
	   const MDB_val *value, int64_t now)
{
	const struct vly_zone_store_settings *settings = &txn->store->settings;
	struct vly_store_entry entry;

	if (version <= zone->journal_from || zone->journal_cnt > settings->journal_entries_max ||
	    zone->journal_bytes > settings->journal_bytes_max)
		return true;
	if (value->mv_size < VLY_STORE_SEAL_BYTES ||
	    !vly_store_entry_read(&entry, (const uint8_t *)value->mv_data + VLY_STORE_SEAL_BYTES,
				  value->mv_size - VLY_STORE_SEAL_BYTES))
		return false;
	return entry.time_s < now - settings->journal_age_max_s;
}

static int
trim(struct vly_store_txn *txn, struct vly_store_zone *zone, int64_t now)
{
	struct vly_store_key first, prefix;
	MDB_cursor *cursor;
	int error = mdb_cursor_open(txn->mdb, txn->store->table[VLY_STORE_JOURNAL], &cursor);

	if (error != 0)
		return vly_store_fail_mdb(txn, error, NULL);
	vly_store_key_begin(&prefix, zone->id);
	for (unsigned i = 0; i < TRIM_ENTRIES_MAX && error == 0; i++) {
		MDB_val at = vly_store_key_val(&prefix);
		MDB_val value;
		error = mdb_cursor_get(cursor, &at, &value, MDB_SET_RANGE);
		if (error != 0 || !vly_store_key_is_prefix(&prefix, &at) ||
		    !vly_store_key_copy(&first, &at) || first.len != VLY_STORE_ID_BYTES + 8)
			break;
		uint64_t version = vly_be64(first.octet + VLY_STORE_ID_BYTES);
		if (version >= zone->version || !is_too_old(txn, zone, version, &value, now))
			break;
		zone->journal_cnt -= zone->journal_cnt > 0;
		zone->journal_bytes -=
			value.mv_size < zone->journal_bytes ? value.mv_size : zone->journal_bytes;
		if (version > zone->journal_from)
			zone->journal_from = version;
		error = mdb_cursor_del(cursor, 0);
	}
	mdb_cursor_close(cursor);
	return error == 0 || error == MDB_NOTFOUND ? VLY_STORE_OK
						   : vly_store_fail_mdb(txn, error, NULL);
}

/* zone->version is that which the change makes. */
int
vly_store_append_journal(struct vly_store_txn *txn, struct vly_store_zone *zone,
			 const struct vly_change *change, unsigned cause, const char *who)
{
	int64_t now = txn->store->settings.now(txn->store->settings.now_arg);
	size_t change_bytes = vly_change_encoded_bytes(change);
	struct vly_store_key key;
	uint64_t hash;

	if (change_bytes + VLY_STORE_ENTRY_HEAD_BYTES > txn->store->settings.journal_bytes_max) {
		zone->journal_from = zone->version;
		return trim(txn, zone, now);
	}
	uint8_t *entry = malloc(VLY_STORE_SEAL_BYTES + VLY_STORE_ENTRY_HEAD_BYTES + change_bytes);
	if (entry == NULL)
		return vly_store_fail_mdb(txn, ENOMEM, NULL);
	size_t bytes = VLY_STORE_SEAL_BYTES +
		       vly_store_entry_head(entry + VLY_STORE_SEAL_BYTES, cause, now, who);
	vly_change_encode(change, entry + bytes);
	bytes += change_bytes;
	vly_store_version_key(&key, zone->id, zone->version);
	int result = vly_store_write(txn, VLY_STORE_JOURNAL, &key, entry, bytes, &hash);
	free(entry);
	if (result != VLY_STORE_OK)
		return result;
	zone->journal_cnt++;
	zone->journal_bytes += bytes;
	return trim(txn, zone, now);
}

static int
read_entry(struct vly_store_txn *txn, const struct vly_store_zone *zone, uint64_t version,
	   struct vly_store_entry *entry)
{
	struct vly_store_key key;
	const uint8_t *octets;
	size_t bytes;
	uint64_t hash;

	vly_store_version_key(&key, zone->id, version);
	int result = vly_store_read(txn, VLY_STORE_JOURNAL, &key, &octets, &bytes, &hash, zone);
	if (result < 0)
		return result;
	entry->version = version;
	if (result == VLY_STORE_NONE || !vly_store_entry_read(entry, octets, bytes))
		return vly_store_fail_damaged(txn, zone, NULL, "journal");
	return VLY_STORE_OK;
}

int
vly_store_journal(struct vly_store_txn *txn, const struct vly_store_zone *zone, uint64_t version,
		  bool (*fn)(void *arg, const struct vly_store_entry *entry), void *arg)
{
	struct vly_store_entry entry;

	if (version == 0)
		version = zone->journal_from;
	if (version < zone->journal_from || version > zone->version)
		return VLY_STORE_NONE;
	while (version < zone->version) { /* at most as many as the journal has */
		int result = read_entry(txn, zone, ++version, &entry);
		if (result != VLY_STORE_OK)
			return result;
		if (!fn(arg, &entry))
			return VLY_STORE_STOPPED;
	}
	return VLY_STORE_OK;
}

int
vly_store_find_serial(struct vly_store_txn *txn, const struct vly_store_zone *zone, uint32_t serial,
		      uint64_t *version)
{
	struct vly_store_entry entry;

	*version = zone->version;
	if (serial == zone->serial)
		return VLY_STORE_OK;
	for (; *version > zone->journal_from; --*version) {
		int result = read_entry(txn, zone, *version, &entry);
		if (result != VLY_STORE_OK)
			return result;
		if (entry.head.from == serial) {
			--*version;
			return VLY_STORE_OK;
		}
	}
	return VLY_STORE_NONE;
}
