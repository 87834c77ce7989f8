/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scanners of libzscanner that are used for one zone file after the other. Each has a fifth of a
 * megabyte, which zs_init() clears: without a pool that is most of the work for a small zone file.
 *
 * Use: `struct vly_scanner_pool pool = {0};` vly_scanner_pool_take() for each file, and read it;
 * vly_scanner_pool_free() after the last one. By one thread at a time; no function blocks.
 */
#ifndef VLY_CONTROL_SCANNER_POOL_H
#define VLY_CONTROL_SCANNER_POOL_H

#include <stdint.h>

#include <libzscanner/scanner.h>

#define VLY_POOLED_SCANNERS 17 /* a zone file, and files included 16 deep */

struct vly_pooled_scanner;

struct vly_scanner_pool {
	struct vly_pooled_scanner *scanner[VLY_POOLED_SCANNERS]; /* by depth; NULL: none yet */
};

/*
 * The scanner for a file at an include depth below VLY_POOLED_SCANNERS, as zs_init() leaves it
 * for class IN. It belongs to the pool, and is started again by the next call for the same depth.
 * `origin` is a name in presentation form (untrusted). Returns NULL with one of libzscanner's error
 * codes in *error: the origin is malformed, or there is no memory.
 */
__attribute__((nonnull, warn_unused_result)) zs_scanner_t *
vly_scanner_pool_take(struct vly_scanner_pool *pool, unsigned depth, const char *origin,
		      uint32_t default_ttl, int *error);

__attribute__((nonnull)) void vly_scanner_pool_free(struct vly_scanner_pool *pool);

#endif
