/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "zone_store_parts.h"

/* In one transaction: 20 ms or so. */
#define KEYS_MAX 10000

/* Removes values of the zone from a table, at most *left, which becomes less. */
static int
clean_table(struct vly_store_txn *txn, enum vly_store_table table, uint32_t id, unsigned *left)
{
	struct vly_store_key prefix;
	MDB_cursor *cursor;
	MDB_val value;
	int error = mdb_cursor_open(txn->mdb, txn->store->table[table], &cursor);

	if (error != 0)
		return vly_store_fail_mdb(txn, error, NULL);
	vly_store_key_begin(&prefix, id);
	for (; *left > 0 && error == 0; --*left) {
		MDB_val at = vly_store_key_val(&prefix);
		error = mdb_cursor_get(cursor, &at, &value, MDB_SET_RANGE);
		if (error == 0 && !vly_store_key_is_prefix(&prefix, &at))
			break;
		if (error == 0)
			error = mdb_cursor_del(cursor, 0);
	}
	mdb_cursor_close(cursor);
	return error == 0 || error == MDB_NOTFOUND ? VLY_STORE_OK
						   : vly_store_fail_mdb(txn, error, NULL);
}

static int
clean(struct vly_store_txn *txn)
{
	static const enum vly_store_table tables[] = {VLY_STORE_RECORDS, VLY_STORE_REVERSE,
						      VLY_STORE_JOURNAL};
	unsigned left = KEYS_MAX;
	uint32_t id;
	int result = vly_store_first_trash(txn, &id);

	if (result != VLY_STORE_OK)
		return result;
	for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		result = clean_table(txn, tables[i], id, &left);
		if (result != VLY_STORE_OK)
			return result;
	}
	return left > 0 ? vly_store_set_trash(txn, id, false) : VLY_STORE_OK;
}

int
vly_zone_store_clean(struct vly_zone_store *store, char *reason, size_t reason_bytes)
{
	struct vly_store_txn *txn;

	vly_store_let_others(store);
	int result = vly_store_begin_write(store, &txn, reason, reason_bytes);

	if (result != VLY_STORE_OK)
		return result;
	result = clean(txn);
	if (result == VLY_STORE_OK)
		return vly_store_commit(txn, reason, reason_bytes);
	snprintf(reason, reason_bytes, "%s", txn->reason);
	vly_store_abort(txn);
	return result;
}
