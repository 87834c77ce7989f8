/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reloader: reads the configuration and the zones, compiles them, has them published, and only
 * then counts them as served.
 *
 * Use:
 *   1. vly_reloader_new() with the configuration that was read at start;
 *   2. vly_reloader_request(): reloads run one at a time, in order, and a request joins a waiting
 *      reload that is going to read what it asks for (reload_queue.h);
 *   3. `done` of each request is called once, with a report on what it asked for;
 *   4. vly_reloader_free() when nothing is pending or being stored.
 *
 * What a reload does:
 *   - A full reload reads the configuration, and the zone files that have changed since they were
 *     read; if what decides how zones are compiled has changed, or it is forced, all of them. A
 *     configuration with errors changes nothing. The defence follows when the zones are live. New sockets and a new state directory
 *     take effect at the next start.
 *   - A reload of named zones reads their files, and nothing else.
 *   - A zone that fails keeps the version it had. One commit brings in all zones that loaded.
 *   - When zones are configured, and none of those to be loaded loads, nothing is published.
 *   - The first load takes what it can from the image cache. After each commit the live images are
 *     stored there.
 *   - If a zone fails in the first load, its commit is held back (publisher.h), and so are those of
 *     reloads of named zones, as long as any zone has no version. A full reload is never held back.
 *
 * Threads: all functions are for the loop's thread, and none blocks: files are read in the thread
 * pool. Ownership: the reloader owns the list of served zones.
 */
#ifndef VLY_CONTROL_RELOAD_H
#define VLY_CONTROL_RELOAD_H

#include "defence/defender.h"
#include "living/living.h"
#include "loader.h"
#include "member_zones.h"
#include "publish/publish_turns.h"
#include "served_zones.h"

enum vly_reload_code {
	VLY_RELOAD_OK,
	VLY_RELOAD_FAILED,
	VLY_RELOAD_NO_DATAPLANE, /* loaded; published when a dataplane connects */
};

/* The result of a reload. Valid during the call of `done`. */
struct vly_reload_report {
	enum vly_reload_code code;
	const char *text; /* one sentence when the code is not OK, else "" */
	/* the zones that were to be loaded; those that failed have an error */
	struct vly_served_zone *const *zones;
	uint32_t zone_cnt;
	uint32_t failed_cnt;
	const struct vly_config_errors *config_errors;
	uint64_t record_cnt;
	uint32_t cached_cnt;    /* zones that came from the image cache */
	uint32_t unchanged_cnt; /* zones that kept their version, as their files have not changed */
	uint64_t duration_ms;
	uint64_t generation; /* 0: not published */
	/* the names of the programs that must be restarted for all of the configuration to take
	 * effect; NULL: none */
	const char *restart_needed;
};

struct vly_reload_progress {
	const char *phase; /* queued, reading or publishing */
	struct vly_load_state load;
	uint64_t duration_ms; /* since the request */
};

struct vly_key_files;
struct vly_profiles;

/* What was read beside a configuration, in a thread: a file system may hang. NULL without memory. */
struct vly_reload_files {
	struct vly_profiles *profiles; /* session/profiles.h */
	struct vly_key_files *keys;    /* update/key_files.h */
};

struct vly_reloader;
struct vly_reload_asker; /* one request */

/*
 * Makes a reloader, which owns `config` from then on; `config_path` and `key` are copied.
 * `keep_images`: the hash key was stored, so a cache written now is of use at the next start.
 * `defender` gets the defence of each new configuration, `living` the living zones. All of these and
 * the publisher must outlive the reloader. Returns NULL without memory, and `config` stays the caller's.
 */
__attribute__((nonnull, warn_unused_result)) struct vly_reloader *
vly_reloader_new(uv_loop_t *loop, const char *config_path, struct vly_config *config,
		 const struct vly_hash_key *key, bool keep_images, struct vly_publisher *publisher,
		 struct vly_publish_turns *turns, struct vly_defender *defender,
		 struct vly_living *living);

/* Registers the function that gets each configuration that has come into force, and what was read beside it. The profiles
 * are the function's to hold. `read_keys` is called before, in a thread. */
__attribute__((nonnull(1))) void vly_reloader_on_config(
	struct vly_reloader *reloader,
	struct vly_key_files *(*read_keys)(void *arg, const struct vly_config *config),
	void (*configured)(void *arg, const struct vly_config *config,
			   const struct vly_reload_files *files),
	void *arg);

/* Registers the function that says whether a living zone has expired, and is not to be answered from the
 * store when it is loaded. */
__attribute__((nonnull(1))) void
vly_reloader_on_expired(struct vly_reloader *reloader,
			bool (*is_expired)(void *arg, const char *zone), void *arg);

/*
 * Requests a reload of zones[0..zone_cnt-1] (copied; canonical names), or a full one when zone_cnt
 * is 0. The first request of all loads the configuration given to vly_reloader_new(). `done` is
 * called once, and never before this returns. Returns the request, valid until `done`; or NULL
 * without memory.
 */
__attribute__((nonnull(1, 4))) struct vly_reload_asker *
vly_reloader_request(struct vly_reloader *reloader, char *const *zones, uint32_t zone_cnt,
		     void (*done)(void *arg, const struct vly_reload_report *report), void *arg);

/* Drops a request that is not done: its `done` is not called. The reload goes on. */
__attribute__((nonnull)) void vly_reload_forget(struct vly_reload_asker *asker);

/* Makes a reload that has not begun read all zone files, whether they have changed or not. */
__attribute__((nonnull)) void vly_reload_force(struct vly_reload_asker *asker);

/* Shows how far the reload of a request that is not done has come. */
__attribute__((nonnull)) void vly_reload_progress(const struct vly_reload_asker *asker,
						  struct vly_reload_progress *progress);

/* The served zones. Valid until the loop runs again. */
__attribute__((nonnull)) const struct vly_served_zones *
vly_reloader_served(const struct vly_reloader *reloader);

/* The number of reloads that are not done, the running one included. Requests that joined a reload
 * do not add to it. */
__attribute__((nonnull)) uint32_t vly_reloader_pending(const struct vly_reloader *reloader);

/* Why the image cache is not written, or "". Valid until the loop runs again. */
__attribute__((nonnull)) const char *vly_reloader_trouble(const struct vly_reloader *reloader);

/* True while the image cache is written. The process may exit meanwhile: files are replaced as a
 * whole. */
__attribute__((nonnull)) bool vly_reloader_is_storing(const struct vly_reloader *reloader);

/* The memory is freed when the loop has closed the handles. */
void vly_reloader_free(struct vly_reloader *reloader);

#endif
