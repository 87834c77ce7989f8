/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Living zones that are signed. They are signed elsewhere: their signatures come with their file or
 * with a transfer, and nothing else may change them, as a change without new signatures makes
 * validators refuse the zone. For the same reason they bring their own serial.
 */
#ifndef VLY_CONTROL_LIVING_SIGNED_H
#define VLY_CONTROL_LIVING_SIGNED_H

#include <stddef.h>

#include "store/store_change.h"
#include "zone/dnssec_check.h"

/* Whether the zone in the store is signed. VLY_STORE_OK, or a failure with the reason. */
__attribute__((nonnull, warn_unused_result)) int vly_signed_look(struct vly_store_txn *txn,
								 const struct vly_store_zone *zone,
								 bool *is_signed, char *reason,
								 size_t bytes);

/* Whether this change may be made, before it is. VLY_STORE_OK; VLY_STORE_REFUSED or a failure with the
 * reason. */
__attribute__((nonnull, warn_unused_result)) int
vly_signed_check_before(struct vly_store_txn *txn, const struct vly_store_zone *zone,
			const struct vly_change *change, enum vly_store_cause cause, char *reason,
			size_t bytes);

/* Whether a zone that was changed may have got its serial here. As above. */
__attribute__((nonnull, warn_unused_result)) int
vly_signed_check_serial(struct vly_store_txn *txn, const struct vly_store_zone *zone, char *reason,
			size_t bytes);

/* When the signatures of a zone expire. Verifies none and reports nothing: the zone is accepted. */
__attribute__((nonnull)) void vly_living_signatures(const struct vly_zone *tree,
						    unsigned thread_max,
						    struct vly_dnssec_facts *facts);

#endif
