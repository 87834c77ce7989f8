/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reloads: read (configuration,) zones, compile, publish, and only then serve it.
 *
 * Use:
 *   1. vly_reloader_new() with the configuration that was read at start;
 *   2. vly_reloader_request(); reloads run one after the other, in their order, and a request joins
 *      one that has not begun and reads what it asks for (reload_queue.h);
 *   3. `done` of each request is called once with the report on what it asked for.
 *
 * What a reload does to zones:
 *   - without names: reads the configuration again and all zone files. A bad configuration
 *     changes nothing. The defence follows when the zones are in. Sockets and the state directory
 * of a changed configuration count from the next start on.
 *   - with names: reads these zones' files, nothing else.
 *   - a zone that fails keeps its old version; one dataplane commit brings in all that loaded.
 *   - the first load after start is published with `hold` (publisher.h) when a zone has failed; so
 *     are reloads of named zones as long as one has no version. A reload of everything publishes
 *     what it has.
 *   - the first load takes from the start-up cache (image_cache.h) what it can; after each commit
 *     what is live is stored.
 *   - when no zone at all is loaded, though some are configured, nothing is published.
 *
 * Threads: the loop's; files are read in the pool. Ownership: the reloader owns the served zones.
 */
#ifndef VLY_CONTROL_RELOAD_H
#define VLY_CONTROL_RELOAD_H

#include "defence/defender.h"
#include "publish/publisher.h"
#include "served_zones.h"

enum vly_reload_code {
	VLY_RELOAD_OK,
	VLY_RELOAD_FAILED,
	VLY_RELOAD_NO_DATAPLANE, /* loaded; published when it connects */
};

/* Valid during the call of `done`. */
struct vly_reload_report {
	enum vly_reload_code code;
	const char *text; /* one sentence when the code is not OK, else "" */
	/* those that were to be loaded; the failed ones have an error */
	struct vly_served_zone *const *zones;
	uint32_t zone_cnt;
	uint32_t failed_cnt;
	const struct vly_config_errors *config_errors;
	uint64_t record_cnt;
	uint32_t cached_cnt; /* zones that came from the image cache */
	uint64_t duration_ms;
	uint64_t generation; /* 0: not published */
	/* The programs that must be restarted for the configuration to be in force, in words; NULL:
	 * none. */
	const char *restart_needed;
};

struct vly_reload_progress {
	const char *phase; /* queued, reading, publishing */
	struct vly_load_state load;
	uint64_t duration_ms;
};

struct vly_reloader;
struct vly_reload_asker;

/* Takes over `config`. `keep_images`: the key will be known at the next start, so the image cache
 * is of use then. `defender` gets the defence of each configuration that came in. Publisher and
 * defender must outlive the reloader. NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_reloader *
vly_reloader_new(uv_loop_t *loop, const char *config_path, struct vly_config *config,
		 const struct vly_hash_key *key, bool keep_images, struct vly_publisher *publisher,
		 struct vly_defender *defender);

/*
 * Asks for a reload of zones[0..zone_cnt-1] (copied, canonical), or of everything when zone_cnt
 * is 0. The first request of all loads the configuration given to vly_reloader_new(). `done` is
 * never called before this returns. Returns NULL without memory.
 */
__attribute__((nonnull(1, 4))) struct vly_reload_asker *
vly_reloader_request(struct vly_reloader *reloader, char *const *zones, uint32_t zone_cnt,
		     void (*done)(void *arg, const struct vly_reload_report *report), void *arg);

/* Nobody waits for a request that is not done any more: `done` is not called. */
__attribute__((nonnull)) void vly_reload_forget(struct vly_reload_asker *asker);

/* Of a request that is not done. */
__attribute__((nonnull)) void vly_reload_progress(const struct vly_reload_asker *asker,
						  struct vly_reload_progress *progress);

/* The served zones, valid until the loop runs again. */
__attribute__((nonnull)) const struct vly_served_zones *
vly_reloader_served(const struct vly_reloader *reloader);

/* Reloads that are not done, the running one included: fewer than requests, where those joined. */
__attribute__((nonnull)) uint32_t vly_reloader_pending(const struct vly_reloader *reloader);

/* Why the image cache is not written, or "". Valid until the loop runs again. */
__attribute__((nonnull)) const char *vly_reloader_trouble(const struct vly_reloader *reloader);

/* True while the image cache is written. It may be broken off at any time, by the end of the
 * process. */
__attribute__((nonnull)) bool vly_reloader_is_storing(const struct vly_reloader *reloader);

/* Only when nothing is pending or being stored. */
void vly_reloader_free(struct vly_reloader *reloader);

#endif
