/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The last good version of a catalog that is broken now, in a file of its own (`state-dir`/catalogs/NAME): so
 * that its members are served after a restart, too.
 *
 * Use: vly_saved_catalog_write() when a catalog breaks; vly_saved_catalog_remove() when it is good again;
 * vly_saved_catalog_read(). No state; any thread; blocks for the disk. What is read is untrusted.
 */
#ifndef VLY_CONTROL_SAVED_CATALOG_H
#define VLY_CONTROL_SAVED_CATALOG_H

#include "catalog.h"

/* Returns 0; or -1 with one sentence. */
__attribute__((nonnull, warn_unused_result)) int
vly_saved_catalog_write(const char *state_dir, const struct vly_catalog *catalog,
			char reason[VLY_REASON_BYTES]);

/* Returns the catalog, the caller's; or NULL: there is none, and *reason is empty, or one sentence why it can't be
 * used. */
__attribute__((nonnull, warn_unused_result)) struct vly_catalog *
vly_saved_catalog_read(const char *state_dir, const char *name, char reason[VLY_REASON_BYTES]);

__attribute__((nonnull)) void vly_saved_catalog_remove(const char *state_dir, const char *name);

#endif
