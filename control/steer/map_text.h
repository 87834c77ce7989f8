/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads maps in text form. Of nested prefixes, the longest decides. Two forms:
 *   prefix region      192.0.2.0/24 eu       vly_map_text_*()
 *   prefix pool ms     192.0.2.0/24 fra 12.5 vly_map_latency_*(): measured round-trip times
 *
 * Of the second form, all lines of a prefix together make its region, whose name is the names of
 * its pools, the nearest first, with a space between them: "fra ams nyc". Pools with the same time
 * are in the order of their first lines in the file. A prefix inherits no pool from a wider one.
 *
 * Use: a zeroed list; a read or parse function; then the list is settled (region_list.h). After an
 * error it is empty. Files and texts are untrusted. No state; any thread; reading blocks for the
 * disk, and a million lines take seconds of a CPU, so not for the loop.
 */
#ifndef VLY_CONTROL_MAP_TEXT_H
#define VLY_CONTROL_MAP_TEXT_H

#include "base/reason.h"
#include "region_list.h"

/* Pools that a region may name. More of them make more regions, and so narrower scopes. */
#define VLY_MAP_POOLS_MAX 16

/* Each returns 0; or -1 with a sentence in `reason` that names the file, and in most cases the
 * line. `file` is the name for messages; pools_max is 1 .. VLY_MAP_POOLS_MAX: farther pools are not
 * in the name of a region. */
__attribute__((nonnull, warn_unused_result)) int
vly_map_text_read(const char *path, struct vly_region_list *list, char reason[VLY_REASON_BYTES]);

__attribute__((nonnull, warn_unused_result)) int vly_map_text_parse(const char *file,
								    const char *text, size_t bytes,
								    struct vly_region_list *list,
								    char reason[VLY_REASON_BYTES]);

__attribute__((nonnull, warn_unused_result)) int
vly_map_latency_read(const char *path, unsigned pools_max, struct vly_region_list *list,
		     char reason[VLY_REASON_BYTES]);

__attribute__((nonnull, warn_unused_result)) int
vly_map_latency_parse(const char *file, const char *text, size_t bytes, unsigned pools_max,
		      struct vly_region_list *list, char reason[VLY_REASON_BYTES]);

#endif
