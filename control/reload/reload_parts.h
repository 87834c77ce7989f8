/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the parts of the reloader alone, by file. Each part calls those below it, and no part calls
 * one above it but by a function pointer:
 *
 *     reload.c         takes the next reload, and begins and ends the reloader
 *     reload_load.c    has the chosen zones loaded
 *     reload_living.c  living zones: their files, and when they begin to live
 *     reload_members.c members of catalogs
 *     reload_scan.c    the zones of directories
 *     reload_pack.c    moves zones out of small images
 *     reload_keep.c    which of the zones may keep their version
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
#include "config/zone_directory.h"
#include "directory_watch.h"
#include "image_cache.h"
#include "member_zones.h"
#include "reload.h"
#include "reload_queue.h"

struct vly_reload {
	struct vly_reloader *reloader;
	struct vly_reload *later;        /* in the queue */
	const char *phase;               /* queued, reading or publishing */
	struct vly_reload_asker *askers; /* in order; unless is_full, all for the same zones */
	bool is_full;                    /* a reload of all zones and the configuration */
	bool is_forced;                  /* all zone files are read */
	bool is_watched; /* of directories alone, as something has changed there; nobody asked */
	struct vly_member_batch
		*member_batch; /* it is for these alone, and nobody asked; or NULL */
	bool is_packing;       /* zones of many images move to one; nothing else changes */
	bool has_same_config;  /* it has not changed: the live list stays */
	bool alone;            /* the first load: of the configuration that was read at start */
	bool has_cached;       /* images of the image cache are among the loaded ones */
	bool without_cache;    /* the dataplane refused those: this is the second attempt */
	bool is_published;     /* `outcome` is set */
	uint64_t begin_ms;
	uv_work_t work;
	struct vly_watched_file *files; /* is_watched: what has changed; NULL: all are scanned */
	struct vly_found_zones scan;    /* a full reload: the zones of all directories */
	bool scan_failed;
	uint32_t
		neighbour_at; /* is_watched, member_batch: zones from here on are there for their image alone */
	struct vly_config *config; /* read, not yet part of a list of served zones */
	struct vly_reload_files
		beside; /* is_full: of the configuration, whether it has changed or not */
	struct vly_config_errors config_errors;
	struct vly_served_zones *next; /* owned; the list for a new configuration, or NULL */
	struct vly_served_zones
		*target; /* the list the zones are loaded for: `next`, or the live one */
	struct vly_served_zone **zones; /* [zone_cnt], of `target` */
	struct vly_load_item *items;    /* [zone_cnt] */
	uint64_t settings;              /* that they are compiled with: vly_cache_settings_hash() */
	uint32_t zone_cnt;
	struct vly_loader *loader; /* while it runs */
	uint32_t reread_at;        /* the next item that vly_reload_reread() looks at */
	void (*on_reread)(struct vly_reload *reload);
	void (*on_dropped)(struct vly_reload *reload); /* see vly_reload_drop_living() */
	bool has_new_config;                           /* it is in force */
	uint32_t remnant_cnt; /* see vly_served_zones_remnants() and vly_living_remnants() */
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
	struct vly_publish_turns *turns;
	struct vly_defender *defender;
	struct vly_living *living;
	struct vly_key_files *(*read_keys)(void *arg, const struct vly_config *config);
	void (*configured)(void *arg, const struct vly_config *config,
			   const struct vly_reload_files *files); /* or NULL; and read_keys */
	void *configured_arg;
	struct vly_member_source members;                /* without functions: there are none */
	struct vly_member_batch *member_batch;           /* waits for its turn; or NULL */
	bool (*is_expired)(void *arg, const char *zone); /* or NULL */
	void *is_expired_arg;
	struct vly_image_cache *cache;
	char *cache_dir;
	bool keep_images;
	bool store_wanted;   /* something new is live */
	bool spares_cache;   /* see vly_loader_spares_cache() */
	bool spare_reported; /* in the log */
	bool has_shadowed; /* a file is not served, as its zone is served from that of a directory */
	bool started;      /* the first load was asked for */
	bool defence_failed; /* that of the configuration is not in force */
	struct vly_served_zones *live;
	struct vly_reload *running; /* or NULL */
	struct vly_reload_queue queue;
	uv_idle_t kick;
	void (*on_kick)(uv_idle_t *kick); /* see vly_reloader_kick() */
	uv_timer_t watch;                 /* looks at signatures, see watch_signatures() */
	uv_timer_t store_timer;           /* until the image cache may be written again */
	struct vly_directory_watch directories;
};

/* reload_load.c */

/* Loads reload->zones. */
__attribute__((nonnull)) void vly_reload_load(struct vly_reload *reload);

/* The settings that the zones of a configuration are compiled with. */
__attribute__((nonnull)) struct vly_load_settings
vly_reload_settings(const struct vly_reloader *reloader, const struct vly_served_zones *served);

/* Whether images are kept on disk for the next start. */
__attribute__((nonnull)) bool vly_reload_has_cache(const struct vly_reloader *reloader,
						   const struct vly_config *config);

/* reload_choose.c; each ends in vly_reload_load(), or ends the reload */

/* The zones that the reload's request names. */
__attribute__((nonnull)) void vly_reload_choose_named(struct vly_reload *reload);

/* Reads the configuration, unless it is as it was, and its files of TLS, and looks at directories, in the pool; then
 * chooses zones. */
__attribute__((nonnull)) void vly_reload_read_config(uv_work_t *work);
__attribute__((nonnull)) void vly_reload_on_config(uv_work_t *work, int status);

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

/* Ends a reload that has nothing to do: without a word. */
__attribute__((nonnull)) void vly_reload_drop(struct vly_reload *reload);

/* For vly_living_on_signatures(); arg: the reloader. */
__attribute__((nonnull)) void vly_reload_on_signatures(void *arg, const char *name,
						       uint64_t expiry_s, uint64_t margin_s);

/* Has the loop call `on_kick`, which looks whether there is something to do. */
__attribute__((nonnull)) void vly_reloader_kick(struct vly_reloader *reloader);

/* reload_living.c */

/* Sets the items of living zones up for the loader. */
__attribute__((nonnull)) void vly_reload_prepare_living(struct vly_reload *reload);

/* Has the manager of living zones read the files that have changed, of zones that are served already,
 * then calls `done`. What goes wrong becomes the error of the zone. */
__attribute__((nonnull)) void vly_reload_reread(struct vly_reload *reload,
						void (*done)(struct vly_reload *reload));

/* To be called when the zones of a reload are live: hands living zones over to their manager. */
__attribute__((nonnull)) void vly_reload_settle_living(struct vly_reload *reload);

/* To be called thereafter: removes living zones that are no longer configured, and calls `done` when they
 * are not answered any more, or are counted as remnants. */
__attribute__((nonnull)) void vly_reload_drop_living(struct vly_reload *reload,
						     void (*done)(struct vly_reload *reload));

/* reload_scan.c */

/* Makes the zones of directories in `target` those that the scan has found: adds zones, and stages the
 * removal of others. What there is no memory for has another scan follow. Returns -1 if `target`, which is to
 * become the live list, would lose a zone for want of memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_reload_apply_scan(struct vly_reload *reload, struct vly_served_zones *target);

/* Stages the removal of a zone that is answered from an image of files. */
__attribute__((nonnull)) void vly_reload_remove_zone(struct vly_served_zones *served,
						     struct vly_served_zone *zone);

/* Chooses zones one by one: each gets into reload->zones once. */
void vly_reload_begin_choosing(void);
__attribute__((nonnull)) void vly_reload_choose_zone(struct vly_reload *reload,
						     struct vly_served_zone *zone);

/* Then all zones that share an image with a removed one. */
__attribute__((nonnull)) void vly_reload_choose_neighbours(struct vly_reload *reload);

/* Looks which of reload->files exist. In the pool; blocks for the disk. */
__attribute__((nonnull)) void vly_reload_look_at_files(struct vly_reload *reload);

/* Chooses the zones of reload->files, and stages the removal of those whose files are gone. Without memory
 * reload->zones is NULL. */
__attribute__((nonnull)) void vly_reload_choose_files(struct vly_reload *reload);

/* reload_members.c */

/* Adds the members that `target` lacks, with the settings of its configuration. Returns -1 if `target`, which is
 * to become the live list, would lose a zone for want of memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_reload_apply_members(struct vly_reload *reload, struct vly_served_zones *target);

/* Chooses the zones of reload->member_batch, and stages removals. Without memory reload->zones is NULL. */
__attribute__((nonnull)) void vly_reload_choose_members(struct vly_reload *reload);

/* Removes the living zones among those that are gone. Returns false if there are none; else `done` is called as
 * by vly_living_end_removal(). */
__attribute__((nonnull(1, 2), warn_unused_result)) bool
vly_reload_drop_living_members(struct vly_reload *reload, void (*done)(void *arg), void *arg);

/* The batch has ended, if this is a reload of members. */
__attribute__((nonnull)) void vly_reload_end_members(struct vly_reload *reload);

/* reload_keep.c */

/* Sets `held` of the items of a reload: what the loader may leave as it is. */
__attribute__((nonnull)) void vly_reload_keep(struct vly_reload *reload);

/* reload_pack.c */

/* Whether there are so many small images, or so much garbage, that zones should move. Takes time in
 * proportion to the number of images. */
__attribute__((nonnull)) bool vly_reload_pack_is_due(const struct vly_served_zones *served);

/* Chooses the zones that move, of reload->target. Without memory reload->zones is NULL. In the pool; the target must
 * not change meanwhile. */
__attribute__((nonnull)) void vly_reload_choose_pack(struct vly_reload *reload);

/* After a failure: the images that were to be emptied are left alone from now on. */
__attribute__((nonnull)) void vly_reload_give_up_pack(const struct vly_reload *reload);

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
