/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What leads from a zone in the store to another version of it; and a zone of the store as a zone
 * file. Blocks for the disk. */
#ifndef VLY_CONTROL_ZONE_DIFFERENCE_H
#define VLY_CONTROL_ZONE_DIFFERENCE_H

#include <stdio.h>

#include "change/change.h"
#include "zone_store.h"

struct vly_zone;

enum vly_zone_difference {
	VLY_DIFFERENCE_NONE,        /* the change is empty */
	VLY_DIFFERENCE_NEWER,       /* it can be applied as it is */
	VLY_DIFFERENCE_SAME_SERIAL, /* records differ, but not the serial of the SOA */
	VLY_DIFFERENCE_OLDER, /* the serial of `file` is not larger than the store's (RFC 1982) */
};

/*
 * Finds the change (empty before) that makes the zone in the store equal to `file`, which was read
 * from a zone file: each RRset has the TTL that it is served with. The addresses of a name that has an ALIAS
 * in the file stay as they are. Takes 4 octets of memory for each
 * name of `file`, besides the change.
 *
 * In the last two cases the caller has to find a serial. With VLY_DIFFERENCE_SAME_SERIAL the SOA may
 * differ in other fields: then the change has both SOAs, with equal serials. VLY_STORE_OK with *how,
 * or a failure.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_zone_difference(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		    const struct vly_zone *file, struct vly_change *change,
		    enum vly_zone_difference *how);

/* Writes the zone as vly_zone_print() does (zone/zone_print.h), name by name, and verifies that none
 * is missing. Whether all was written, ferror() says. */
__attribute__((nonnull, warn_unused_result)) int
vly_store_print_zone(struct vly_store_txn *txn, const struct vly_store_zone *zone, FILE *out);

#endif
