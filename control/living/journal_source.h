/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A zone of the store as the compiler of overlays reads it, for an overlay upon an older version: what names
 * had then follows from what they have now, and from the journal.
 *
 * Use: vly_journal_source_init(); vly_journal_source_names() lists the names that have changed;
 * vly_image_builder_add_overlay() with `store.source`; vly_journal_source_free(). The transaction has to stay
 * meanwhile. Blocks for the store.
 */
#ifndef VLY_CONTROL_JOURNAL_SOURCE_H
#define VLY_CONTROL_JOURNAL_SOURCE_H

#include <uthash.h>

#include "overlay_source.h"
#include "store/store_change.h"

struct vly_journal_mention;

struct vly_journal_owner {
	struct vly_journal_mention *first;
	UT_hash_handle hh;
	uint8_t len;
	uint8_t name[VLY_NAME_BYTES_MAX];
};

struct vly_journal_source {
	struct vly_store_source store;
	struct vly_journal_owner *owners;
	struct vly_journal_mention *mentions;
	uint32_t mention_cnt;
	bool failed; /* no memory, or a damaged entry */
};

/* Records that the journal may mention: with more, a complete form is made as fast. */
#define VLY_JOURNAL_MENTIONS_MAX 100000

/* `zone`: as the transaction has it. `serial`: of the version `since`. VLY_STORE_OK; VLY_STORE_NONE: the journal does not
 * lead back to that version, or is too long; or a failure. It is the caller's to free in any case. */
__attribute__((nonnull, warn_unused_result)) int
vly_journal_source_init(struct vly_journal_source *source, struct vly_store_txn *txn,
			const struct vly_store_zone *zone, uint64_t since, uint32_t serial);

/* The names that differ between both versions; the caller's to free. NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_overlay_name *
vly_journal_source_names(const struct vly_journal_source *source, uint32_t *cnt);

__attribute__((nonnull)) void vly_journal_source_free(struct vly_journal_source *source);

#endif
