/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looks into the store for ALIAS records: which ones zones have, and what a name of a zone has. In a reading
 * transaction; blocks for the disk; any thread.
 */
#ifndef VLY_CONTROL_ALIAS_LOOK_H
#define VLY_CONTROL_ALIAS_LOOK_H

#include "alias_set.h"
#include "store/zone_store.h"

/* An ALIAS record as the store has it. */
struct vly_alias_record {
	uint8_t owner_len;
	uint8_t target_len;
	uint8_t owner[VLY_NAME_BYTES_MAX];  /* in lower case */
	uint8_t target[VLY_NAME_BYTES_MAX]; /* the same */
	uint32_t ttl;
	uint32_t address_ttl;                         /* of the addresses; 0: it has none */
	struct vly_alias_set set[VLY_ALIAS_FAMILIES]; /* its addresses */
};

/* Calls fn for each ALIAS of a zone, until it returns false. VLY_STORE_OK, VLY_STORE_STOPPED or a
 * failure. */
__attribute__((nonnull(1, 2, 3), warn_unused_result)) int
vly_alias_list(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	       bool (*fn)(void *arg, const struct vly_alias_record *record), void *arg);

/* Reads the ALIAS of an owner, and its addresses. VLY_STORE_OK; VLY_STORE_NONE: it has no ALIAS, but *record has
 * its addresses if it exists; or a failure. */
__attribute__((nonnull, warn_unused_result)) int vly_alias_read(struct vly_store_txn *txn,
								const struct vly_store_zone *zone,
								const struct vly_name *owner,
								struct vly_alias_record *record);

/* What a target in a zone of ours is. */
enum vly_alias_hop_kind {
	VLY_ALIAS_HOP_FOUND, /* it exists, and its addresses are in the sets, which may be empty */
	VLY_ALIAS_HOP_NO_NAME,   /* it does not exist */
	VLY_ALIAS_HOP_CNAME,     /* it leads to `next` */
	VLY_ALIAS_HOP_DELEGATED, /* it is below a delegation: others know it */
	VLY_ALIAS_HOP_DNAME,     /* it is below a DNAME */
	VLY_ALIAS_HOP_FAILED,    /* with a reason */
};

struct vly_alias_hop {
	enum vly_alias_hop_kind kind;
	uint8_t next_len;
	uint8_t next[VLY_NAME_BYTES_MAX];
	uint8_t alias_len;                 /* FOUND: 0, or the addresses are those of an ALIAS, */
	uint8_t alias[VLY_NAME_BYTES_MAX]; /* which has this owner */
	struct vly_alias_set set[VLY_ALIAS_FAMILIES];
	char reason[VLY_REASON_BYTES];
};

/* Looks up a name at or below the apex of a zone, as a query would, wildcards included. */
__attribute__((nonnull)) void vly_alias_hop(struct vly_store_txn *txn,
					    const struct vly_store_zone *zone,
					    const struct vly_name *name, struct vly_alias_hop *hop);

/* Scans a sound name in wire form. */
__attribute__((nonnull)) void vly_alias_scan(const uint8_t *wire, unsigned len,
					     struct vly_name *name);

#endif
