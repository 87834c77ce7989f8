/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Complete forms of large living zones on disk, in `state-dir`/living-images, so that a start needs not compile
 * them. A form is used when its version is the zone's, or when the journal of the store leads from there to the
 * zone's: then the names that have changed are compiled as an overlay, and both are merged. Otherwise, and when
 * anything about it is damaged, the zone is compiled from the store.
 *
 * Use: on the loop, vly_form_cache_configure(); vly_form_cache_changed() when a zone has another complete form; vly_form_cache_close() at the
 * end. While a zone is loaded, in any thread, vly_form_cache_load(). For the manager alone.
 */
#ifndef VLY_CONTROL_FORM_CACHE_H
#define VLY_CONTROL_FORM_CACHE_H

#include "living_parts.h"
#include "zone/zone_info.h"

/* Zones of fewer names are compiled as fast. */
#define VLY_FORM_CACHE_NODES_MIN 50000

__attribute__((nonnull)) void vly_form_cache_changed(struct vly_living *living);

/* Whether forms are written: `image-cache` of the configuration. */
__attribute__((nonnull)) void vly_form_cache_configure(struct vly_living *living, bool keeps_forms);

/* What is being written is finished, but not told to the manager. */
__attribute__((nonnull)) void vly_form_cache_close(struct vly_living *living);

/* The zone's complete form, from the cache: the caller's reference, with *info; NULL: there is none that is of
 * use. Blocks for the disk. */
__attribute__((nonnull, warn_unused_result)) struct vly_live_image *
vly_form_cache_load(struct vly_living *living, struct vly_store_txn *txn,
		    const struct vly_store_zone *zone, const char *name,
		    struct vly_zone_info *info);

/* A hash of what a form depends on beside its records. */
__attribute__((nonnull)) uint64_t vly_form_cache_settings(struct vly_living *living);

#endif
