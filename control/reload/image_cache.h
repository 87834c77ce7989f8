/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The start-up cache: what was live is kept on disk, so that the next start need not parse zone
 * files that have not changed.
 *
 * Looking up, in a load (loader.c), on threads that may block:
 *   1. vly_cache_lookup_open() reads the index and finds the zones to be loaded in it;
 *   2. vly_cache_lookup_read() reads an image, for zones that are unchanged, or that can't be
 *      loaded any more;
 *   3. vly_cache_lookup_free().
 * An image is of use only when every zone it holds is still configured: what is in an image is
 * answered.
 *
 * Storing, on the loop: vly_image_cache_store() after each commit. Everything but the list of
 * images is read and written in the thread pool. What fails is one line in the log; the next start
 * then parses.
 */
#ifndef VLY_CONTROL_IMAGE_CACHE_H
#define VLY_CONTROL_IMAGE_CACHE_H

#include "base/state_file.h"
#include "served_zones.h"
#include "store/image_index.h"

/* What makes a zone's image other than its files: hash key and function, checks, answers,
 * release. */
__attribute__((nonnull)) uint64_t
vly_image_cache_settings(const struct vly_load_settings *settings);

struct vly_cached_image {
	struct vly_index_image image;
	uint64_t id;                 /* older than any image of this load */
	struct vly_live_image *live; /* once it is read; the lookup's reference */
	bool useless;                /* not to be read, or not again */
	bool is_kept;                /* it could not be read, but may be good */
};

struct vly_cache_lookup {
	struct vly_image_index index;
	struct vly_cached_image *image; /* [index.image_cnt] */
	uint32_t *zone_of;              /* [item]: its zone in the index, plus 1; 0: none */
	bool *unchanged;                /* [item]: its files are as they were */
};

/* Makes a lookup for items[0..cnt-1], whose stamps are set, from the index (untrusted). Returns
 * VLY_STATE_READ with it in *lookup; else nothing comes from the cache, and *reason says why. An
 * index of other settings or of another release is unreadable, and not damaged. */
__attribute__((nonnull, warn_unused_result)) enum vly_state_read
vly_cache_lookup_open(struct vly_cache_lookup **lookup, const struct vly_load_settings *settings,
		      const struct vly_load_item *items, uint32_t cnt, char *reason,
		      size_t reason_bytes);

/* The cached image of an item, or NULL. */
__attribute__((nonnull)) struct vly_cached_image *
vly_cache_lookup_image(const struct vly_cache_lookup *lookup, uint32_t item);

/* Reads it, if it has not been. Returns 0, or -1 with the reason, and it is useless from then
 * on. */
__attribute__((nonnull, warn_unused_result)) int
vly_cache_lookup_read(const struct vly_load_settings *settings, struct vly_cached_image *cached,
		      char *reason, size_t reason_bytes);

/* Gives an item what the cache knows of it. The image has been read. */
__attribute__((nonnull)) void vly_cache_lookup_take(const struct vly_cache_lookup *lookup,
						    uint32_t item_idx, struct vly_load_item *item);

void vly_cache_lookup_free(struct vly_cache_lookup *lookup);

struct vly_image_cache;

/* `progress` is called on the loop when the list of served zones is no longer read, and again when
 * all is stored. NULL without memory. */
__attribute__((nonnull(1, 2, 3), warn_unused_result)) struct vly_image_cache *
vly_image_cache_new(uv_loop_t *loop, const char *dir, void (*progress)(void *arg), void *arg);

/* Stores what is live in `served`, which must not change as long as vly_image_cache_is_reading().
 * Not while it is busy. */
__attribute__((nonnull)) void vly_image_cache_store(struct vly_image_cache *cache,
						    const struct vly_served_zones *served,
						    const struct vly_load_settings *settings);

__attribute__((nonnull)) bool vly_image_cache_is_reading(const struct vly_image_cache *cache);
__attribute__((nonnull)) bool vly_image_cache_is_busy(const struct vly_image_cache *cache);

/* Why it could not be written the last time, or "". */
__attribute__((nonnull)) const char *vly_image_cache_trouble(const struct vly_image_cache *cache);

/* Not while it is busy. */
void vly_image_cache_free(struct vly_image_cache *cache);

#endif
