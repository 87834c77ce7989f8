/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes the image cache: after each commit, the live images and an index of their zones are kept
 * on disk for the next start. cache_lookup.h reads them.
 *
 * Use:
 *   1. vly_image_cache_new();
 *   2. vly_image_cache_store() when it is not busy, and vly_image_cache_wait_ms() is 0;
 *   3. vly_image_cache_free() when it is not busy.
 * A failure is logged once as long as it stays the same, and the next start parses the zone files.
 *
 * Threads: all functions are for the loop's thread, and none blocks. The work is done in the thread
 * pool in two steps: first the list of served zones is read, which must not change meanwhile; then
 * the files are written.
 */
#ifndef VLY_CONTROL_IMAGE_CACHE_H
#define VLY_CONTROL_IMAGE_CACHE_H

#include <uv.h>

#include "served_zones.h"

struct vly_image_cache;

/* `progress` is called on the loop after each of the two steps; if the first one fails, once. `dir`
 * is copied. Returns NULL without memory. */
__attribute__((nonnull(1, 2, 3), warn_unused_result)) struct vly_image_cache *
vly_image_cache_new(uv_loop_t *loop, const char *dir, void (*progress)(void *arg), void *arg);

/* Starts to store the live images of `served`, which must not change as long as
 * vly_image_cache_is_reading(). The cache must not be busy. */
__attribute__((nonnull)) void vly_image_cache_store(struct vly_image_cache *cache,
						    const struct vly_served_zones *served,
						    const struct vly_load_settings *settings);

/* For how long the cache should be left alone: 0 when it was last written long enough ago, by the time
 * that this took. */
__attribute__((nonnull)) uint64_t vly_image_cache_wait_ms(const struct vly_image_cache *cache);

__attribute__((nonnull)) bool vly_image_cache_is_reading(const struct vly_image_cache *cache);
__attribute__((nonnull)) bool vly_image_cache_is_busy(const struct vly_image_cache *cache);

/* Why the last attempt to write the cache failed, or "". Valid until the loop runs again. */
__attribute__((nonnull)) const char *vly_image_cache_trouble(const struct vly_image_cache *cache);

void vly_image_cache_free(struct vly_image_cache *cache);

#endif
