/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_difference.h"

#include <errno.h>
#include <stdlib.h>

#include "store_walk.h"
#include "zone/name_order.h"
#include "zone/rdata.h"
#include "zone/rrset.h"

/* Two sorted lists of names, compared as they are read. */
struct differ {
	struct vly_store_txn *txn;
	const struct vly_zone *file;
	struct vly_change *change;
	struct vly_rrsets rrsets;
	struct vly_change_record *of_file; /* the records of a name, sorted */
	size_t of_file_cnt;
	size_t of_file_max;
};

static int
fail_memory(struct differ *differ)
{
	return vly_store_fail_mdb(differ->txn, ENOMEM, NULL);
}

static int
by_order(const void *left, const void *right)
{
	return vly_change_record_order(left, right);
}

static int
load_node(struct differ *differ, uint32_t node_idx)
{
	unsigned owner_len;
	const uint8_t *owner = vly_zone_node_name(differ->file, node_idx, &owner_len);

	differ->of_file_cnt = 0;
	if (vly_rrsets_load(&differ->rrsets, differ->file, node_idx) != 0)
		return fail_memory(differ);
	if (differ->rrsets.record_size > differ->of_file_max) {
		void *grown = reallocarray(differ->of_file, differ->rrsets.record_size,
					   sizeof(*differ->of_file));
		if (grown == NULL)
			return fail_memory(differ);
		differ->of_file = grown;
		differ->of_file_max = differ->rrsets.record_size;
	}
	for (unsigned i = 0; i < differ->rrsets.cnt; i++) {
		const struct vly_rrset *rrset = &differ->rrsets.rrset[i];
		for (unsigned j = 0; j < rrset->record_cnt; j++) {
			const struct vly_zone_record *record = rrset->record[j];
			differ->of_file[differ->of_file_cnt++] = (struct vly_change_record){
				.owner = owner,
				.data = record->data,
				.ttl = rrset->type == VLY_TYPE_RRSIG ? record->ttl : rrset->ttl,
				.type = record->type,
				.data_len = record->data_len,
				.owner_len = (uint8_t)owner_len};
		}
	}
	qsort(differ->of_file, differ->of_file_cnt, sizeof(*differ->of_file), by_order);
	return VLY_STORE_OK;
}

static int
remove_record(struct differ *differ, const struct vly_name *owner,
	      const struct vly_store_record *record)
{
	return vly_change_remove(differ->change, owner->lower, owner->len, record->type,
				 record->ttl, record->data, record->data_len) == 0
		       ? VLY_STORE_OK
		       : vly_store_fail_mdb(differ->txn, errno, NULL);
}

static int
add_record(struct differ *differ, const struct vly_change_record *record)
{
	return vly_change_add(differ->change, record->owner, record->owner_len, record->type,
			      record->ttl, record->data, record->data_len) == 0
		       ? VLY_STORE_OK
		       : vly_store_fail_mdb(differ->txn, errno, NULL);
}

/* Names in RDATA may have changed their case alone: that is a change, too. */
static bool
is_same(const struct vly_store_record *old, const struct vly_change_record *new)
{
	return old->ttl == new->ttl &&
	       old->data_len == new->data_len &&memcmp(old->data, new->data, old->data_len) == 0;
}

static bool
has_type_alias(const struct differ *differ)
{
	for (size_t i = 0; i < differ->of_file_cnt; i++)
		if (differ->of_file[i].type == VLY_TYPE_ALIAS)
			return true;
	return false;
}

/* Records of the store's name (NULL: none) and of the node that is loaded (or none). */
static int
compare_records(struct differ *differ, const struct vly_store_visit *visit)
{
	struct vly_store_records rest = {0};
	struct vly_store_record old;
	size_t at = 0;
	int result = VLY_STORE_OK;

	if (visit != NULL)
		rest = visit->records;
	const bool has_alias = differ->of_file_cnt > 0 && has_type_alias(differ);
	bool has_old = vly_store_next_record(&rest, &old);
	while (result == VLY_STORE_OK && (has_old || at < differ->of_file_cnt)) {
		const struct vly_change_record *new =
			at < differ->of_file_cnt ? differ->of_file + at : NULL;
		int order = !has_old ? 1 : at == differ->of_file_cnt ? -1 : 0;
		if (order == 0)
			order = vly_change_record_order(
				&(struct vly_change_record){.owner = new->owner,
							    .data = old.data,
							    .type = old.type,
							    .data_len = old.data_len},
				new);
		bool differs = order != 0 || !is_same(&old, new);
		const bool is_kept = order < 0 && has_alias &&
				     (old.type == VLY_TYPE_A || old.type == VLY_TYPE_AAAA);
		if (order <= 0 && differs && !is_kept)
			result = remove_record(differ, &visit->name, &old);
		if (order >= 0 && differs && result == VLY_STORE_OK)
			result = add_record(differ, new);
		at += order >= 0;
		if (order <= 0)
			has_old = vly_store_next_record(&rest, &old);
	}
	return result;
}

/* Goes through both in canonical order. */
static int
compare_names(struct differ *differ, struct vly_store_walk *walk, const uint32_t *order,
	      uint32_t cnt, struct vly_store_tally *tally)
{
	struct vly_store_visit visit;
	unsigned len;
	int walked = vly_store_walk_next(walk, &visit);
	int result = VLY_STORE_OK;

	for (uint32_t i = 0;
	     result == VLY_STORE_OK && walked >= 0 && (i < cnt || walked == VLY_STORE_OK);) {
		int where = i == cnt ? -1 : walked == VLY_STORE_NONE ? 1 : 0;
		if (where == 0)
			where = vly_name_order(visit.name.lower,
					       vly_zone_node_name(differ->file, order[i], &len));
		differ->of_file_cnt = 0;
		if (where >= 0)
			result = load_node(differ, order[i++]);
		if (result == VLY_STORE_OK)
			result = compare_records(differ, where <= 0 ? &visit : NULL);
		if (where <= 0 && result == VLY_STORE_OK) {
			vly_store_tally_add(tally, &visit);
			walked = vly_store_walk_next(walk, &visit);
		}
	}
	return result != VLY_STORE_OK ? result : walked < 0 ? walked : VLY_STORE_OK;
}

static enum vly_zone_difference
judge(const struct vly_change *change)
{
	if (vly_change_is_empty(change))
		return VLY_DIFFERENCE_NONE;
	if (change->from == change->to)
		return VLY_DIFFERENCE_SAME_SERIAL;
	return (int32_t)(change->to - change->from) > 0 ? VLY_DIFFERENCE_NEWER
							: VLY_DIFFERENCE_OLDER;
}

static int
set_serials(struct differ *differ, const struct vly_store_zone *zone)
{
	int result = load_node(differ, 0);

	if (result != VLY_STORE_OK)
		return result;
	const struct vly_change_record *soa = vly_change_list_soa(
		&(struct vly_change_list){differ->of_file, differ->of_file_cnt, 0});
	if (soa == NULL)
		return vly_store_fail(differ->txn, VLY_STORE_REFUSED, "the zone file has no SOA");
	differ->change->from = zone->serial;
	differ->change->to = vly_change_soa_serial(soa);
	return VLY_STORE_OK;
}

int
vly_zone_difference(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		    const struct vly_zone *file, struct vly_change *change,
		    enum vly_zone_difference *how)
{
	struct differ differ = {.txn = txn, .file = file, .change = change};
	struct vly_store_tally tally = {0};
	struct vly_store_walk walk;
	uint32_t cnt;
	uint32_t *order = vly_zone_order(file, NULL, &cnt);
	int result = order != NULL ? VLY_STORE_OK : fail_memory(&differ);

	if (result == VLY_STORE_OK)
		result = set_serials(&differ, zone);
	if (result == VLY_STORE_OK) {
		result = vly_store_walk_open(&walk, txn, zone, &zone->apex);
		if (result == VLY_STORE_OK)
			result = compare_names(&differ, &walk, order, cnt, &tally);
		vly_store_walk_close(&walk);
	}
	if (result == VLY_STORE_OK)
		result = vly_store_tally_check(&tally, txn, zone);
	vly_rrsets_free(&differ.rrsets);
	free(differ.of_file);
	free(order);
	*how = judge(change);
	return result;
}
