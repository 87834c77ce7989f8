/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The store of zones that change otherwise than by file: an LMDB environment in its own directory
 * (`state-dir`/zones). This header has the environment, transactions, and zones as a whole;
 * store_names.h reads names; store_change.h changes zones and reads the journal.
 *
 * Use:
 *   1. vly_zone_store_open();
 *   2. vly_zone_store_import() for each zone that the store does not have yet;
 *   3. to read: vly_store_begin_read(), any reads, vly_store_abort();
 *      to change: vly_store_begin_write(); for each request vly_store_begin_nested(), reads,
 *      vly_store_apply(), then vly_store_commit() or vly_store_abort() of the nested transaction; at
 *      the end vly_store_commit();
 *   4. vly_zone_store_clean() now and then, until it has nothing to do;
 *   5. vly_zone_store_close(), when all transactions have ended.
 *
 * What is committed is on disk when vly_store_commit() returns. What a crash interrupts is not there
 * at all. Reading does not wait for writing, and sees the store as it was when the transaction began.
 * Pages that an old reading transaction still sees can't be used again, so that it should end soon
 * while others write.
 *
 * Threads: one writing transaction at a time; the second one waits. It has to end in the thread where
 * it began. vly_zone_store_import() and clean are for one thread: clean would remove what an import has
 * begun. A reading transaction may move between threads, and is used by one at a time. All
 * functions block for the disk.
 *
 * Trust: none of what is read from disk. Each value carries a checksum over itself and its key, each
 * zone a digest of all its records, and the pages of the file are checked when it is opened. What is
 * damaged yields VLY_STORE_DAMAGED with a reason that names the file, the zone and the cure.
 *
 * Keys have at most 511 octets in LMDB. The longest one here is that of a name of 255 octets, half
 * of it escaped: 510.
 */
#ifndef VLY_CONTROL_ZONE_STORE_H
#define VLY_CONTROL_ZONE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <volley/name.h>

#include "base/file_stamp.h"
#include "base/reason.h"

/* What functions return. Those below 0 are failures, with a reason. After a failure inside a
 * transaction that has written, all that is left is vly_store_abort(). */
enum vly_store_result {
	VLY_STORE_OK = 0,
	VLY_STORE_NONE = 1,     /* there is no such zone, name or entry */
	VLY_STORE_STOPPED = 2,  /* a callback wanted no more */
	VLY_STORE_REFUSED = -1, /* the change does not fit the zone as it is; the store is sound */
	VLY_STORE_MEMORY = -2,  /* out of memory */
	VLY_STORE_MAP_FULL =
		-3, /* `bytes_max` is reached: cured by a larger one, or fewer records */
	VLY_STORE_DISK_FULL = -4, /* or a quota is reached: cured by room on the disk */
	VLY_STORE_READ_ONLY = -5, /* file system or permissions: reading goes on */
	/* Cured by an import of the zone, if vly_zone_store_open() succeeds; otherwise by removing the
	 * directory, or by a copy of it. */
	VLY_STORE_DAMAGED = -6,
	VLY_STORE_BUSY = -7,   /* another process has it open */
	VLY_STORE_FAILED = -8, /* another error of the disk or of LMDB; open it again */
};

/* 40 entries/s for a day, or one each ten seconds for a year. */
#define VLY_STORE_JOURNAL_ENTRIES_MAX 3500000
#define VLY_STORE_JOURNAL_BYTES_MAX   (UINT64_C(64) << 20)
#define VLY_STORE_JOURNAL_AGE_MAX_S   (30 * 86400)

struct vly_zone_store_settings {
	/* Of the data file. 0: VLY_ZONE_STORE_BYTES_MAX. It costs address space alone: the file grows
	 * with what it holds. */
	uint64_t bytes_max;
	/* Of each zone's journal; the oldest entries go. 0: the above */
	uint64_t journal_bytes_max;
	uint32_t journal_entries_max;
	uint32_t journal_age_max_s;
	/* Seconds since 1970; NULL: the clock's. For tests. */
	int64_t (*now)(void *arg);
	void *now_arg;
};

/* 256 GiB: about two thousand million names. */
#define VLY_ZONE_STORE_BYTES_MAX (UINT64_C(1) << 38)

struct vly_zone_store;
struct vly_store_txn;

/* A zone in the store. By value: vly_store_apply() updates it, and after an abort it has to be found
 * again. */
struct vly_store_zone {
	uint32_t id; /* never used again, also when a zone is removed and comes back */
	uint32_t serial;
	/* 1 larger with each change; those of a later import are all larger than those before */
	uint64_t version;
	uint64_t record_cnt;
	uint64_t name_cnt; /* that own records */
	uint64_t digest;   /* the sum of the hashes of all names with their records */
	/* The file that the records came from, or that was last compared with them; and the version
	 * that it made. */
	struct vly_file_stamp origin;
	uint64_t origin_version;
	uint64_t
		other_version; /* the last one that came neither from a file nor from an ALIAS; 0: none */
	/* The journal leads from version journal_from to `version` without a gap. */
	uint64_t journal_from;
	uint64_t journal_bytes; /* of all entries that are there */
	uint32_t journal_cnt;
	struct vly_name apex; /* scanned, not hashed */
};

/*
 * Opens the store, and makes it when there is none. `dir`: its own directory, inside one that
 * exists. On a file system that can't be written, an existing store is opened for reading alone:
 * vly_zone_store_read_only(). Returns VLY_STORE_OK with *store; otherwise a failure with the reason.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_zone_store_open(struct vly_zone_store **store, const char *dir,
		    const struct vly_zone_store_settings *settings, char *reason,
		    size_t reason_bytes);

void vly_zone_store_close(struct vly_zone_store *store);

/* Why the store is open for reading alone; NULL: it is not. */
__attribute__((nonnull)) const char *vly_zone_store_read_only(const struct vly_zone_store *store);

struct vly_zone_store_usage {
	uint64_t bytes_used; /* pages in use, free ones included */
	uint64_t bytes_max;
};
__attribute__((nonnull)) void vly_zone_store_usage(const struct vly_zone_store *store,
						   struct vly_zone_store_usage *usage);

/* Transactions. Begin: VLY_STORE_OK with *txn, or a failure with the reason. */
__attribute__((nonnull, warn_unused_result)) int vly_store_begin_read(struct vly_zone_store *store,
								      struct vly_store_txn **txn,
								      char *reason,
								      size_t reason_bytes);
__attribute__((nonnull, warn_unused_result)) int vly_store_begin_write(struct vly_zone_store *store,
								       struct vly_store_txn **txn,
								       char *reason,
								       size_t reason_bytes);

/* A part of a writing transaction that can be undone by itself. `parent` must not be used until it
 * has ended. */
__attribute__((nonnull, warn_unused_result)) int
vly_store_begin_nested(struct vly_store_txn *parent, struct vly_store_txn **txn, char *reason,
		       size_t reason_bytes);

/* Ends the transaction, whatever the result. That of a transaction in which a write has failed is
 * this failure again; nothing is changed then. */
__attribute__((nonnull, warn_unused_result)) int
vly_store_commit(struct vly_store_txn *txn, char *reason, size_t reason_bytes);

/* Ends the transaction without a trace. Also for reading ones. */
void vly_store_abort(struct vly_store_txn *txn);

/* One sentence about the last failure in this transaction. */
__attribute__((nonnull)) const char *vly_store_reason(const struct vly_store_txn *txn);

/* Finds a zone by its apex (scanned). VLY_STORE_OK, VLY_STORE_NONE, or a failure. */
__attribute__((nonnull, warn_unused_result)) int vly_store_find_zone(struct vly_store_txn *txn,
								     const struct vly_name *apex,
								     struct vly_store_zone *zone);

/* Calls fn for each zone in canonical order, until it returns false. VLY_STORE_OK,
 * VLY_STORE_STOPPED, or a failure. */
__attribute__((nonnull(1, 2), warn_unused_result)) int
vly_store_list_zones(struct vly_store_txn *txn,
		     bool (*fn)(void *arg, const struct vly_store_zone *zone), void *arg);

/* Notes that the file with this stamp and the zone's present version have the same records. */
__attribute__((nonnull, warn_unused_result)) int
vly_store_set_origin(struct vly_store_txn *txn, struct vly_store_zone *zone,
		     const struct vly_file_stamp *origin);

/* Removes a zone from the list. Its records go later: vly_zone_store_clean(). */
__attribute__((nonnull, warn_unused_result)) int vly_store_remove_zone(struct vly_store_txn *txn,
								       struct vly_store_zone *zone);

struct vly_zone;

/*
 * Makes a zone of the store from one that was read, in place of what the store has under this name.
 * Writes in canonical order, in several transactions of its own, the last of which makes the zone
 * appear; what a crash leaves is removed by vly_zone_store_clean(). Others may write in between. Takes
 * 4 octets of memory for each name (while they are sorted, 32), 16 for each record that names another one
 * of the zone, and 16 MiB. The journal begins anew.
 * VLY_STORE_OK with *out; or a failure: VLY_STORE_REFUSED when there is not exactly one SOA.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_zone_store_import(struct vly_zone_store *store, const struct vly_zone *zone,
		      const struct vly_file_stamp *origin, struct vly_store_zone *out, char *reason,
		      size_t reason_bytes);

/* The number of a zone that is imported later: with it the zone's version is known before. */
struct vly_store_number {
	uint32_t id;
	uint64_t version;
};

/* Takes a number, in a transaction of its own. One that is never used is lost. VLY_STORE_OK, or a
 * failure. */
__attribute__((nonnull, warn_unused_result)) int
vly_zone_store_reserve(struct vly_zone_store *store, struct vly_store_number *number, char *reason,
		       size_t reason_bytes);

/* The same as vly_zone_store_import(), with a number that was reserved. What was set in *is_cancelled (or
 * NULL) before the last transaction has begun makes it VLY_STORE_REFUSED: whoever sets it, and then removes
 * the zone from the store, knows that it stays away. */
__attribute__((nonnull(1, 2, 3, 4, 6, 7), warn_unused_result)) int
vly_zone_store_import_as(struct vly_zone_store *store, const struct vly_zone *zone,
			 const struct vly_store_number *number, const struct vly_file_stamp *origin,
			 const _Atomic bool *is_cancelled, struct vly_store_zone *out, char *reason,
			 size_t reason_bytes);

/* The largest zone for vly_store_import_in(), in octets of its arena: some thousand names. */
#define VLY_STORE_IMPORT_IN_MAX (UINT64_C(1) << 20)

/*
 * The same for a small zone, inside a writing transaction, for many zones at once: a transaction of its
 * own takes some milliseconds, for the disk. The caller ends the transaction after some 8 MiB of zones, as
 * it is in memory until then, and others wait. VLY_STORE_OK with *out; or a failure, and the
 * transaction has to be aborted.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_store_import_in(struct vly_store_txn *txn, const struct vly_zone *zone,
		    const struct vly_file_stamp *origin, struct vly_store_zone *out);

/* Removes records of removed zones, at most 10,000, in a transaction of its own. VLY_STORE_OK: there
 * may be more; VLY_STORE_NONE: nothing is left to do; or a failure. */
__attribute__((nonnull, warn_unused_result)) int
vly_zone_store_clean(struct vly_zone_store *store, char *reason, size_t reason_bytes);

#endif
