/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "store_walk.h"
#include "zone/zone.h"

static int
load_name(struct vly_store_txn *txn, struct vly_zone *out, struct vly_store_visit *visit)
{
	struct vly_store_records rest = visit->records;
	struct vly_store_record record;

	vly_name_hash(&visit->name, &out->key);
	uint32_t node_idx = vly_zone_add_name(out, &visit->name);
	if (node_idx == VLY_ZONE_NONE)
		return vly_store_fail_mdb(txn, errno, NULL);
	while (vly_store_next_record(&rest, &record))
		if (vly_zone_add_record(out, node_idx, record.type, record.ttl, record.data,
					record.data_len) != 0)
			return vly_store_fail_mdb(txn, errno, NULL);
	return VLY_STORE_OK;
}

static int
load(struct vly_store_txn *txn, const struct vly_store_zone *zone, struct vly_zone *out)
{
	struct vly_store_tally tally = {0};
	struct vly_store_visit visit;
	struct vly_store_walk walk;
	int result = vly_store_walk_open(&walk, txn, zone, &zone->apex);

	while (result == VLY_STORE_OK &&
	       (result = vly_store_walk_next(&walk, &visit)) == VLY_STORE_OK) {
		vly_store_tally_add(&tally, &visit);
		result = load_name(txn, out, &visit);
	}
	vly_store_walk_close(&walk);
	return result == VLY_STORE_NONE ? vly_store_tally_check(&tally, txn, zone) : result;
}

int
vly_store_load_zone(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		    const struct vly_hash_key *key, struct vly_zone *out)
{
	static const struct vly_file_stamp none;
	struct vly_name apex = zone->apex;

	if (vly_zone_init(out, key, &apex) != 0)
		return vly_store_fail_mdb(txn, errno, NULL);
	/* findings of the compiler name the store */
	int result = vly_zone_add_file(out, txn->store->path, &none) == 0
			     ? load(txn, zone, out)
			     : vly_store_fail_mdb(txn, ENOMEM, NULL);
	if (result != VLY_STORE_OK) {
		vly_zone_free(out);
		return result;
	}
	vly_zone_mark_hidden(out);
	return VLY_STORE_OK;
}
