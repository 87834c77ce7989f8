/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zone files (RFC 1035 §5), read in the two ways of zone_scan.h. */
#ifndef VLY_CONTROL_ZONE_FILE_H
#define VLY_CONTROL_ZONE_FILE_H

#include "zone.h"
#include "zone_info.h"
#include "zone_report.h"
#include "zone_scanner.h"

/*
 * Reads zone `name` (presentation form) from the file `path` (untrusted) and its included files,
 * with the scanner. `progress` may be NULL. Findings go to the report. Returns 0 with
 * *zone, the caller's to free, even if the report has errors; or -1 with an error and no zone.
 * Blocks for the disk: for the thread pool.
 */
__attribute__((nonnull(1, 2, 3, 4, 5, 7), warn_unused_result)) int
vly_zone_read_file(struct vly_zone *zone, struct vly_zone_scanner *scanner,
		   const struct vly_hash_key *key, const char *name, const char *path,
		   struct vly_load_progress *progress, struct vly_zone_report *report);

#endif
