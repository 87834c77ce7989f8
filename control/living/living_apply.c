/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <volley/octets.h>

#include "living_parts.h"
#include "living_signed.h"
#include "store/store_names.h"
#include "zone/domain.h"
#include "zone/rdata.h"

static int
refuse(char *reason, size_t bytes, const uint8_t *owner, const char *text)
{
	char name[VLY_DOMAIN_TEXT_BYTES];

	snprintf(reason, bytes, "%.300s: %s", vly_domain_text(owner, name), text);
	return VLY_STORE_REFUSED;
}

static int
fail_store(struct vly_store_txn *txn, int result, char *reason, size_t bytes)
{
	snprintf(reason, bytes, "%s", vly_store_reason(txn));
	return result;
}

static bool
brings_serial(const struct vly_store_zone *zone, const struct vly_change *change)
{
	const struct vly_change_record *added = vly_change_list_soa(&change->added);

	return added && vly_change_soa_serial(added) != zone->serial;
}

/* Sets the SOA and the serials of a change that has none, or has an SOA with the present serial. */
static int
complete(struct vly_store_txn *txn, const struct vly_store_zone *zone, struct vly_change *change,
	 enum vly_config_serial policy, char *reason, size_t bytes)
{
	const struct vly_change_record *added = vly_change_list_soa(&change->added);
	uint32_t next = vly_serial_next(policy, zone->serial, (int64_t)time(NULL));
	struct vly_change_record soa;

	if (added && vly_change_soa_serial(added) != zone->serial) {
		change->from = zone->serial;
		change->to = vly_change_soa_serial(added);
		if (!vly_serial_is_larger(change->to, change->from))
			return refuse(reason, bytes, added->owner,
				      "the serial of the SOA must not go back");
		return VLY_STORE_OK;
	}
	if (added) {
		change->from = zone->serial;
		change->to = next;
		uint8_t *serial = (uint8_t *)(uintptr_t)added->data + added->data_len - 20;
		vly_put_be16(serial, next >> 16);
		vly_put_be16(serial + 2, next);
		return VLY_STORE_OK;
	}
	int result = vly_store_soa(txn, zone, &soa);
	if (result != VLY_STORE_OK)
		return fail_store(txn, result, reason, bytes);
	if (vly_change_list_soa(&change->removed))
		return refuse(reason, bytes, soa.owner,
			      "the SOA record of a zone can't be removed");
	if (vly_change_set_soa(change, &soa, next) < 0) {
		snprintf(reason, bytes, "%s", strerror(errno));
		return VLY_STORE_MEMORY;
	}
	return VLY_STORE_OK;
}

/* What a name has, as far as the rules are about it. */
struct counts {
	unsigned cname_cnt;
	unsigned dname_cnt;
	unsigned soa_cnt;
	unsigned alias_cnt;
	unsigned ns_cnt;
	unsigned other_cnt;
};

static void
count(struct vly_store_records records, struct counts *counts)
{
	struct vly_store_record record;

	while (vly_store_next_record(&records, &record)) {
		counts->cname_cnt += record.type == VLY_TYPE_CNAME;
		counts->dname_cnt += record.type == VLY_TYPE_DNAME;
		counts->soa_cnt += record.type == VLY_TYPE_SOA;
		counts->alias_cnt += record.type == VLY_TYPE_ALIAS;
		counts->ns_cnt += record.type == VLY_TYPE_NS;
		counts->other_cnt += record.type != VLY_TYPE_CNAME &&
				     record.type != VLY_TYPE_RRSIG && record.type != VLY_TYPE_NSEC;
	}
}

/* NULL, or why a name may not have its ALIAS. Its addresses are the business of the ALIAS: what comes from
 * people and files has been made to fit (working_set.c, zone_difference.c), but not what clients send. */
static const char *
alias_fault(const struct counts *counts, bool is_apex, enum vly_store_cause cause,
	    const struct vly_change_record *record)
{
	if (counts->alias_cnt == 0)
		return NULL;
	if (counts->alias_cnt > 1)
		return "more than one ALIAS record";
	if (counts->ns_cnt > 0 && !is_apex)
		return "ALIAS at a delegation";
	if (cause == VLY_STORE_BY_KEY &&
	    (record->type == VLY_TYPE_A || record->type == VLY_TYPE_AAAA))
		return "its addresses are those of its ALIAS, and can't be changed";
	return NULL;
}

/* RFC 1034 §3.6.2, RFC 2181 §10.1, RFC 4034 §2.5, RFC 6672 §2.4; as zone_check.c has it for files. */
static int
check_name(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	   const struct vly_change_record *record, enum vly_store_cause cause, char *reason,
	   size_t bytes)
{
	struct vly_store_records records;
	struct counts counts = {0};
	struct vly_name name;

	if (!vly_rdata_scan_name(&name, record->owner, record->owner_len))
		return refuse(reason, bytes, record->owner, "malformed name");
	int result = vly_store_get(txn, zone, &name, &records);
	if (result < 0)
		return fail_store(txn, result, reason, bytes);
	if (result == VLY_STORE_OK)
		count(records, &counts);
	bool is_apex = name.len == zone->apex.len;
	const char *fault = alias_fault(&counts, is_apex, cause, record);
	if (fault)
		return refuse(reason, bytes, record->owner, fault);
	if (counts.cname_cnt > 1)
		return refuse(reason, bytes, record->owner, "more than one CNAME record");
	if (counts.cname_cnt == 1 && counts.other_cnt > 0)
		return refuse(reason, bytes, record->owner, "CNAME and other data");
	if (counts.dname_cnt > 1)
		return refuse(reason, bytes, record->owner, "more than one DNAME record");
	if (counts.soa_cnt != (is_apex ? 1 : 0))
		return refuse(reason, bytes, record->owner,
			      is_apex ? "a zone must have one SOA record at its apex"
				      : "SOA record below the apex");
	return VLY_STORE_OK;
}

/* The first AAAA of a name, or the first A, has a rule of its own. */
static bool
is_new_address(const struct vly_change_record *record)
{
	return (record->type == VLY_TYPE_A || record->type == VLY_TYPE_AAAA) &&
	       record[-1].type != record->type;
}

/* The change is sorted by now, so that records of one name follow each other. */
static int
check_names(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	    const struct vly_change_list *list, enum vly_store_cause cause, char *reason,
	    size_t bytes)
{
	int result = VLY_STORE_OK;

	for (size_t i = 0; i < list->cnt && result == VLY_STORE_OK; i++) {
		const struct vly_change_record *record = &list->record[i];
		if (i > 0 && record->owner_len == record[-1].owner_len &&
		    memcmp(record->owner, record[-1].owner, record->owner_len) == 0 &&
		    !is_new_address(record))
			continue;
		result = check_name(txn, zone, record, cause, reason, bytes);
	}
	return result;
}

int
vly_living_apply(struct vly_store_txn *txn, struct vly_store_zone *zone, struct vly_change *change,
		 enum vly_config_serial policy, enum vly_store_cause cause, const char *who,
		 char *reason, size_t reason_bytes)
{
	const bool has_serial = brings_serial(zone, change);
	int result = vly_signed_check_before(txn, zone, change, cause, reason, reason_bytes);

	if (result == VLY_STORE_OK)
		result = complete(txn, zone, change, policy, reason, reason_bytes);
	if (result != VLY_STORE_OK)
		return result;
	result = vly_store_apply(txn, zone, change, cause, who);
	if (result != VLY_STORE_OK)
		return fail_store(txn, result, reason, reason_bytes);
	if (!has_serial)
		result = vly_signed_check_serial(txn, zone, reason, reason_bytes);
	if (result == VLY_STORE_OK)
		result = check_names(txn, zone, &change->added, cause, reason, reason_bytes);
	return result == VLY_STORE_OK
		       ? check_names(txn, zone, &change->removed, cause, reason, reason_bytes)
		       : result;
}
