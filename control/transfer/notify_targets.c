/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "notify_targets.h"

#include <stdio.h>
#include <string.h>

#include "store/store_names.h"
#include "zone/rdata.h"

static void
add_address(struct vly_notify_host *host, const struct vly_store_record *record)
{
	uint8_t *to = host->address[host->address_cnt];

	if (host->address_cnt == VLY_NOTIFY_ADDRESSES_MAX)
		return;
	if (record->type == VLY_TYPE_A && record->data_len == 4) {
		memcpy(to, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
		memcpy(to + 12, record->data, 4);
		host->address_cnt++;
	} else if (record->type == VLY_TYPE_AAAA && record->data_len == 16) {
		memcpy(to, record->data, 16);
		host->address_cnt++;
	}
}

static void
read_addresses(struct vly_notify_host *host, struct vly_store_txn *txn,
	       const struct vly_store_zone *zone, const struct vly_name *name)
{
	struct vly_store_records records;
	struct vly_store_record record;

	if (vly_store_get(txn, zone, name, &records) != VLY_STORE_OK)
		return;
	while (vly_store_next_record(&records, &record))
		add_address(host, &record);
}

/* Looks for the zones of the store that the name may be in, the closest first: below a cut the parent
 * has glue. */
static void
find_addresses(struct vly_notify_host *host, struct vly_store_txn *txn, const struct vly_name *name)
{
	for (unsigned i = 0; i <= name->label_cnt && host->address_cnt == 0; i++) {
		struct vly_store_zone zone;
		struct vly_name apex;
		if (vly_name_scan(&apex, name->lower + name->start[i],
				  vly_name_suffix_len(name, i)) != 0 &&
		    vly_store_find_zone(txn, &apex, &zone) == VLY_STORE_OK)
			read_addresses(host, txn, &zone, name);
	}
}

static void
read_host(struct vly_notify_facts *facts, struct vly_store_txn *txn,
	  const struct vly_store_record *record)
{
	struct vly_notify_host *host = &facts->host[facts->host_cnt];
	struct vly_name name;
	struct vly_name primary;

	if (facts->host_cnt == VLY_NOTIFY_HOSTS_MAX ||
	    !vly_rdata_scan_name(&name, record->data, record->data_len) ||
	    !vly_rdata_scan_name(&primary, facts->soa, facts->soa_len) ||
	    (name.len == primary.len && memcmp(name.lower, primary.lower, name.len) == 0))
		return;
	host->address_cnt = 0;
	memcpy(host->name, name.lower, name.len);
	find_addresses(host, txn, &name);
	if (host->address_cnt > 0)
		facts->host_cnt++;
}

int
vly_notify_facts_read(struct vly_notify_facts *facts, bool with_hosts, struct vly_store_txn *txn,
		      const struct vly_store_zone *zone, char reason[VLY_REASON_BYTES])
{
	struct vly_change_record soa;
	struct vly_store_records records;
	struct vly_store_record record;

	facts->host_cnt = 0;
	if (vly_store_soa(txn, zone, &soa) != VLY_STORE_OK || soa.data_len > sizeof(facts->soa) ||
	    vly_store_get(txn, zone, &zone->apex, &records) != VLY_STORE_OK) {
		snprintf(reason, VLY_REASON_BYTES, "%s", vly_store_reason(txn));
		return -1;
	}
	facts->serial = zone->serial;
	facts->soa_ttl = soa.ttl;
	facts->soa_len = soa.data_len;
	memcpy(facts->soa, soa.data, soa.data_len);
	while (with_hosts && vly_store_next_record(&records, &record))
		if (record.type == VLY_TYPE_NS)
			read_host(facts, txn, &record);
	return 0;
}
