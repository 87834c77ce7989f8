/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between the parts of the reloader: reload_queue.c (what waits), reload.c (reading and loading),
 * reload_end.c (publishing, and what becomes of the outcome) and reload_answer.c (who is told).
 */
#ifndef VLY_CONTROL_RELOAD_PARTS_H
#define VLY_CONTROL_RELOAD_PARTS_H

#include "image_cache.h"
#include "reload.h"
#include "reload_queue.h"

struct vly_reload {
	struct vly_reloader *reloader;
	struct vly_reload *later;
	const char *phase;
	struct vly_reload_asker *askers; /* in order; of zones, all the same ones, unless is_full */
	bool is_full;                    /* everything */
	bool has_cached;                 /* images of the start-up cache */
	bool without_cache;              /* the dataplane refused those */
	bool alone;                      /* the first load: of the configuration read at start */
	bool is_published;               /* the zones, with this outcome: */
	uint64_t begin_ms;
	uv_work_t work;
	struct vly_config *config; /* read, not yet part of the served zones */
	struct vly_config_errors config_errors;
	struct vly_served_zones *next;   /* of a new configuration */
	struct vly_served_zones *target; /* `next`, or the live one */
	struct vly_served_zone **zones;
	struct vly_load_item *items;
	uint32_t zone_cnt;
	struct vly_loader *loader;
	uint32_t remnant_cnt;
	enum vly_publish_outcome outcome;
	char text[512];
	struct vly_reload_report report;
};

struct vly_reloader {
	uv_loop_t *loop;
	char *config_path;
	struct vly_hash_key key;
	struct vly_publisher *publisher;
	struct vly_defender *defender;
	struct vly_image_cache *cache;
	char *cache_dir;
	bool keep_images;
	bool store_wanted; /* something new is live */
	bool spares_cache; /* see vly_loader_spares_cache() */
	bool spare_told;   /* in the log */
	struct vly_served_zones *live;
	struct vly_reload *running;
	struct vly_reload_queue queue;
	bool started; /* the first load was asked for */
	uv_idle_t kick;
};

/* Images that may be live after this reload. */
__attribute__((nonnull)) uint32_t vly_reload_images_max(const struct vly_reload *reload);

/* Publishes what was staged; the reload ends with what becomes of it. */
__attribute__((nonnull)) void vly_reload_publish(struct vly_reload *reload);

/* In reload.c: loads once more, from the files of the zones, what was refused. */
__attribute__((nonnull)) void vly_reload_without_cache(struct vly_reload *reload);

/* Reports, and has the next one run. */
__attribute__((nonnull, format(printf, 3, 4))) void
vly_reload_finish(struct vly_reload *reload, enum vly_reload_code code, const char *format, ...);

/* In reload.c: has the loop see whether there is something to do. */
__attribute__((nonnull)) void vly_reloader_kick(struct vly_reloader *reloader);

/* In reload_queue.c: gives back those who asked. */
__attribute__((nonnull)) void vly_reload_free_askers(struct vly_reload *reload);

/* In reload_answer.c: writes what came of `zone_cnt` zones that were published, of which `failed`
 * did not load, to text. Returns the code. */
__attribute__((nonnull)) enum vly_reload_code vly_reload_describe(const struct vly_reload *reload,
								  uint32_t zone_cnt,
								  uint32_t failed, char *text,
								  size_t text_bytes);

/* In reload_answer.c: calls `done` of all who asked, with reload->report or, where they asked for
 * some zones, with what became of those. */
__attribute__((nonnull)) void vly_reload_answer(struct vly_reload *reload);

/* In reload.c: gives back all that a finished reload had. */
__attribute__((nonnull)) void vly_reload_free(struct vly_reload *reload);

#endif
