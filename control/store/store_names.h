/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names and records of a zone in the store (zone_store.h), inside a transaction. In a writing one,
 * all that was changed in it before is seen.
 *
 * Names that are passed in are scanned (vly_name_scan()), and at or below the zone's apex. What
 * functions yield points into the store: it holds until the next write in the transaction, or its
 * end. Functions return enum vly_store_result; the reason of a failure is vly_store_reason().
 */
#ifndef VLY_CONTROL_STORE_NAMES_H
#define VLY_CONTROL_STORE_NAMES_H

#include "change/change.h"
#include "zone_store.h"

/* All records of a name, by type, then in canonical order. They have been checked: none of what
 * follows can fail. */
struct vly_store_records {
	const uint8_t *at; /* the next one */
	const uint8_t *end;
};

struct vly_store_record {
	uint32_t ttl; /* the same in the whole RRset */
	uint16_t type;
	uint16_t data_len;
	const uint8_t *data; /* RDATA, uncompressed; sound (vly_rdata_is_sound()) */
};

/* Takes the next record; false at the end. Copy the struct to begin again. */
__attribute__((nonnull)) bool vly_store_next_record(struct vly_store_records *records,
						    struct vly_store_record *record);

/* The records of a name. VLY_STORE_NONE: it owns none, but may be an empty non-terminal. */
__attribute__((nonnull, warn_unused_result)) int vly_store_get(struct vly_store_txn *txn,
							       const struct vly_store_zone *zone,
							       const struct vly_name *name,
							       struct vly_store_records *records);

/* The zone's SOA, as vly_change_set_soa() takes it; its owner points into `zone`. */
__attribute__((nonnull, warn_unused_result)) int vly_store_soa(struct vly_store_txn *txn,
							       const struct vly_store_zone *zone,
							       struct vly_change_record *soa);

/* Whether a name exists: it owns records, or a name below it does. VLY_STORE_OK or VLY_STORE_NONE. */
__attribute__((nonnull, warn_unused_result)) int vly_store_exists(struct vly_store_txn *txn,
								  const struct vly_store_zone *zone,
								  const struct vly_name *name);

/*
 * The first name behind `name` in canonical order that owns records; `name` need not exist.
 * VLY_STORE_NONE: there is none. With skip_below, names below `name` are passed over, so that the
 * children of a name can be found without their descendants. `next` is scanned, not hashed; it may
 * be `name`. Empty non-terminals are not found: they are the ancestors of what is.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_store_next(struct vly_store_txn *txn, const struct vly_store_zone *zone,
	       const struct vly_name *name, bool skip_below, struct vly_name *next);

/*
 * Calls fn for each name at and below `top` that owns records, in canonical order, until it returns
 * false. fn must not write. `name` is scanned, not hashed. VLY_STORE_OK, VLY_STORE_STOPPED, or a
 * failure.
 */
__attribute__((nonnull(1, 2, 3, 4), warn_unused_result)) int vly_store_walk(
	struct vly_store_txn *txn, const struct vly_store_zone *zone, const struct vly_name *top,
	bool (*fn)(void *arg, const struct vly_name *name, const struct vly_store_records *records),
	void *arg);

/* How a record refers to a name (vly_rdata_target()). */
enum vly_store_kind {
	VLY_STORE_DNAME = 1,
	VLY_STORE_CNAME = 2,
	VLY_STORE_HOST = 4,  /* all other types */
	VLY_STORE_ALIAS = 8, /* all ALIAS records of the zone, as if they referred to its apex */
};

/* Calls fn for each owner of a record that refers to `target` in one of `kinds` (or'ed), until it
 * returns false; once for each kind, in canonical order. The target need not exist. fn must not
 * write; `owner` is scanned, not hashed. The cost is that of these kinds. */
__attribute__((nonnull(1, 2, 3, 5), warn_unused_result)) int
vly_store_dependents(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		     const struct vly_name *target, unsigned kinds,
		     bool (*fn)(void *arg, const struct vly_name *owner), void *arg);

/* As vly_store_next(), among the names that records refer to, whether they exist or not. */
__attribute__((nonnull, warn_unused_result)) int
vly_store_next_target(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		      const struct vly_name *name, bool skip_below, struct vly_name *next);

struct vly_zone;

/*
 * The whole zone as the compiler takes it; its file is the store's. Verifies that no name is missing:
 * the zone's digest and counts. VLY_STORE_OK with *out the caller's to free, or a failure.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_store_load_zone(struct vly_store_txn *txn, const struct vly_store_zone *zone,
		    const struct vly_hash_key *key, struct vly_zone *out);

#endif
