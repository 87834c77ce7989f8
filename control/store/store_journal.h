/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Entries of the journal as values of the store, behind their seal: octet form (1), octet cause, u64
 * time_s, octet who_len, who, then the change as octets (change/change.h). Pure; any thread.
 */
#ifndef VLY_CONTROL_STORE_JOURNAL_H
#define VLY_CONTROL_STORE_JOURNAL_H

#include "store_change.h"

/* Octets before the change: the longest. */
#define VLY_STORE_ENTRY_HEAD_BYTES (1 + 1 + 8 + 1 + VLY_STORE_WHO_BYTES - 1)

/* Reads an entry (untrusted, without its seal), except for its version. */
__attribute__((nonnull, warn_unused_result)) bool
vly_store_entry_read(struct vly_store_entry *entry, const uint8_t *octets, size_t bytes);

/* Writes what comes before the change. Returns its octets. */
__attribute__((nonnull)) size_t vly_store_entry_head(uint8_t to[VLY_STORE_ENTRY_HEAD_BYTES],
						     enum vly_store_cause cause, int64_t time_s,
						     const char *who);

#endif
