/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loads zones into images, in libuv's thread pool, several groups of zones (plan.h) at once.
 *
 * Use:
 *   1. fill an array of items, and vly_loader_start();
 *   2. vly_loader_progress() while it runs;
 *   3. `done` is called on the loop. Each item then has an image, an error, or both: an image of
 *      the cache (cache_lookup.h) is used for an unchanged zone, and as the older version of a zone
 *      that does not load. An item with a version that its zone holds has none of these if its files
 *      have not changed since: they are looked at, but not opened;
 *   4. vly_load_items_clear() frees what the items hold.
 *
 * Threads: all functions are for the loop's thread, and none blocks. While a load runs, the items
 * belong to the pool's threads.
 */
#ifndef VLY_CONTROL_LOADER_H
#define VLY_CONTROL_LOADER_H

#include <uv.h>

#include "load_item.h"

/* How far a load has come. */
struct vly_load_state {
	uint32_t zone_cnt;
	uint32_t zones_done;
	uint64_t record_cnt; /* read from zone files */
	const char *name;    /* a zone that is being read, or NULL */
};

struct vly_loader;

/*
 * Starts to load items[0..cnt-1]; zone files are untrusted. The items must stay in place until
 * `done`, which is called once, and never before this returns. Returns the loader, which frees
 * itself when `done` returns; or NULL without memory, and `done` is not called.
 */
__attribute__((nonnull(1, 2, 5), warn_unused_result)) struct vly_loader *
vly_loader_start(uv_loop_t *loop, const struct vly_load_settings *settings,
		 struct vly_load_item *items, uint32_t cnt, void (*done)(void *arg), void *arg);

__attribute__((nonnull)) void vly_loader_progress(const struct vly_loader *loader,
						  struct vly_load_state *state);

/* To be called in `done`: whether the cache may hold good images that this load could not use,
 * because they could not be read, or because other settings or another release made them. */
__attribute__((nonnull)) bool vly_loader_spares_cache(const struct vly_loader *loader);

/* Frees what items[0..cnt-1] hold, but not the items. */
void vly_load_items_clear(struct vly_load_item *items, uint32_t cnt);

#endif
