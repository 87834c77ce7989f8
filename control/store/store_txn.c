/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "zone_store_parts.h"

/* 0.2 s in all: more than it takes a thread to run that got the lock. */
#define LET_OTHERS_STEPS 1000

static int
begin(struct vly_zone_store *store, MDB_txn *parent, bool writes, struct vly_store_txn **txn,
      char *reason, size_t reason_bytes)
{
	struct vly_store_txn *begun = calloc(1, sizeof(*begun));

	*txn = NULL;
	if (begun == NULL)
		return vly_store_explain(store->path, ENOMEM, NULL, reason, reason_bytes);
	begun->store = store;
	begun->writes = writes;
	int error = mdb_txn_begin(store->env, parent, writes ? 0 : MDB_RDONLY, &begun->mdb);
	if (error != 0) {
		free(begun);
		return vly_store_explain(store->path, error, NULL, reason, reason_bytes);
	}
	*txn = begun;
	return VLY_STORE_OK;
}

int
vly_store_begin_read(struct vly_zone_store *store, struct vly_store_txn **txn, char *reason,
		     size_t reason_bytes)
{
	return begin(store, NULL, false, txn, reason, reason_bytes);
}

int
vly_store_begin_write(struct vly_zone_store *store, struct vly_store_txn **txn, char *reason,
		      size_t reason_bytes)
{
	if (store->is_read_only) {
		*txn = NULL;
		snprintf(reason, reason_bytes, "%s", store->read_only);
		return VLY_STORE_READ_ONLY;
	}
	atomic_fetch_add(&store->waiting_cnt, 1);
	int result = begin(store, NULL, true, txn, reason, reason_bytes);
	atomic_fetch_sub(&store->waiting_cnt, 1);
	return result;
}

/* LMDB's lock is not fair: a thread that takes it again at once keeps it. */
void
vly_store_let_others(struct vly_zone_store *store)
{
	static const struct timespec pause = {.tv_nsec = 200000};

	for (unsigned i = 0; i < LET_OTHERS_STEPS && atomic_load(&store->waiting_cnt) > 0; i++)
		nanosleep(&pause, NULL);
}

int
vly_store_begin_nested(struct vly_store_txn *parent, struct vly_store_txn **txn, char *reason,
		       size_t reason_bytes)
{
	if (parent->failed != 0) {
		*txn = NULL;
		snprintf(reason, reason_bytes, "%s", parent->reason);
		return parent->failed;
	}
	return begin(parent->store, parent->mdb, true, txn, reason, reason_bytes);
}

int
vly_store_commit(struct vly_store_txn *txn, char *reason, size_t reason_bytes)
{
	int result = txn->failed;

	if (result != 0) {
		snprintf(reason, reason_bytes, "%s", txn->reason);
		vly_store_abort(txn);
		return result;
	}
	int error = mdb_txn_commit(txn->mdb);
	if (error != 0)
		result = vly_store_explain(txn->store->path, error, NULL, reason, reason_bytes);
	free(txn);
	return result;
}

void
vly_store_abort(struct vly_store_txn *txn)
{
	if (txn == NULL)
		return;
	mdb_txn_abort(txn->mdb);
	free(txn);
}
