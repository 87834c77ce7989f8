/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes of a living zone that come from its file. For the manager alone. */
#ifndef VLY_CONTROL_LIVING_FILE_H
#define VLY_CONTROL_LIVING_FILE_H

#include "living_load.h"
#include "zone/zone.h"

/*
 * Reads and checks a zone's file. Returns 0 with *tree, the caller's to free, and *facts; or -1 with an
 * error in the report. Any thread; blocks for the disk.
 */
__attribute__((nonnull(1, 2, 3, 5, 6), warn_unused_result)) int
vly_living_read_file(struct vly_zone *tree, const struct vly_hash_key *key,
		     const struct vly_living_source *source, struct vly_load_progress *progress,
		     struct vly_zone_report *report, struct vly_dnssec_facts *facts);

/* The `prepare` for a file that was read: the difference between the store and the file. A zone that has
 * changed otherwise than by its file refuses it. *is_origin: the zone is as the file then, so that the
 * file's stamp may be noted. */
__attribute__((nonnull, warn_unused_result)) enum vly_living_prepared
vly_living_prepare_file(const struct vly_zone *tree, struct vly_store_txn *txn,
			const struct vly_store_zone *zone, struct vly_change *change,
			bool *is_origin, char reason[VLY_REASON_BYTES]);

#endif
