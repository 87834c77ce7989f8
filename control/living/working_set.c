/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "working_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <volley/octets.h>

#include "store/store_names.h"
#include "zone/domain.h"
#include "zone/rdata.h"

void
vly_working_set_init(struct vly_working_set *set, struct vly_store_txn *txn,
		     const struct vly_store_zone *zone, char reason[VLY_REASON_BYTES])
{
	*set = (struct vly_working_set){.txn = txn, .zone = zone, .reason = reason};
}

static int
fail_memory(struct vly_working_set *set)
{
	snprintf(set->reason, VLY_REASON_BYTES, "out of memory");
	return -1;
}

static struct vly_working_record *
append(struct vly_working_name *name, uint16_t type, const uint8_t *data, unsigned data_len)
{
	if (name->cnt == name->size) {
		uint32_t size = name->size ? 2 * name->size : 4;
		void *grown = realloc(name->record, size * sizeof(*name->record));
		if (!grown)
			return NULL;
		name->record = grown;
		name->size = size;
	}
	struct vly_working_record *record = &name->record[name->cnt];
	*record = (struct vly_working_record){.type = type, .data_len = (uint16_t)data_len};
	record->data = malloc(data_len + 1u);
	if (!record->data)
		return NULL;
	memcpy(record->data, data, data_len);
	name->cnt++;
	return record;
}

/* Reads what the store has at a name. Returns 0, or -1 with a reason. */
static int
fill(struct vly_working_set *set, struct vly_working_name *name)
{
	struct vly_store_records records;
	struct vly_store_record stored;
	struct vly_name scanned;
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};

	memcpy(wire, name->owner, name->len);
	if (vly_name_scan(&scanned, wire, name->len) == 0) {
		snprintf(set->reason, VLY_REASON_BYTES, "malformed name");
		return -1;
	}
	int result = vly_store_get(set->txn, set->zone, &scanned, &records);
	if (result < 0) {
		snprintf(set->reason, VLY_REASON_BYTES, "%s", vly_store_reason(set->txn));
		return -1;
	}
	while (result == VLY_STORE_OK && vly_store_next_record(&records, &stored)) {
		struct vly_working_record *record =
			append(name, stored.type, stored.data, stored.data_len);
		if (!record)
			return fail_memory(set);
		record->ttl = record->was_ttl = stored.ttl;
		record->was_there = record->is_there = true;
	}
	return 0;
}

static void
free_name(struct vly_working_name *name)
{
	for (uint32_t i = 0; i < name->cnt; i++)
		free(name->record[i].data);
	free(name->record);
	free(name);
}

/* The entry of a name, read from the store when it is new. NULL: a reason. */
static struct vly_working_name *
find(struct vly_working_set *set, const uint8_t *owner, unsigned owner_len)
{
	struct vly_working_name *name;

	HASH_FIND(hh, set->by_owner, owner, owner_len, name);
	if (name)
		return name;
	name = calloc(1, sizeof(*name));
	if (!name) {
		(void)fail_memory(set);
		return NULL;
	}
	name->len = (uint8_t)owner_len;
	memcpy(name->owner, owner, owner_len);
	if (fill(set, name) != 0) {
		free_name(name);
		return NULL;
	}
	HASH_ADD(hh, set->by_owner, owner, owner_len, name);
	if (name->hh.tbl)
		return name;
	free_name(name);
	(void)fail_memory(set);
	return NULL;
}

static bool
is_same(const struct vly_working_record *record, uint16_t type, const uint8_t *data,
	unsigned data_len)
{
	return record->type == type &&
	       vly_rdata_compare(type, record->data, record->data_len, data, data_len) == 0;
}

/* There is at most one at a name (RFC 1035 §3.2.2, RFC 2181 §10.1, RFC 6672 §2.4). */
static bool
is_single(uint16_t type)
{
	return type == VLY_TYPE_SOA || type == VLY_TYPE_CNAME || type == VLY_TYPE_DNAME ||
	       type == VLY_TYPE_ALIAS;
}

/* The TTL that a record gets: the one given, else its RRset's, else the SOA's. Returns 0, or -1. */
static int
choose_ttl(struct vly_working_set *set, const struct vly_working_name *name, uint16_t type,
	   const uint32_t *given, uint32_t *ttl)
{
	struct vly_change_record soa;

	if (given) {
		*ttl = *given;
		return 0;
	}
	for (uint32_t i = 0; i < name->cnt; i++)
		if (name->record[i].is_there && name->record[i].type == type) {
			*ttl = name->record[i].ttl;
			return 0;
		}
	if (vly_store_soa(set->txn, set->zone, &soa) != VLY_STORE_OK) {
		snprintf(set->reason, VLY_REASON_BYTES, "%s", vly_store_reason(set->txn));
		return -1;
	}
	*ttl = soa.ttl;
	return 0;
}

int
vly_working_set_add(struct vly_working_set *set, const uint8_t *owner, unsigned owner_len,
		    uint16_t type, const uint32_t *ttl, const uint8_t *data, unsigned data_len)
{
	struct vly_working_name *name = find(set, owner, owner_len);
	struct vly_working_record *added = NULL;
	uint32_t chosen;

	if (!name || choose_ttl(set, name, type, ttl, &chosen) != 0)
		return -1;
	for (uint32_t i = 0; i < name->cnt; i++) {
		struct vly_working_record *record = &name->record[i];
		if (record->type != type)
			continue;
		if (is_single(type))
			record->is_there = false;
		if (is_same(record, type, data, data_len))
			added = record;
		record->ttl = chosen; /* RFC 2181 §5.2 */
	}
	bool spelled =
		added && added->data_len == data_len && memcmp(added->data, data, data_len) == 0;
	if (added && !spelled && !is_single(type))
		return 0; /* the same but for upper and lower case */
	if (!spelled)
		added = append(name, type, data, data_len);
	if (!added)
		return fail_memory(set);
	added->ttl = chosen;
	added->is_there = true;
	added->is_set = true;
	return 0;
}

int
vly_working_set_remove(struct vly_working_set *set, const uint8_t *owner, unsigned owner_len,
		       uint16_t type, const uint8_t *data, unsigned data_len)
{
	struct vly_working_name *name = find(set, owner, owner_len);
	int cnt = 0;

	if (!name)
		return -1;
	for (uint32_t i = 0; i < name->cnt; i++) {
		struct vly_working_record *record = &name->record[i];
		bool wanted = record->is_there &&
			      (type == 0 ? record->type != VLY_TYPE_SOA : record->type == type);
		if (!wanted || (data && !is_same(record, type, data, data_len)))
			continue;
		record->is_there = false;
		cnt++;
	}
	return cnt;
}

void
vly_working_set_keep_serial(struct vly_working_set *set)
{
	const struct vly_store_zone *zone = set->zone;
	struct vly_working_name *name;

	HASH_FIND(hh, set->by_owner, zone->apex.lower, zone->apex.len, name);
	for (uint32_t i = 0; name && i < name->cnt; i++) {
		struct vly_working_record *record = &name->record[i];
		if (record->type != VLY_TYPE_SOA || record->was_there || record->data_len < 20)
			continue;
		vly_put_be16(record->data + record->data_len - 20, zone->serial >> 16);
		vly_put_be16(record->data + record->data_len - 18, zone->serial);
	}
}

static bool
is_address(const struct vly_working_record *record)
{
	return record->type == VLY_TYPE_A || record->type == VLY_TYPE_AAAA;
}

/* The addresses of a name with an ALIAS belong to that: they go with it, and stay until it has others.
 * Returns 0; or -1 with a reason when one was set beside an ALIAS. */
static int
settle_alias(const struct vly_working_set *set, struct vly_working_name *name)
{
	char text[VLY_DOMAIN_TEXT_BYTES];
	bool had = false;
	bool has = false;

	for (uint32_t i = 0; i < name->cnt; i++)
		if (name->record[i].type == VLY_TYPE_ALIAS) {
			had |= name->record[i].was_there;
			has |= name->record[i].is_there;
		}
	for (uint32_t i = 0; (had || has) && i < name->cnt; i++) {
		struct vly_working_record *record = &name->record[i];
		if (!is_address(record))
			continue;
		if (has && record->is_there && (record->is_set || !had)) {
			snprintf(set->reason, VLY_REASON_BYTES,
				 "%.300s: ALIAS and addresses, which the ALIAS would bring",
				 vly_domain_text(name->owner, text));
			return -1;
		}
		record->is_there = has ? record->was_there : record->is_there && record->is_set;
		record->ttl = has ? record->was_ttl : record->ttl;
	}
	return 0;
}

static int
add_difference(const struct vly_working_name *name, struct vly_change *change)
{
	for (uint32_t i = 0; i < name->cnt; i++) {
		const struct vly_working_record *record = &name->record[i];
		bool same = record->is_there == record->was_there && record->ttl == record->was_ttl;
		if (same || (!record->is_there && !record->was_there))
			continue;
		if (record->was_there &&
		    vly_change_remove(change, name->owner, name->len, record->type, record->was_ttl,
				      record->data, record->data_len) != 0)
			return -1;
		if (record->is_there &&
		    vly_change_add(change, name->owner, name->len, record->type, record->ttl,
				   record->data, record->data_len) != 0)
			return -1;
	}
	return 0;
}

int
vly_working_set_change(const struct vly_working_set *set, struct vly_change *change)
{
	for (struct vly_working_name *name = set->by_owner; name; name = name->hh.next) {
		if (!set->is_exact && settle_alias(set, name) != 0)
			return -1;
		if (add_difference(name, change) != 0) {
			snprintf(set->reason, VLY_REASON_BYTES, "%s",
				 errno == EINVAL ? "a record is not valid" : strerror(errno));
			return -1;
		}
	}
	vly_change_normalise(change);
	return 0;
}

void
vly_working_set_free(struct vly_working_set *set)
{
	struct vly_working_name *name;
	struct vly_working_name *next;

	HASH_ITER(hh, set->by_owner, name, next)
	{
		HASH_DEL(set->by_owner, name);
		free_name(name);
	}
}
