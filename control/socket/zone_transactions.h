/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changes of living zones that operators gather before they commit them: one transaction for each zone.
 * One that nobody has touched for VLY_ZONE_TRANSACTION_S is gone when somebody looks.
 *
 * Use: all zeros are no transactions. vly_zone_transactions_free(). One thread; no clock of its own.
 */
#ifndef VLY_CONTROL_ZONE_TRANSACTIONS_H
#define VLY_CONTROL_ZONE_TRANSACTIONS_H

#include <uthash.h>

#include "living/zone_edit.h"

/* Long enough to think about a change. */
#define VLY_ZONE_TRANSACTION_S   600
#define VLY_ZONE_TRANSACTION_MAX 256

struct vly_zone_transaction {
	char *zone;
	char *who; /* has begun it */
	uint64_t touched_ms;
	struct vly_zone_edit edit;
	UT_hash_handle hh;
};

struct vly_zone_transactions {
	struct vly_zone_transaction *by_zone;
};

/* The open transaction of a zone; NULL: there is none. */
__attribute__((nonnull)) struct vly_zone_transaction *
vly_zone_transactions_find(struct vly_zone_transactions *transactions, const char *zone,
			   uint64_t now_ms);

/* Begins one for a zone that has none. NULL with a sentence in *why: too many, or no memory. */
__attribute__((nonnull)) struct vly_zone_transaction *
vly_zone_transactions_begin(struct vly_zone_transactions *transactions, const char *zone,
			    const char *who, uint64_t now_ms, const char **why);

__attribute__((nonnull)) void vly_zone_transactions_end(struct vly_zone_transactions *transactions,
							struct vly_zone_transaction *transaction);

__attribute__((nonnull)) void
vly_zone_transactions_free(struct vly_zone_transactions *transactions);

#endif
