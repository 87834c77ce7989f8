/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zone files (RFC 1035 §5), read with libzscanner. */
#ifndef VLY_CONTROL_ZONE_FILE_H
#define VLY_CONTROL_ZONE_FILE_H

#include "zone.h"
#include "zone_info.h"
#include "zone_report.h"

/*
 * Reads zone `name` (presentation form) from the file `path` and all that it includes. `progress`
 * may be NULL. Reports what is wrong. Returns 0 with *zone the caller's to free, and errors or none
 * in the report; or -1 with an error that leaves no zone.
 */
__attribute__((nonnull(1, 2, 3, 4, 6), warn_unused_result)) int
vly_zone_read_file(struct vly_zone *zone, const struct vly_hash_key *key, const char *name,
		   const char *path, struct vly_load_progress *progress,
		   struct vly_zone_report *report);

#endif
