/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "living_file.h"

#include <stdio.h>
#include <string.h>

#include <volley/octets.h>

#include "store/zone_difference.h"
#include "zone/zone_check.h"
#include "zone/zone_file.h"

int
vly_living_read_file(struct vly_zone *tree, const struct vly_hash_key *key,
		     const struct vly_living_source *source, struct vly_load_progress *progress,
		     struct vly_zone_report *report, struct vly_dnssec_facts *facts)
{
	struct vly_zone_scanner scanner = {0};

	report->takes_alias = true;
	int result = vly_zone_read_file(tree, &scanner, key, source->name, source->file, progress,
					report);

	vly_zone_scanner_free(&scanner);
	if (result != 0)
		return -1;
	vly_zone_check(tree, report);
	if (report->error_cnt == 0)
		vly_dnssec_check(tree, &source->dnssec, report, facts);
	if (report->error_cnt == 0)
		return 0;
	vly_zone_free(tree);
	return -1;
}

/* Gives the file's SOA the zone's serial, which the policy then follows. */
static void
take_serial(struct vly_change *change, uint32_t serial)
{
	const struct vly_change_record *soa = vly_change_list_soa(&change->added);

	if (!soa)
		return;
	uint8_t *at = (uint8_t *)(uintptr_t)soa->data + soa->data_len - 20;
	vly_put_be16(at, serial >> 16);
	vly_put_be16(at + 2, serial);
	change->is_normal = false;
	vly_change_normalise(change);
}

/* The file had only just been written when it was read, so that its stamp proves nothing (file_stamp.h);
 * but as far as can be seen it has not changed since. */
static bool
looks_unchanged(const struct vly_file_stamp *origin, const struct vly_file_stamp *stamp)
{
	return origin->inode == 0 && origin->bytes == stamp->bytes &&
	       origin->mtime_ns == stamp->mtime_ns && origin->ctime_ns == stamp->ctime_ns;
}

enum vly_living_prepared
vly_living_prepare_file(const struct vly_zone *tree, struct vly_store_txn *txn,
			const struct vly_store_zone *zone, struct vly_change *change,
			bool *is_origin, char reason[VLY_REASON_BYTES])
{
	enum vly_zone_difference how;

	*is_origin = true;
	if (vly_zone_difference(txn, zone, tree, change, &how) != VLY_STORE_OK) {
		snprintf(reason, VLY_REASON_BYTES, "%s", vly_store_reason(txn));
		return VLY_LIVING_REFUSE;
	}
	if (how == VLY_DIFFERENCE_OLDER)
		take_serial(change, zone->serial);
	if (how == VLY_DIFFERENCE_NONE || vly_change_is_empty(change))
		return VLY_LIVING_NO_CHANGE;
	if (zone->other_version <= zone->origin_version)
		return VLY_LIVING_CHANGE;
	*is_origin = false;
	if (looks_unchanged(&zone->origin, &tree->stamp[0]))
		return VLY_LIVING_NO_CHANGE;
	snprintf(reason, VLY_REASON_BYTES,
		 "the file has changed, and so has the zone, by updates or by volleyctl: the zone "
		 "stays as it is; to keep its state: volleyctl zone export, then volleyctl reload; "
		 "to "
		 "change it: volleyctl zone edit");
	return VLY_LIVING_REFUSE;
}
