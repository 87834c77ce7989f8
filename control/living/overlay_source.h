/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A zone of the store as the compiler of overlays reads it (compile/overlay.h).
 *
 * Use: vly_overlay_source_init() with a transaction that sees the zone after the change, such as the
 * writing one that has applied it, and one that sees the version `below`: a reading one that began
 * before the change was committed. Both transactions, and the struct, have to stay until the
 * overlay is compiled; nothing may be written meanwhile. When a callback has failed,
 * vly_overlay_source_reason() says why.
 */
#ifndef VLY_CONTROL_OVERLAY_SOURCE_H
#define VLY_CONTROL_OVERLAY_SOURCE_H

#include "compile/overlay.h"
#include "store/store_names.h"

struct vly_store_source {
	struct vly_overlay_source source; /* for vly_image_builder_add_overlay() */
	struct vly_store_txn *after, *before;
	const struct vly_store_zone *zone; /* after the change */
	struct vly_store_zone zone_before;
	struct vly_store_txn *failed; /* NULL: none has */
};

/* `zone`: after the change. VLY_STORE_OK; VLY_STORE_NONE: `before` has no such zone, or has it from
 * another import; or a failure. */
__attribute__((nonnull, warn_unused_result)) int
vly_overlay_source_init(struct vly_store_source *source, struct vly_store_txn *after,
			struct vly_store_txn *before, const struct vly_store_zone *zone);

/* One sentence; NULL: no callback has failed. */
__attribute__((nonnull)) const char *
vly_overlay_source_reason(const struct vly_store_source *source);

#endif
