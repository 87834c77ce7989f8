/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zones that neither the configuration lists nor a directory has: members of catalogs. They are served beside
 * the others, and come and go without a reload of the configuration.
 *
 * Use:
 *   1. vly_reloader_set_member_source() before the first load, which asks the source for all members, as
 *      does each reload that brings a new configuration;
 *   2. vly_reloader_change_members() when some come, go or get other settings, one batch at a time;
 *   3. vly_served_zone.is_member says whether a zone is served as a member. A zone of the configuration
 *      or of a directory with the same name is served in its place.
 *
 * Threads: the loop's, but for `prepare` of the source.
 */
#ifndef VLY_CONTROL_MEMBER_ZONES_H
#define VLY_CONTROL_MEMBER_ZONES_H

#include <stdbool.h>
#include <stdint.h>

struct vly_config;
struct vly_config_zone;
struct vly_reloader;

enum vly_member_action {
	VLY_MEMBER_PUT,    /* serve it, or take its new settings */
	VLY_MEMBER_REMOVE, /* do not serve it any more */
};

enum vly_member_result {
	VLY_MEMBER_DONE,   /* PUT: it is in the list of served zones, loaded or with an error */
	VLY_MEMBER_CLASH,  /* PUT: a zone of that name is in the list that is not a member */
	VLY_MEMBER_FAILED, /* out of memory, or the dataplane refused it */
};

struct vly_member_change {
	enum vly_member_action action;
	enum vly_member_result result;
	const struct vly_config_zone *zone; /* name, file, living and feed count */
};

struct vly_member_batch {
	struct vly_member_change *change; /* [cnt], each zone once */
	uint32_t cnt;
	void (*done)(void *arg);
	void *arg;
};

struct vly_member_source {
	void *arg;
	/* In the pool, before the first load: reads what there is to read. Blocks for the disk. */
	void (*prepare)(void *arg, const struct vly_config *config);
	/* Calls fn for each member, as `config` wants it to be. The zone is valid during the call. */
	void (*walk)(void *arg, const struct vly_config *config,
		     void (*fn)(void *fn_arg, const struct vly_config_zone *zone), void *fn_arg);
};

/* Copies *source. */
__attribute__((nonnull)) void
vly_reloader_set_member_source(struct vly_reloader *reloader,
			       const struct vly_member_source *source);

/* Begins with a batch, which must stay in place until its `done`, which is never called before this
 * returns. No other batch may be under way. */
__attribute__((nonnull)) void vly_reloader_change_members(struct vly_reloader *reloader,
							  struct vly_member_batch *batch);

#endif
