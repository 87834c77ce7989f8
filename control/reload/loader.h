/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loads zones into images, in libuv's thread pool, several groups (plan.h) at once.
 *
 * Use:
 *   1. fill an array of items, and vly_loader_start();
 *   2. vly_loader_progress() while it runs;
 *   3. `done` is called on the loop; the items then have an image, or an error. An image may be one
 *      of the start-up cache (image_cache.h): of an unchanged zone, or beside the error of one that
 *      no longer loads;
 *   4. vly_load_items_clear() gives back what the items hold.
 *
 * Threads: called on the loop's thread. While a load runs the items belong to the pool's threads.
 */
#ifndef VLY_CONTROL_LOADER_H
#define VLY_CONTROL_LOADER_H

#include <stdbool.h>
#include <uv.h>

#include "compile/image_builder.h"
#include "publish/live_image.h"

struct vly_load_item {
	const char *name; /* the caller's, valid until the items are cleared */
	const char *file;
	struct vly_file_stamp stamp; /* before the load; zeroes when there is no such file */
	struct vly_zone_info info;
	char *includes;               /* vly_image_builder_take_includes(); the item's */
	struct vly_zone_error *error; /* NULL when it loaded; the item's */
	struct vly_live_image *image; /* NULL when it did not, and the cache has none; the item's */
	bool cached;                  /* the image is from the cache, with an error: an old one */
};

struct vly_load_state {
	uint32_t zone_cnt;
	uint32_t zones_done;
	uint64_t record_cnt; /* read from zone files */
	const char *name;    /* one that is being read, or NULL */
};

struct vly_load_settings {
	struct vly_hash_key key;
	uint8_t severity[VLY_ZONE_CHECK_CNT]; /* enum vly_zone_severity */
	uint32_t image_max;                   /* images to load into, at most */
	const char *cache_dir;                /* NULL: nothing comes from the cache */
	bool any_all;                         /* see vly_image_builder_answer_any_all() */
	bool additional_none;                 /* see vly_image_builder_answer_additional_none() */
};

struct vly_loader;

/*
 * Starts to load items[0..cnt-1]. `done` is called once.
 * Returns the loader, valid until `done` returns, or NULL without memory; `done` is then not
 * called.
 */
__attribute__((nonnull(1, 2, 5), warn_unused_result)) struct vly_loader *
vly_loader_start(uv_loop_t *loop, const struct vly_load_settings *settings,
		 struct vly_load_item *items, uint32_t cnt, void (*done)(void *arg), void *arg);

__attribute__((nonnull)) void vly_loader_progress(const struct vly_loader *loader,
						  struct vly_load_state *state);

/* Once it is done: the cache has something that may be good but could not be used, because it could
 * not be read, or because other settings or another release made it. */
__attribute__((nonnull)) bool vly_loader_spares_cache(const struct vly_loader *loader);

void vly_load_items_clear(struct vly_load_item *items, uint32_t cnt);

#endif
