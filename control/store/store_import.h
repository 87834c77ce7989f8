/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For store_import.c and store_import_reverse.c: a zone on its way into the store. */
#ifndef VLY_CONTROL_STORE_IMPORT_H
#define VLY_CONTROL_STORE_IMPORT_H

#include "store_names.h"
#include "zone/rrset.h"
#include "zone_store_parts.h"

/* A record that refers to a name of the zone. */
struct vly_store_link {
	uint64_t head;        /* the first octets of the target's key, as a number */
	vly_arena_ref record; /* of the zone */
	uint32_t place;       /* of the owner, in order[] */
};

struct vly_store_import {
	struct vly_zone_store *store;
	const struct vly_zone *zone;
	uint32_t *order; /* its nodes in canonical order */
	uint32_t order_cnt;
	struct vly_store_txn *txn;        /* NULL: none, after a failure */
	bool is_inside;                   /* one transaction, the caller's */
	const _Atomic bool *is_cancelled; /* or NULL */
	uint64_t batch_bytes;
	struct vly_store_zone state;
	struct vly_rrsets rrsets;
	struct vly_store_buffer buffer;
	const struct vly_zone_record **sorted;
	unsigned sorted_max;
	struct vly_name name;
	struct vly_store_link *link;
	uint64_t link_cnt;
	uint64_t link_max;
	char reason[VLY_TROUBLE_BYTES];
};

/* Before a value is written: begins another transaction if this one is large. */
__attribute__((nonnull, warn_unused_result)) int
vly_store_import_room(struct vly_store_import *import, size_t bytes);

/* Ends the transaction, for work that takes long, and begins another one; not inside the caller's. */
__attribute__((nonnull, warn_unused_result)) int
vly_store_import_pause(struct vly_store_import *import);
__attribute__((nonnull, warn_unused_result)) int
vly_store_import_resume(struct vly_store_import *import);

/* Writes a value behind all others (MDB_APPEND or MDB_APPENDDUP), or else in its place. */
__attribute__((nonnull, warn_unused_result)) int
vly_store_import_append(struct vly_store_import *import, enum vly_store_table table, MDB_val *key,
			MDB_val *value, unsigned flag);

/* The name of a node, scanned. */
__attribute__((nonnull)) void vly_store_import_name(const struct vly_store_import *import,
						    uint32_t node_idx, struct vly_name *name);

/* Notes a record of the node order[place] for the reverse index. False: no memory. */
__attribute__((nonnull, warn_unused_result)) bool
vly_store_import_note(struct vly_store_import *import, uint32_t place,
		      const struct vly_zone_record *record);

/* Writes what was noted. */
__attribute__((nonnull, warn_unused_result)) int
vly_store_import_reverse(struct vly_store_import *import);

#endif
