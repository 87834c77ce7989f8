/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the parts of the reloader alone, by file. Each part calls those below it, and no part calls
 * one above it but by a function pointer:
 *
 *     reload.c         takes the next reload, chooses its zones, has them loaded
 *     reload_end.c     publishes them, logs the result, ends the reload
 *     reload_answer.c  the answer to each request
 *     reload_queue.c   the requests that wait (reload_queue.h)
 *
 * A reload goes through these states, which `phase` shows to people:
 *
 *     queued ──► reading ──► publishing ──► finished: answered, and freed
 *                 │  ▲            │            ▲
 *                 │  └────────────┘            │
 *                 │  the dataplane refused     │
 *                 │  images of the cache       │
 *                 └──── nothing to publish ────┘
 *
 * Threads: the loop's; none of the functions blocks.
 */
#ifndef VLY_CONTROL_RELOAD_PARTS_H
#define VLY_CONTROL_RELOAD_PARTS_H

#include "base/reason.h"
#include "image_cache.h"
#include "reload.h"
#include "reload_queue.h"

struct vly_reload {
	struct vly_reloader *reloader;
	struct vly_reload *later;        /* in the queue */
	const char *phase;               /* queued, reading or publishing */
	struct vly_reload_asker *askers; /* in order; unless is_full, all for the same zones */
	bool is_full;                    /* a reload of all zones and the configuration */
	bool alone;         /* the first load: of the configuration that was read at start */
	bool has_cached;    /* images of the image cache are among the loaded ones */
	bool without_cache; /* the dataplane refused those: this is the second attempt */
	bool is_published;  /* `outcome` is set */
	uint64_t begin_ms;
	uv_work_t work;
	struct vly_config *config; /* read, not yet part of a list of served zones */
	struct vly_config_errors config_errors;
	struct vly_served_zones *next; /* owned; the list for a new configuration, or NULL */
	struct vly_served_zones
		*target; /* the list the zones are loaded for: `next`, or the live one */
	struct vly_served_zone **zones; /* [zone_cnt], of `target` */
	struct vly_load_item *items;    /* [zone_cnt] */
	uint32_t zone_cnt;
	struct vly_loader *loader; /* while it runs */
	uint32_t remnant_cnt;      /* see vly_served_zones_remnants() */
	void (*load_without_cache)(struct vly_reload *reload);
	enum vly_publish_outcome outcome;
	char text[VLY_TROUBLE_BYTES];
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
	bool store_wanted;   /* something new is live */
	bool spares_cache;   /* see vly_loader_spares_cache() */
	bool spare_reported; /* in the log */
	bool started;        /* the first load was asked for */
	struct vly_served_zones *live;
	struct vly_reload *running; /* or NULL */
	struct vly_reload_queue queue;
	uv_idle_t kick;
	void (*on_kick)(uv_idle_t *kick); /* see vly_reloader_kick() */
	uv_timer_t watch;                 /* see vly_reloader_watch() */
};

/* reload_end.c */

/* How many images may be live after this reload. */
__attribute__((nonnull)) uint32_t vly_reload_images_max(const struct vly_reload *reload);

/* Publishes what is staged in reload->target, and ends the reload with the outcome. When the
 * dataplane refuses images of the cache, `load_without_cache` is called instead: it loads all zones
 * from their files. */
__attribute__((nonnull)) void
vly_reload_publish(struct vly_reload *reload,
		   void (*load_without_cache)(struct vly_reload *reload));

/* Ends a reload: logs and answers it, frees it, and has the next one run. */
__attribute__((nonnull, format(printf, 3, 4))) void
vly_reload_finish(struct vly_reload *reload, enum vly_reload_code code, const char *format, ...);

/* Has the loop call `on_kick`, which looks whether there is something to do. */
__attribute__((nonnull)) void vly_reloader_kick(struct vly_reloader *reloader);

/* Logs which signatures of served zones expire soon, and has the loop look again in time. */
__attribute__((nonnull)) void vly_reloader_watch(struct vly_reloader *reloader);

/* reload_answer.c */

/* Describes in `text` the result for `zone_cnt` published zones, `failed` of which did not load.
 * Returns the code. */
__attribute__((nonnull)) enum vly_reload_code vly_reload_describe(const struct vly_reload *reload,
								  uint32_t zone_cnt,
								  uint32_t failed, char *text,
								  size_t text_bytes);

/* Calls `done` of every request, with reload->report; a request for certain zones gets a report on
 * those. */
__attribute__((nonnull)) void vly_reload_answer(struct vly_reload *reload);

/* reload_queue.c */

/* Frees the requests of a reload, without answering them. */
__attribute__((nonnull)) void vly_reload_free_askers(struct vly_reload *reload);

/* Frees a reload, its requests and all that it holds. */
__attribute__((nonnull)) void vly_reload_free(struct vly_reload *reload);

#endif
