/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Catalog zones (RFC 9432) that are consumed: the zones that they list are served with the settings of
 * templates, and come and go with the catalogs' records.
 *
 *     change of a catalog ──► read in a thread ──► differences ──► owners.h ──► the reloader ──► served
 *                                                                                 removed: erased
 *
 * Use:
 *   1. vly_catalogs_new(), then vly_catalogs_attach() before the reloader's first load;
 *   2. vly_catalogs_configure() with each configuration when it is in force, after all others have it;
 *   3. vly_catalogs_state() and vly_catalogs_member() at any time;
 *   4. vly_catalogs_free().
 *
 * A broken catalog changes nothing: its members stay as they are, and its last good version is kept in a file
 * for the next start. A member that can't be served, or that fails to load, does not hold up others.
 *
 * Threads: the loop's. Catalogs are read and compared in threads of the pool. No function blocks. Trust: none
 * of what a catalog says.
 */
#ifndef VLY_CONTROL_CATALOGS_H
#define VLY_CONTROL_CATALOGS_H

#include <uv.h>

#include "living/living.h"
#include "owners.h"

struct vly_catalogs;
struct vly_reloader;

/* Returns NULL without memory. `living` must outlive the catalogs. */
__attribute__((nonnull, warn_unused_result)) struct vly_catalogs *
vly_catalogs_new(uv_loop_t *loop, const char *state_dir, struct vly_living *living);

/* Becomes the reloader's source of members, and listens to changes of living zones. */
__attribute__((nonnull)) void vly_catalogs_attach(struct vly_catalogs *catalogs,
						  struct vly_reloader *reloader);

/* Registers the function that learns of members: when one is served, or has other settings, is_there is true, and it
 * is called once more for each after every new configuration, because feeds belong to that; before one is
 * removed, is_there is false. The zone stays valid until then. */
__attribute__((nonnull(1, 2))) void
vly_catalogs_on_member(struct vly_catalogs *catalogs,
		       void (*fn)(void *arg, const struct vly_config_zone *zone, bool is_there),
		       void *arg);

/* The configuration must stay in place until the next call. */
__attribute__((nonnull)) void vly_catalogs_configure(struct vly_catalogs *catalogs,
						     const struct vly_config *config);

struct vly_catalogs_state {
	bool is_read;           /* there is a good version */
	uint32_t member_cnt;    /* of it */
	uint32_t contested_cnt; /* of these, those that belong to other catalogs */
	const char *problem;    /* why its records have no effect, one sentence, or "" */
};

/* Whether the zone is a consumed catalog; fills *state then. Strings are valid until the loop runs again. */
__attribute__((nonnull)) bool vly_catalogs_state(const struct vly_catalogs *catalogs,
						 const char *zone,
						 struct vly_catalogs_state *state);

struct vly_catalogs_member {
	const char *catalog;
	const char *template; /* or NULL */
	const struct vly_catalog_member *entry;
	const char *problem; /* why it is not served as a member, or "" */
};

/* Whether the zone belongs to a catalog. */
__attribute__((nonnull)) bool vly_catalogs_member(const struct vly_catalogs *catalogs,
						  const char *zone,
						  struct vly_catalogs_member *member);

/* Calls fn for each member that is not served, at most `max` of them. Returns how many there are. */
__attribute__((nonnull(1, 3))) uint32_t vly_catalogs_problems(
	const struct vly_catalogs *catalogs, uint32_t max,
	void (*fn)(void *arg, const char *zone, const char *catalog, const char *problem),
	void *arg);

/* Calls fn for each catalog whose records have no effect. */
__attribute__((nonnull(1, 2))) void
vly_catalogs_broken(const struct vly_catalogs *catalogs,
		    void (*fn)(void *arg, const char *catalog, const char *problem), void *arg);

/* Not while the manager of living zones is busy. */
void vly_catalogs_free(struct vly_catalogs *catalogs);

#endif
