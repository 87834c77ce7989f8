/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole zones into the store. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store_import.h"
#include "store_records.h"
#include "zone/domain.h"
#include "zone/name_order.h"
#include "zone/rrset.h"

/* Octets of values in one transaction: its pages are in memory until it is committed, and changes of other
 * zones wait for it, some 0.3 s. Each takes a few writes to disk. */
#define BATCH_BYTES (UINT64_C(8) << 20)

/* Octets that LMDB adds to a value, roughly. */
#define NODE_BYTES 16

static int
end_transaction(struct vly_store_import *import)
{
	struct vly_store_txn *txn = import->txn;

	import->batch_bytes = 0;
	import->txn = NULL;
	return vly_store_commit(txn, import->reason, sizeof(import->reason));
}

static int
begin_transaction(struct vly_store_import *import)
{
	vly_store_let_others(import->store);
	return vly_store_begin_write(import->store, &import->txn, import->reason,
				     sizeof(import->reason));
}

static int
refuse(struct vly_store_import *import, const char *why)
{
	char text[VLY_DOMAIN_TEXT_BYTES];

	return vly_store_fail(import->txn, VLY_STORE_REFUSED, "zone %.80s: %s",
			      vly_domain_text(import->state.apex.lower, text), why);
}

static int
check_wanted(struct vly_store_import *import)
{
	if (import->is_cancelled && atomic_load(import->is_cancelled))
		return refuse(import, "it is not wanted any more");
	return VLY_STORE_OK;
}

int
vly_store_import_room(struct vly_store_import *import, size_t bytes)
{
	if (import->is_inside)
		return VLY_STORE_OK;
	import->batch_bytes += bytes + NODE_BYTES;
	if (import->batch_bytes < BATCH_BYTES)
		return VLY_STORE_OK;
	int wanted = check_wanted(import);
	if (wanted != VLY_STORE_OK)
		return wanted;
	int result = end_transaction(import);
	return result == VLY_STORE_OK ? begin_transaction(import) : result;
}

/* Numbers of zones grow, so that a zone's keys are behind all others; not so if another zone was imported
 * meanwhile. */
int
vly_store_import_append(struct vly_store_import *import, enum vly_store_table table, MDB_val *key,
			MDB_val *value, unsigned flag)
{
	MDB_txn *mdb = import->txn->mdb;
	MDB_dbi dbi = import->store->table[table];
	int error = mdb_put(mdb, dbi, key, value, flag);

	if (error == MDB_KEYEXIST)
		error = mdb_put(mdb, dbi, key, value, 0);
	return error == 0 ? VLY_STORE_OK : vly_store_fail_mdb(import->txn, error, NULL);
}

static int
fail_memory(struct vly_store_import *import)
{
	return vly_store_fail_mdb(import->txn, ENOMEM, NULL);
}

static int
put_rrset(struct vly_store_import *import, uint32_t place, const struct vly_rrset *rrset)
{
	if (rrset->record_cnt > import->sorted_max) {
		void *grown =
			reallocarray(import->sorted, rrset->record_cnt, sizeof(*import->sorted));
		if (grown == NULL)
			return fail_memory(import);
		import->sorted = grown;
		import->sorted_max = rrset->record_cnt;
	}
	memcpy(import->sorted, rrset->record, rrset->record_cnt * sizeof(*import->sorted));
	qsort(import->sorted, rrset->record_cnt, sizeof(*import->sorted), vly_rrset_by_data);
	for (unsigned i = 0; i < rrset->record_cnt; i++) {
		const struct vly_zone_record *record = import->sorted[i];
		uint32_t ttl = rrset->type == VLY_TYPE_RRSIG ? record->ttl : rrset->ttl;
		if (!vly_store_records_put(&import->buffer, record->type, ttl, record->data,
					   record->data_len) ||
		    !vly_store_import_note(import, place, record))
			return fail_memory(import);
	}
	import->state.record_cnt += rrset->record_cnt;
	return import->buffer.used <= VLY_STORE_RECORDS_MAX
		       ? VLY_STORE_OK
		       : refuse(import, "a name has more than 16 MiB of records");
}

static int
append(struct vly_store_import *import, uint32_t node_idx)
{
	struct vly_store_key key;
	uint64_t hash;

	int result = vly_store_import_room(import, import->buffer.used);
	if (result != VLY_STORE_OK)
		return result;
	vly_store_import_name(import, node_idx, &import->name);
	vly_store_name_key(&key, import->state.id, &import->state.apex, &import->name);
	vly_store_seal(&key, import->buffer.octet, import->buffer.used, &hash);
	MDB_val at = vly_store_key_val(&key);
	MDB_val value = {import->buffer.used, import->buffer.octet};
	import->state.name_cnt++;
	import->state.digest += hash;
	return vly_store_import_append(import, VLY_STORE_RECORDS, &at, &value, MDB_APPEND);
}

static int
import_node(struct vly_store_import *import, uint32_t place)
{
	uint32_t node_idx = import->order[place];
	int result = VLY_STORE_OK;

	if (import->zone->node[node_idx].records == 0)
		return VLY_STORE_OK;
	import->buffer.used = 0;
	if (vly_rrsets_load(&import->rrsets, import->zone, node_idx) != 0 ||
	    !vly_store_buffer_reserve(&import->buffer, VLY_STORE_SEAL_BYTES))
		return fail_memory(import);
	import->buffer.used = VLY_STORE_SEAL_BYTES;
	for (unsigned i = 0; i < import->rrsets.cnt && result == VLY_STORE_OK; i++)
		result = put_rrset(import, place, &import->rrsets.rrset[i]);
	return result == VLY_STORE_OK ? append(import, node_idx) : result;
}

static int
find_serial(struct vly_store_import *import)
{
	if (vly_rrsets_load(&import->rrsets, import->zone, 0) != 0)
		return fail_memory(import);
	const struct vly_rrset *soa = vly_rrsets_find(&import->rrsets, VLY_TYPE_SOA);
	if (soa == NULL || soa->record_cnt != 1)
		return refuse(import, "it does not have exactly one SOA");
	import->state.serial = vly_change_soa_serial(&(struct vly_change_record){
		.data = soa->record[0]->data, .data_len = soa->record[0]->data_len});
	return VLY_STORE_OK;
}

static int
import_nodes(struct vly_store_import *import)
{
	int result = VLY_STORE_OK;

	for (uint32_t i = 0; result == VLY_STORE_OK && i < import->order_cnt; i++) {
		vly_zone_pass(import->zone, i);
		result = import_node(import, i);
	}
	return result;
}

static uint64_t
first_version(uint32_t id)
{
	return ((uint64_t)id << 32) + 1;
}

static int
begin(struct vly_store_import *import, const struct vly_file_stamp *origin)
{
	struct vly_store_zone *state = &import->state;
	int result = find_serial(import);

	/* what was reserved may have been cleaned away since */
	if (result == VLY_STORE_OK && state->id != 0)
		result = vly_store_set_trash(import->txn, state->id, true);
	else if (result == VLY_STORE_OK)
		result = vly_store_new_id(import->txn, &state->id);
	state->version = first_version(state->id);
	state->journal_from = state->version;
	state->origin = *origin;
	state->origin_version = state->version;
	import->batch_bytes = BATCH_BYTES; /* the number is on disk before anything has it */
	return result;
}

/* The zone takes the place of what had its name. */
static int
finish(struct vly_store_import *import)
{
	struct vly_store_zone old;

	int result = check_wanted(import);
	if (result != VLY_STORE_OK)
		return result;
	result = vly_store_find_zone(import->txn, &import->state.apex, &old);
	if (result == VLY_STORE_OK)
		result = vly_store_set_trash(import->txn, old.id, true);
	else if (result == VLY_STORE_DAMAGED) /* its number is not known: its records stay */
		result = import->txn->failed = VLY_STORE_OK;
	else if (result == VLY_STORE_NONE)
		result = VLY_STORE_OK;
	if (result == VLY_STORE_OK)
		result = vly_store_set_trash(import->txn, import->state.id, false);
	if (result == VLY_STORE_OK)
		result = vly_store_put_zone(import->txn, &import->state);
	return result;
}

static int
import_zone(struct vly_store_import *import, const struct vly_file_stamp *origin)
{
	int result = begin(import, origin);

	if (result == VLY_STORE_OK)
		result = import_nodes(import);
	if (result == VLY_STORE_OK)
		result = vly_store_import_reverse(import);
	return result == VLY_STORE_OK ? finish(import) : result;
}

/* Sorting takes long, so that it is not done inside a transaction, but for small zones. */
static int
sort_nodes(struct vly_store_import *import)
{
	import->order = vly_zone_order(import->zone, NULL, &import->order_cnt);
	return import->order != NULL ? 0 : -1;
}

int
vly_store_import_pause(struct vly_store_import *import)
{
	return import->is_inside ? VLY_STORE_OK : end_transaction(import);
}

int
vly_store_import_resume(struct vly_store_import *import)
{
	return import->is_inside ? VLY_STORE_OK : begin_transaction(import);
}

static void
free_import(struct vly_store_import *import)
{
	vly_rrsets_free(&import->rrsets);
	free(import->buffer.octet);
	free(import->sorted);
	free(import->link);
	free(import->order);
}

static int
run(struct vly_store_import *import, const struct vly_file_stamp *origin)
{
	if (sort_nodes(import) != 0)
		return vly_store_explain(import->store->path, ENOMEM, NULL, import->reason,
					 sizeof(import->reason));
	int result = begin_transaction(import);
	if (result == VLY_STORE_OK)
		result = import_zone(import, origin);
	if (result == VLY_STORE_OK)
		return end_transaction(import);
	if (import->txn != NULL)
		snprintf(import->reason, sizeof(import->reason), "%s", import->txn->reason);
	vly_store_abort(import->txn);
	return result;
}

/* Imports in transactions of its own. */
static int
import_apart(struct vly_store_import *import, const struct vly_file_stamp *origin,
	     struct vly_store_zone *out, char *reason, size_t reason_bytes)
{
	vly_store_import_name(import, 0, &import->state.apex);
	int result = run(import, origin);
	snprintf(reason, reason_bytes, "%s", import->reason);
	*out = import->state;
	free_import(import);
	return result;
}

int
vly_zone_store_import(struct vly_zone_store *store, const struct vly_zone *zone,
		      const struct vly_file_stamp *origin, struct vly_store_zone *out, char *reason,
		      size_t reason_bytes)
{
	struct vly_store_import import = {.store = store, .zone = zone};

	return import_apart(&import, origin, out, reason, reason_bytes);
}

int
vly_zone_store_import_as(struct vly_zone_store *store, const struct vly_zone *zone,
			 const struct vly_store_number *number, const struct vly_file_stamp *origin,
			 const _Atomic bool *is_cancelled, struct vly_store_zone *out, char *reason,
			 size_t reason_bytes)
{
	struct vly_store_import import = {.store = store,
					  .zone = zone,
					  .is_cancelled = is_cancelled,
					  .state = {.id = number->id}};

	return import_apart(&import, origin, out, reason, reason_bytes);
}

int
vly_zone_store_reserve(struct vly_zone_store *store, struct vly_store_number *number, char *reason,
		       size_t reason_bytes)
{
	struct vly_store_txn *txn;
	int result = vly_store_begin_write(store, &txn, reason, reason_bytes);

	if (result != VLY_STORE_OK)
		return result;
	result = vly_store_new_id(txn, &number->id);
	number->version = first_version(number->id);
	if (result == VLY_STORE_OK)
		return vly_store_commit(txn, reason, reason_bytes);
	snprintf(reason, reason_bytes, "%s", vly_store_reason(txn));
	vly_store_abort(txn);
	return result;
}

int
vly_store_import_in(struct vly_store_txn *txn, const struct vly_zone *zone,
		    const struct vly_file_stamp *origin, struct vly_store_zone *out)
{
	struct vly_store_import import = {
		.store = txn->store, .zone = zone, .txn = txn, .is_inside = true};
	int result = txn->failed;

	vly_store_import_name(&import, 0, &import.state.apex);
	if (result == VLY_STORE_OK && sort_nodes(&import) != 0)
		result = fail_memory(&import);
	if (result == VLY_STORE_OK)
		result = import_zone(&import, origin);
	*out = import.state;
	free_import(&import);
	return result;
}
