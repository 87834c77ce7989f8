/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changes of a zone in the store (zone_store.h), and their journal. Functions return enum
 * vly_store_result; the reason of a failure is vly_store_reason().
 */
#ifndef VLY_CONTROL_STORE_CHANGE_H
#define VLY_CONTROL_STORE_CHANGE_H

#include "change/change.h"
#include "zone_store.h"

/* Where a change came from. */
enum vly_store_cause {
	VLY_STORE_BY_FILE = 1,     /* the zone's file has changed */
	VLY_STORE_BY_OPERATOR = 2, /* volleyctl */
	VLY_STORE_BY_KEY = 3,      /* dynamic update; `who` is the key's name */
	VLY_STORE_BY_TRANSFER = 4,
	VLY_STORE_BY_SIGNER = 5,
	VLY_STORE_BY_ALIAS =
		6, /* the addresses of an ALIAS; does not count as a change of the zone */
};

#define VLY_STORE_WHO_BYTES 256

/*
 * Changes a zone, in a writing transaction: removes and adds the records, updates the reverse index,
 * appends to the journal, and sets serial and version in the store and in *zone. Removes up to 64
 * journal entries that are too many or too old. A change whose journal entry alone would be too
 * large is made, and the journal begins anew behind it.
 *
 * `who`: at most VLY_STORE_WHO_BYTES - 1 octets count; "" for nobody.
 *
 * VLY_STORE_REFUSED: a record that is removed is not there with this TTL; one that is added is
 * there; an RRset would have two TTLs (but RRSIG); an owner is not in the zone; change->from is not
 * the zone's serial; change->to is not larger (RFC 1982); the SOA with change->to is not what
 * remains at the apex; a name would have more than 16 MiB of records. The reason shows the record.
 * The transaction has to be aborted then.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_store_apply(struct vly_store_txn *txn, struct vly_store_zone *zone, struct vly_change *change,
		enum vly_store_cause cause, const char *who);

/* An entry of the journal. */
struct vly_store_entry {
	uint64_t version; /* that the change made */
	int64_t time_s;   /* since 1970 */
	enum vly_store_cause cause;
	char who[VLY_STORE_WHO_BYTES];
	struct vly_change_head head;
	const uint8_t *octets; /* for vly_change_decode(); hold as long as the transaction */
	size_t bytes;
};

/*
 * Calls fn for the entries behind `version` (so, for those that lead from `version` to the present
 * one), the oldest first, until it returns false. VLY_STORE_NONE: the journal does not reach back to
 * `version`, or there is no such version; 0 is wherever the journal begins.
 */
__attribute__((nonnull(1, 2, 4), warn_unused_result)) int
vly_store_journal(struct vly_store_txn *txn, const struct vly_store_zone *zone, uint64_t version,
		  bool (*fn)(void *arg, const struct vly_store_entry *entry), void *arg);

/* The version that had this serial: the present one, or the newest that a change in the journal
 * began at. VLY_STORE_NONE: there is none. */
__attribute__((nonnull, warn_unused_result)) int
vly_store_find_serial(struct vly_store_txn *txn, const struct vly_store_zone *zone, uint32_t serial,
		      uint64_t *version);

#endif
