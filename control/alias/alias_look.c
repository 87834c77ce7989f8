/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "alias_look.h"

#include <stdio.h>
#include <string.h>

#include "store/store_names.h"
#include "zone/rdata.h"

void
vly_alias_scan(const uint8_t *wire, unsigned len, struct vly_name *name)
{
	uint8_t copy[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};

	memcpy(copy, wire, len);
	(void)vly_name_scan(name, copy, len);
}

/* More addresses than a set takes are left out: they can't be an ALIAS's own. */
static void
take_address(struct vly_alias_set set[VLY_ALIAS_FAMILIES], const struct vly_store_record *record)
{
	const unsigned family = record->type == VLY_TYPE_AAAA;

	if (record->type == VLY_TYPE_A || record->type == VLY_TYPE_AAAA)
		(void)!vly_alias_set_add(&set[family], record->data, record->data_len);
}

static void
take_target(struct vly_alias_record *record, const struct vly_store_record *stored)
{
	struct vly_name target;

	record->ttl = stored->ttl;
	if (!vly_rdata_scan_name(&target, stored->data, stored->data_len))
		return;
	record->target_len = target.len;
	memcpy(record->target, target.lower, target.len);
}

int
vly_alias_read(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	       const struct vly_name *owner, struct vly_alias_record *record)
{
	struct vly_store_records records;
	struct vly_store_record stored;

	*record = (struct vly_alias_record){.owner_len = owner->len};
	memcpy(record->owner, owner->lower, owner->len);
	int result = vly_store_get(txn, zone, owner, &records);
	if (result != VLY_STORE_OK)
		return result;
	while (vly_store_next_record(&records, &stored)) {
		if (stored.type == VLY_TYPE_ALIAS)
			take_target(record, &stored);
		if (stored.type == VLY_TYPE_A || stored.type == VLY_TYPE_AAAA)
			record->address_ttl = stored.ttl;
		take_address(record->set, &stored);
	}
	return record->target_len > 0 ? VLY_STORE_OK : VLY_STORE_NONE;
}

struct listing {
	struct vly_store_txn *txn;
	const struct vly_store_zone *zone;
	bool (*fn)(void *arg, const struct vly_alias_record *record);
	void *arg;
	int result;
};

static bool
list_owner(void *arg, const struct vly_name *owner)
{
	struct listing *listing = arg;
	struct vly_alias_record record;

	listing->result = vly_alias_read(listing->txn, listing->zone, owner, &record);
	if (listing->result == VLY_STORE_NONE)
		return true;
	return listing->result == VLY_STORE_OK && listing->fn(listing->arg, &record);
}

int
vly_alias_list(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	       bool (*fn)(void *arg, const struct vly_alias_record *record), void *arg)
{
	struct listing listing = {.txn = txn, .zone = zone, .fn = fn, .arg = arg};
	int result =
		vly_store_dependents(txn, zone, &zone->apex, VLY_STORE_ALIAS, list_owner, &listing);

	return listing.result < 0 ? listing.result : result;
}

/* A name that is being looked up. */
struct search {
	struct vly_store_txn *txn;
	const struct vly_store_zone *zone;
	struct vly_alias_hop *hop;
};

static void
fail(struct search *search)
{
	search->hop->kind = VLY_ALIAS_HOP_FAILED;
	snprintf(search->hop->reason, VLY_REASON_BYTES, "%s", vly_store_reason(search->txn));
}

static void
take_records(struct search *search, const struct vly_name *owner, struct vly_store_records records)
{
	struct vly_alias_hop *hop = search->hop;
	struct vly_store_record record;
	struct vly_name target;

	hop->kind = VLY_ALIAS_HOP_FOUND;
	while (vly_store_next_record(&records, &record)) {
		take_address(hop->set, &record);
		if (record.type == VLY_TYPE_ALIAS) {
			hop->alias_len = owner->len;
			memcpy(hop->alias, owner->lower, owner->len);
		}
		if (record.type == VLY_TYPE_CNAME &&
		    vly_rdata_scan_name(&target, record.data, record.data_len)) {
			hop->kind = VLY_ALIAS_HOP_CNAME;
			hop->next_len = target.len;
			memcpy(hop->next, target.lower, target.len);
		}
	}
}

/* What the records of an ancestor, or at the name itself (a cut alone), do with the name. False: nothing. */
static bool
is_led_away(struct search *search, struct vly_store_records records, bool is_apex, bool is_itself)
{
	struct vly_store_record record;

	while (vly_store_next_record(&records, &record)) {
		if (record.type == VLY_TYPE_NS && !is_apex)
			search->hop->kind = VLY_ALIAS_HOP_DELEGATED;
		else if (record.type == VLY_TYPE_DNAME && !is_itself)
			search->hop->kind = VLY_ALIAS_HOP_DNAME;
		else
			continue;
		return true;
	}
	return false;
}

/* Goes from the apex to the name. False: the hop is decided. *encloser: the offset of the closest name that
 * exists. */
static bool
descend(struct search *search, const struct vly_name *name, unsigned *encloser)
{
	struct vly_store_records records;
	struct vly_name at;

	for (unsigned i = name->label_cnt + 1; i-- > 0;) {
		const unsigned off = name->start[i];
		if ((unsigned)name->len - off < search->zone->apex.len)
			continue;
		vly_alias_scan(name->lower + off, name->len - off, &at);
		int result = vly_store_get(search->txn, search->zone, &at, &records);
		if (result == VLY_STORE_OK &&
		    is_led_away(search, records, at.len == search->zone->apex.len, off == 0))
			return false;
		if (result == VLY_STORE_NONE)
			result = vly_store_exists(search->txn, search->zone, &at);
		if (result < 0) {
			fail(search);
			return false;
		}
		if (result == VLY_STORE_NONE)
			return true;
		*encloser = off;
	}
	return true;
}

/* The wildcard below the closest encloser (RFC 4592 §3.3.1). */
static void
try_wildcard(struct search *search, const uint8_t *encloser, unsigned len)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + 2] = {1, '*'};
	struct vly_store_records records;
	struct vly_name name;

	search->hop->kind = VLY_ALIAS_HOP_NO_NAME;
	if (len + 2 > VLY_NAME_BYTES_MAX)
		return;
	memcpy(wire + 2, encloser, len);
	vly_alias_scan(wire, len + 2, &name);
	int result = vly_store_get(search->txn, search->zone, &name, &records);
	if (result < 0)
		fail(search);
	else if (result == VLY_STORE_OK)
		take_records(search, &name, records);
}

void
vly_alias_hop(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	      const struct vly_name *name, struct vly_alias_hop *hop)
{
	struct search search = {txn, zone, hop};
	struct vly_store_records records;
	unsigned encloser = name->len;

	*hop = (struct vly_alias_hop){.kind = VLY_ALIAS_HOP_FOUND};
	if (!descend(&search, name, &encloser))
		return;
	if (encloser != 0) {
		try_wildcard(&search, name->lower + encloser, name->len - encloser);
		return;
	}
	int result = vly_store_get(txn, zone, name, &records);
	if (result < 0)
		fail(&search);
	else if (result == VLY_STORE_OK)
		take_records(&search, name, records);
}
