/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the parts of the loader alone, by file:
 *
 *     loader.c        runs the phases of a load, each group of items in a thread of the pool
 *     load_groups.c   which items are worked at together in each phase
 *     load_build.c    the image of one group, from files, copies and the store
 */
#ifndef VLY_CONTROL_LOADER_PARTS_H
#define VLY_CONTROL_LOADER_PARTS_H

#include <uv.h>

#include "base/reason.h"
#include "cache_lookup.h"
#include "image_source.h"
#include "loader.h"

/* A load goes through all phases; each has groups of its own. */
enum vly_load_phase {
	VLY_LOAD_LOOK,       /* at the files, without opening them */
	VLY_LOAD_FROM_CACHE, /* unchanged zones */
	VLY_LOAD_FROM_FILES, /* all others */
	VLY_LOAD_OLD_ONES,   /* from the cache, for zones that did not load */
	VLY_LOAD_DONE,
};

struct vly_load_group {
	struct vly_loader *loader;
	uv_work_t work;
	uint32_t *item; /* indices */
	uint32_t cnt;
	_Atomic uint32_t zones_done;
	_Atomic(const char *) name;
	struct vly_load_progress progress;
	struct vly_cached_image *cached; /* to be read; NULL: `image` is built from files */
	struct vly_live_image *image;
	char reason[VLY_REASON_BYTES]; /* why not */
};

struct vly_loader {
	uv_loop_t *loop;
	struct vly_load_settings settings;
	struct vly_load_item *items;
	uint32_t cnt;
	enum vly_load_phase phase;
	struct vly_cache_lookup *lookup;     /* NULL: nothing is cached */
	bool spares_cache;                   /* see vly_loader_spares_cache() */
	char cache_reason[VLY_REASON_BYTES]; /* why not */
	struct vly_image_sources sources;
	uv_work_t plan_work;
	uint32_t *order; /* item indices, group by group */
	struct vly_load_group *group;
	uint32_t group_cnt;
	uint32_t next_group;
	uint32_t running;
	uint32_t zones_before; /* done in earlier phases */
	uint64_t records_before;
	void (*done)(void *arg);
	void *arg;
};

/* loader.c */

/* CPUs for loading. */
uint32_t vly_load_cpu_cnt(void);

/* Groups that are loaded at once. */
uint32_t vly_load_parallel_max(void);

/* Sets the error of an item that has none. */
__attribute__((nonnull)) void vly_load_set_error(struct vly_load_item *item, const char *text);

/* Whether the item has neither an image nor is to stay as it is. */
static inline bool
vly_load_is_to_read(const struct vly_load_item *item)
{
	return !item->image && !item->is_adopted && (!item->is_unchanged || item->copy_from);
}

/* load_groups.c */

/* Makes the groups of the loader's phase. In the pool; opens the image cache at first. Without memory there are
 * none. */
__attribute__((nonnull)) void vly_load_make_groups(struct vly_loader *loader);

/* load_build.c */

/* Builds the image of a group. In the pool; blocks for the disk. */
__attribute__((nonnull)) void vly_load_build(struct vly_load_group *group);

#endif
