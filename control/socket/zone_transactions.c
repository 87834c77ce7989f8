/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_transactions.h"

#include <stdlib.h>
#include <string.h>

static void
free_transaction(struct vly_zone_transaction *transaction)
{
	free(transaction->zone);
	free(transaction->who);
	vly_zone_edit_free(&transaction->edit);
	free(transaction);
}

void
vly_zone_transactions_end(struct vly_zone_transactions *transactions,
			  struct vly_zone_transaction *transaction)
{
	HASH_DEL(transactions->by_zone, transaction);
	free_transaction(transaction);
}

static bool
is_over(const struct vly_zone_transaction *transaction, uint64_t now_ms)
{
	return now_ms - transaction->touched_ms >= VLY_ZONE_TRANSACTION_S * UINT64_C(1000);
}

struct vly_zone_transaction *
vly_zone_transactions_find(struct vly_zone_transactions *transactions, const char *zone,
			   uint64_t now_ms)
{
	struct vly_zone_transaction *transaction;

	HASH_FIND_STR(transactions->by_zone, zone, transaction);
	if (!transaction || !is_over(transaction, now_ms))
		return transaction;
	vly_zone_transactions_end(transactions, transaction);
	return NULL;
}

static void
drop_old(struct vly_zone_transactions *transactions, uint64_t now_ms)
{
	struct vly_zone_transaction *transaction;
	struct vly_zone_transaction *next;

	HASH_ITER(hh, transactions->by_zone, transaction, next)
	if (is_over(transaction, now_ms))
		vly_zone_transactions_end(transactions, transaction);
}

struct vly_zone_transaction *
vly_zone_transactions_begin(struct vly_zone_transactions *transactions, const char *zone,
			    const char *who, uint64_t now_ms, const char **why)
{
	struct vly_zone_transaction *transaction;

	drop_old(transactions, now_ms);
	*why = "too many transactions are open";
	if (HASH_COUNT(transactions->by_zone) >= VLY_ZONE_TRANSACTION_MAX)
		return NULL;
	*why = "out of memory";
	transaction = calloc(1, sizeof(*transaction));
	if (!transaction)
		return NULL;
	transaction->zone = strdup(zone);
	transaction->who = strdup(who);
	transaction->touched_ms = now_ms;
	if (transaction->zone && transaction->who) {
		HASH_ADD_KEYPTR(hh, transactions->by_zone, transaction->zone,
				strlen(transaction->zone), transaction);
		if (transaction->hh.tbl)
			return transaction;
	}
	free_transaction(transaction);
	return NULL;
}

void
vly_zone_transactions_free(struct vly_zone_transactions *transactions)
{
	struct vly_zone_transaction *transaction;
	struct vly_zone_transaction *next;

	HASH_ITER(hh, transactions->by_zone, transaction, next)
	vly_zone_transactions_end(transactions, transaction);
}
