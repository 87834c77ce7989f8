/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "living_verdict.h"

#include <string.h>

#include "store/store_names.h"
#include "zone/rdata.h"
#include "zone/zone.h"

/* Up to so many records the whole zone is checked, which takes about 20 ms without signatures. More: a
 * change of such a zone holds up others for longer. */
#define WHOLE_RECORDS 20000

/* Of a larger zone the whole is checked if one record in so many has changed. */
#define WHOLE_SHARE 2

static bool
has_keys(const struct vly_change_list *list)
{
	for (size_t i = 0; i < list->cnt; i++)
		if (list->record[i].type == VLY_TYPE_DNSKEY)
			return true;
	return false;
}

/* Other keys make all signatures worth a look. */
static bool
wants_whole(const struct vly_store_zone *zone, const struct vly_change *change)
{
	return zone->record_cnt <= WHOLE_RECORDS ||
	       (change->added.cnt + change->removed.cnt) >= zone->record_cnt / WHOLE_SHARE ||
	       has_keys(&change->added) || has_keys(&change->removed);
}

/* Adds the records of one name. VLY_STORE_OK, or a failure. */
static int
add_name(struct vly_store_txn *txn, const struct vly_store_zone *zone, struct vly_name *name,
	 struct vly_zone *tree)
{
	struct vly_store_records records;
	struct vly_store_record record;

	vly_name_hash(name, &tree->key);
	uint32_t idx = vly_zone_add_name(tree, name);
	if (idx == VLY_ZONE_NONE)
		return VLY_STORE_MEMORY;
	if (tree->node[idx].records != 0)
		return VLY_STORE_OK; /* it is there */
	int result = vly_store_get(txn, zone, name, &records);
	if (result != VLY_STORE_OK)
		return result == VLY_STORE_NONE ? VLY_STORE_OK : result;
	while (vly_store_next_record(&records, &record))
		if (vly_zone_add_record(tree, idx, record.type, record.ttl, record.data,
					record.data_len) != 0)
			return VLY_STORE_MEMORY;
	return VLY_STORE_OK;
}

/* Adds a name and its ancestors, of which one may be a cut. */
static int
add_path(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	 const struct vly_change_record *record, struct vly_zone *tree)
{
	int result = VLY_STORE_OK;

	/* an owner is at least as long as the apex, and ends in it */
	for (unsigned at = 0; result == VLY_STORE_OK && record->owner_len - at >= zone->apex.len;
	     at += 1u + record->owner[at]) {
		struct vly_name name;
		if (!vly_rdata_scan_name(&name, record->owner + at, record->owner_len - at))
			break;
		result = add_name(txn, zone, &name, tree);
		if (record->owner[at] == 0)
			break;
	}
	return result;
}

static int
add_changed(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	    const struct vly_change_list *list, struct vly_zone *tree)
{
	int result = VLY_STORE_OK;

	for (size_t i = 0; result == VLY_STORE_OK && i < list->cnt; i++) {
		const struct vly_change_record *record = &list->record[i];
		if (i > 0 && record->owner_len == record[-1].owner_len &&
		    memcmp(record->owner, record[-1].owner, record->owner_len) == 0)
			continue;
		result = add_path(txn, zone, record, tree);
	}
	return result;
}

/* A tree with the changed names alone. */
static int
load_changed(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	     const struct vly_change *change, const struct vly_hash_key *key, struct vly_zone *tree)
{
	static const struct vly_file_stamp none;
	struct vly_name apex = zone->apex;

	if (vly_zone_init(tree, key, &apex) != 0)
		return VLY_STORE_MEMORY;
	int result = vly_zone_add_file(tree, "the changed zone", &none) == 0 ? VLY_STORE_OK
									     : VLY_STORE_MEMORY;
	if (result == VLY_STORE_OK)
		result = add_name(txn, zone, &apex, tree);
	if (result == VLY_STORE_OK)
		result = add_changed(txn, zone, &change->removed, tree);
	if (result == VLY_STORE_OK)
		result = add_changed(txn, zone, &change->added, tree);
	if (result == VLY_STORE_OK)
		vly_zone_mark_hidden(tree);
	else
		vly_zone_free(tree);
	return result;
}

int
vly_living_verdict(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		   const struct vly_change *change, const struct vly_hash_key *key,
		   const struct vly_dnssec_settings *settings, struct vly_zone_verdict *verdict)
{
	struct vly_zone tree;
	bool is_whole = wants_whole(zone, change);
	int result = is_whole ? vly_store_load_zone(txn, zone, key, &tree)
			      : load_changed(txn, zone, change, key, &tree);

	memset(verdict, 0, sizeof(*verdict));
	if (result != VLY_STORE_OK)
		return result;
	if (is_whole)
		vly_zone_verdict(&tree, settings, NULL, verdict);
	else
		vly_zone_verdict_part(&tree, settings, verdict);
	vly_zone_free(&tree);
	return VLY_STORE_OK;
}
