/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "living_signed.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "store/store_names.h"
#include "zone/domain.h"
#include "zone/rr_type.h"

/* Records that only a signer makes. */
static bool
is_signers(uint16_t type)
{
	return type == VLY_TYPE_RRSIG || type == VLY_TYPE_NSEC || type == VLY_TYPE_NSEC3 ||
	       type == VLY_TYPE_NSEC3PARAM;
}

int
vly_signed_look(struct vly_store_txn *txn, const struct vly_store_zone *zone, bool *is_signed,
		char *reason, size_t bytes)
{
	struct vly_store_records records;
	struct vly_store_record record;
	int result = vly_store_get(txn, zone, &zone->apex, &records);

	*is_signed = false;
	if (result < 0) {
		snprintf(reason, bytes, "%s", vly_store_reason(txn));
		return result;
	}
	while (result == VLY_STORE_OK && !*is_signed && vly_store_next_record(&records, &record))
		*is_signed = is_signers(record.type);
	return VLY_STORE_OK;
}

int
vly_signed_check_before(struct vly_store_txn *txn, const struct vly_store_zone *zone,
			const struct vly_change *change, enum vly_store_cause cause, char *reason,
			size_t bytes)
{
	char name[VLY_DOMAIN_TEXT_BYTES];
	bool is_signed;

	if (cause != VLY_STORE_BY_OPERATOR && cause != VLY_STORE_BY_KEY)
		return VLY_STORE_OK;
	int result = vly_signed_look(txn, zone, &is_signed, reason, bytes);
	if (result != VLY_STORE_OK)
		return result;
	if (is_signed) {
		snprintf(reason, bytes,
			 "the zone is signed, and its signatures would not fit: change it where it "
			 "is signed, then reload its file");
		return VLY_STORE_REFUSED;
	}
	for (size_t i = 0; i < change->added.cnt; i++) {
		if (!is_signers(change->added.record[i].type))
			continue;
		snprintf(reason, bytes,
			 "%.300s: RRSIG, NSEC, NSEC3 and NSEC3PARAM records are taken only from "
			 "the file of a signed zone, or from a transfer",
			 vly_domain_text(change->added.record[i].owner, name));
		return VLY_STORE_REFUSED;
	}
	return VLY_STORE_OK;
}

int
vly_signed_check_serial(struct vly_store_txn *txn, const struct vly_store_zone *zone, char *reason,
			size_t bytes)
{
	bool is_signed;
	int result = vly_signed_look(txn, zone, &is_signed, reason, bytes);

	if (result != VLY_STORE_OK || !is_signed)
		return result;
	snprintf(reason, bytes,
		 "the zone is signed, and has changed, but its serial is not larger: sign it again "
		 "with a larger serial");
	return VLY_STORE_REFUSED;
}

void
vly_living_signatures(const struct vly_zone *tree, unsigned thread_max,
		      struct vly_dnssec_facts *facts)
{
	const struct vly_dnssec_settings settings = {
		.now_s = (uint64_t)time(NULL),
		.verify = VLY_DNSSEC_VERIFY_NONE,
		.thread_max = thread_max > 0 ? thread_max : 1,
	};
	struct vly_zone_report report;

	vly_zone_report_defaults(&report);
	memset(report.severity, VLY_ZONE_IGNORE, sizeof(report.severity));
	vly_dnssec_check(tree, &settings, &report, facts);
}
