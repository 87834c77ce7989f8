/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads the image cache: the images that were live in the last run, so that zone files that have
 * not changed need not be parsed. image_cache.h writes it.
 *
 * Use, by the loader:
 *   1. vly_cache_lookup_open() reads the index and looks for the zones of the load in it;
 *   2. vly_cache_lookup_image() finds the image of a zone; lookup->unchanged[] says whether the
 *      zone's files are as they were;
 *   3. vly_cache_lookup_read() reads the image, vly_cache_lookup_take() gives it to a zone;
 *   4. vly_cache_lookup_free().
 * An image is only used when every zone in it is still configured: the dataplane answers every zone
 * that an image holds.
 *
 * Trust: index and images are untrusted and checked; see image_index.h and image_files.h.
 * Threads: _open() and _read() block, in the thread pool. One thread at a time may use a lookup,
 * but different images of it may be read by different threads at once. The other functions do not
 * block.
 */
#ifndef VLY_CONTROL_CACHE_LOOKUP_H
#define VLY_CONTROL_CACHE_LOOKUP_H

#include "base/state_file.h"
#include "load_item.h"
#include "store/image_index.h"

struct vly_cached_image {
	struct vly_index_image image;
	uint64_t id;                 /* smaller, and so older, than any id that this load makes */
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

/* A hash of everything but the zone files that an image depends on: the hash key and function, the
 * checks, the answers, the release. Does not block; any thread. */
__attribute__((nonnull)) uint64_t vly_cache_settings_hash(const struct vly_load_settings *settings);

/*
 * Opens a lookup for items[0..cnt-1], whose stamps are set. Returns VLY_STATE_READ and the lookup,
 * the caller's to free, in *lookup. Otherwise there is no lookup, and `reason` says why. An index
 * that other settings or another release made counts as unreadable, not as damaged.
 */
__attribute__((nonnull, warn_unused_result)) enum vly_state_read
vly_cache_lookup_open(struct vly_cache_lookup **lookup, const struct vly_load_settings *settings,
		      const struct vly_load_item *items, uint32_t cnt, char *reason,
		      size_t reason_bytes);

/* The cached image of an item; NULL: it has none that is of use. */
__attribute__((nonnull)) struct vly_cached_image *
vly_cache_lookup_image(const struct vly_cache_lookup *lookup, uint32_t item);

/* Reads an image, unless that was done. Returns 0; or -1 with `reason`, and the image is useless
 * from then on. */
__attribute__((nonnull, warn_unused_result)) int
vly_cache_lookup_read(const struct vly_load_settings *settings, struct vly_cached_image *cached,
		      char *reason, size_t reason_bytes);

/* Gives an item its image, which has been read, and what the index has about its zone. */
__attribute__((nonnull)) void vly_cache_lookup_take(const struct vly_cache_lookup *lookup,
						    uint32_t item_idx, struct vly_load_item *item);

void vly_cache_lookup_free(struct vly_cache_lookup *lookup);

#endif
