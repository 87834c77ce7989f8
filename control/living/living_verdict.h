/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A verdict (zone/zone_verdict.h) on a signed zone in the store after a change. It takes time in
 * proportion to the change: the signatures of the changed names and of the apex are verified. Of a small
 * zone, or one whose keys or half of whose records have changed, the whole is checked, its chain of
 * NSEC or NSEC3 and ZONEMD included.
 *
 * Use: from vly_living_request.check.
 */
#ifndef VLY_CONTROL_LIVING_VERDICT_H
#define VLY_CONTROL_LIVING_VERDICT_H

#include "store/store_change.h"
#include "zone/zone_verdict.h"

/* `change` is normalised, and made in `txn`. VLY_STORE_OK, or a failure of the store. Blocks for the
 * disk. */
__attribute__((nonnull, warn_unused_result)) int
vly_living_verdict(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		   const struct vly_change *change, const struct vly_hash_key *key,
		   const struct vly_dnssec_settings *settings, struct vly_zone_verdict *verdict);

#endif
