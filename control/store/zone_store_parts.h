/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of the store of zones, for its own files alone. Five tables of LMDB; numbers in network
 * order, so that they sort:
 *
 *     meta      text               numbers of the store as a whole; zones to be cleaned away
 *     zones     1, order key       the state of a zone (store_zones.c)
 *     records   id, order key      the records of a name (store_records.h)
 *     reverse   id, order key of a target, 0, kind -> order keys of owners, several
 *               (store_reverse.c)
 *     journal   id, u64 version    an entry (store_journal.c)
 *
 * An order key (volley/order_key.h) is that of the labels below the apex. All values but those of
 * `reverse`, which have their own, begin with a checksum over key and value: vly_store_seal().
 */
#ifndef VLY_CONTROL_ZONE_STORE_PARTS_H
#define VLY_CONTROL_ZONE_STORE_PARTS_H

#include <limits.h>
#include <lmdb.h>
#include <stdatomic.h>

#include "store_key.h"
#include "zone_store.h"

/* Octets of a checksum before each value. A damaged value passes with a chance of 2^-32. Eight would
 * cost 40 MB for ten million names. */
#define VLY_STORE_SEAL_BYTES 4

enum vly_store_table {
	VLY_STORE_META,
	VLY_STORE_ZONES,
	VLY_STORE_RECORDS,
	VLY_STORE_REVERSE,
	VLY_STORE_JOURNAL,
	VLY_STORE_TABLE_CNT,
};

struct vly_zone_store {
	MDB_env *env;
	MDB_dbi table[VLY_STORE_TABLE_CNT];
	struct vly_zone_store_settings settings;
	bool is_read_only;
	char read_only[VLY_REASON_BYTES]; /* why */
	char path[PATH_MAX];              /* of the data file */
	int dir_fd;                       /* locked */
	_Atomic unsigned waiting_cnt;     /* threads that are about to begin to write */
};

struct vly_store_txn {
	struct vly_zone_store *store;
	MDB_txn *mdb;
	bool writes;
	int failed; /* enum vly_store_result */
	char reason[VLY_TROUBLE_BYTES];
};

/* A growing buffer. */
struct vly_store_buffer {
	uint8_t *octet;
	size_t used;
	size_t size;
};

/* Makes room for `bytes` more; false: no memory. */
__attribute__((nonnull, warn_unused_result)) bool
vly_store_buffer_reserve(struct vly_store_buffer *buffer, size_t bytes);

/* store_txn.c: waits, a short time, until no other thread waits to write; between the transactions of a
 * long piece of work. */
__attribute__((nonnull)) void vly_store_let_others(struct vly_zone_store *store);

/* store_fail.c: these note the failure in the transaction and return its code. */

/* `what`: a sentence without an end, or NULL. */
__attribute__((nonnull(1))) int vly_store_fail_mdb(struct vly_store_txn *txn, int error,
						   const char *what);
__attribute__((nonnull, format(printf, 3, 4))) int
vly_store_fail(struct vly_store_txn *txn, int result, const char *format, ...);

/* Something of the zone (NULL: of the store) is damaged, `name` (scanned) or NULL. */
__attribute__((nonnull(1, 4))) int vly_store_fail_damaged(struct vly_store_txn *txn,
							  const struct vly_store_zone *zone,
							  const struct vly_name *name,
							  const char *what);

/* Writes the sentence for an error of LMDB or of the system. Returns the code. */
__attribute__((nonnull(1, 4))) int vly_store_explain(const char *path, int error, const char *what,
						     char *reason, size_t reason_bytes);

/* What cures a damaged store, as the end of a sentence. */
#define VLY_STORE_CURE                                                                             \
	"restore the directory from a copy, or remove it, so that zones begin with their files "   \
	"again"

/* The hash of a value, without its seal, under its key. */
__attribute__((nonnull)) uint64_t vly_store_hash(const struct vly_store_key *key,
						 const uint8_t *octets, size_t bytes);

/* Sets the seal at the beginning of a value of `bytes` octets, itself included. */
__attribute__((nonnull)) void vly_store_seal(const struct vly_store_key *key, uint8_t *octets,
					     size_t bytes, uint64_t *hash);

/* Reads a value and checks its seal. VLY_STORE_OK with the octets behind the seal; VLY_STORE_NONE; or
 * a failure; *hash is the digest of the value. */
__attribute__((nonnull(1, 3, 4, 5))) int
vly_store_read(struct vly_store_txn *txn, enum vly_store_table table,
	       const struct vly_store_key *key, const uint8_t **octets, size_t *bytes,
	       uint64_t *hash, const struct vly_store_zone *zone);

/* Checks the seal of a value that a cursor has found. */
__attribute__((nonnull)) bool vly_store_unseal(const struct vly_store_key *key,
					       const MDB_val *value, const uint8_t **octets,
					       size_t *bytes, uint64_t *hash);

/* Writes a value with its seal, which comes first in `octets` and is set here. */
__attribute__((nonnull)) int vly_store_write(struct vly_store_txn *txn, enum vly_store_table table,
					     const struct vly_store_key *key, uint8_t *octets,
					     size_t bytes, uint64_t *hash);

__attribute__((nonnull)) int vly_store_delete(struct vly_store_txn *txn, enum vly_store_table table,
					      const struct vly_store_key *key);

/* store_names.c: the first key of a table at or behind `key` that is in the zone. */
__attribute__((nonnull)) int vly_store_seek(struct vly_store_txn *txn,
					    const struct vly_store_zone *zone,
					    enum vly_store_table table,
					    const struct vly_store_key *key,
					    struct vly_store_key *found);

/* store_names.c: the first one behind that of `name`, and with `skip_below` behind all that begin with it.
 * Keys begin with a name, whose last octet is 0; `behind` is the lowest octet that may follow in a key behind
 * that of the name itself. */
__attribute__((nonnull)) int vly_store_seek_behind(struct vly_store_txn *txn,
						   const struct vly_store_zone *zone,
						   enum vly_store_table table,
						   const struct vly_name *name, bool skip_below,
						   uint8_t behind, struct vly_store_key *found);

/* store_zones.c */

/* Writes the state of a zone. */
__attribute__((nonnull)) int vly_store_put_zone(struct vly_store_txn *txn,
						const struct vly_store_zone *zone);
/* Takes a number for a new zone, and lists it as one to be cleaned away, until it is complete. */
__attribute__((nonnull)) int vly_store_new_id(struct vly_store_txn *txn, uint32_t *id);
__attribute__((nonnull)) int vly_store_set_trash(struct vly_store_txn *txn, uint32_t id,
						 bool is_trash);
/* The first zone to be cleaned away. */
__attribute__((nonnull)) int vly_store_first_trash(struct vly_store_txn *txn, uint32_t *id);

/* store_reverse.c */

struct vly_store_records;
struct vly_store_record;

/* Notes that `owner` has a record, or, once it has only those of `after`, that it has it no more. */
__attribute__((nonnull)) int vly_store_index_add(struct vly_store_txn *txn,
						 const struct vly_store_zone *zone,
						 const struct vly_name *owner,
						 const struct vly_store_record *record);
__attribute__((nonnull)) int vly_store_index_remove(struct vly_store_txn *txn,
						    const struct vly_store_zone *zone,
						    const struct vly_name *owner,
						    const struct vly_store_record *record,
						    const struct vly_store_records *after);

/* Appends the tail to an owner's order key: 0, which keeps the order, then a checksum over both. */
__attribute__((nonnull)) void vly_store_put_tail(const struct vly_store_key *target,
						 struct vly_store_key *owner);

/* The key in `reverse` of a record's target, if it is in the zone. */
__attribute__((nonnull)) bool vly_store_target_key(const struct vly_store_zone *zone, uint16_t type,
						   const uint8_t *data, unsigned data_len,
						   struct vly_store_key *key);

/* store_journal.c */

struct vly_change;
__attribute__((nonnull)) int vly_store_append_journal(struct vly_store_txn *txn,
						      struct vly_store_zone *zone,
						      const struct vly_change *change,
						      unsigned cause, const char *who);

#endif
