/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The names of a zone that a change touches, as they are and as they are to be. Each step sees what the
 * steps before it have done; at the end the difference is the change.
 *
 * Use, inside a transaction: vly_working_set_init(); steps; vly_working_set_change();
 * vly_working_set_free(). Owners are in lower case, in wire form, and at or below the apex. Blocks for
 * the store.
 */
#ifndef VLY_CONTROL_WORKING_SET_H
#define VLY_CONTROL_WORKING_SET_H

#include <uthash.h>

#include "base/reason.h"
#include "store/store_change.h"

struct vly_working_record {
	uint32_t ttl;
	uint16_t type;
	uint16_t data_len;
	bool was_there; /* in the store, with was_ttl */
	bool is_there;
	bool is_set; /* by vly_working_set_add() */
	uint32_t was_ttl;
	uint8_t *data; /* owned */
};

struct vly_working_name {
	struct vly_working_record *record;
	uint32_t cnt;
	uint32_t size;
	uint8_t len;
	UT_hash_handle hh;
	uint8_t owner[VLY_NAME_BYTES_MAX];
};

struct vly_working_set {
	struct vly_store_txn *txn;
	const struct vly_store_zone *zone;
	struct vly_working_name *by_owner;
	bool is_exact; /* the change is what the steps say; otherwise addresses follow their ALIAS */
	char *reason;  /* [VLY_REASON_BYTES] */
};

/* `reason` gets a sentence about each failure. */
__attribute__((nonnull)) void vly_working_set_init(struct vly_working_set *set,
						   struct vly_store_txn *txn,
						   const struct vly_store_zone *zone,
						   char reason[VLY_REASON_BYTES]);

/* Adds a record, in place of another one where there can be only one (SOA, CNAME, DNAME, ALIAS). Its RRset gets
 * the TTL; NULL: it keeps its own, or gets that of the SOA. Returns 0, or -1 with a reason. */
__attribute__((nonnull(1, 2, 6), warn_unused_result)) int
vly_working_set_add(struct vly_working_set *set, const uint8_t *owner, unsigned owner_len,
		    uint16_t type, const uint32_t *ttl, const uint8_t *data, unsigned data_len);

/* Removes all records of a name (type 0), those of a type (data NULL), or one. Returns how many there
 * were, or -1 with a reason. The SOA is removed by its type alone. */
__attribute__((nonnull(1, 2), warn_unused_result)) int
vly_working_set_remove(struct vly_working_set *set, const uint8_t *owner, unsigned owner_len,
		       uint16_t type, const uint8_t *data, unsigned data_len);

/* Gives the SOA the serial that it has in the store, so that one which differs in nothing else is no
 * change. */
__attribute__((nonnull)) void vly_working_set_keep_serial(struct vly_working_set *set);

/* Puts what has changed into `change` (empty). Returns 0, or -1 with a reason. */
__attribute__((nonnull, warn_unused_result)) int
vly_working_set_change(const struct vly_working_set *set, struct vly_change *change);

__attribute__((nonnull)) void vly_working_set_free(struct vly_working_set *set);

#endif
