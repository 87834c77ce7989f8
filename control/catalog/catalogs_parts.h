/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the files of consumed catalogs alone:
 *
 *     catalogs.c        which catalogs there are; their state
 *     catalogs_read.c   a catalog is read from the store, and compared with the version before
 *     catalogs_apply.c  what follows from that for the served zones
 */
#ifndef VLY_CONTROL_CATALOGS_PARTS_H
#define VLY_CONTROL_CATALOGS_PARTS_H

#include "catalogs.h"
#include "living/living_erase.h"
#include "living/living_read.h"
#include "member_template.h"
#include "reload/reload.h"

/* A consumed catalog. */
struct vly_consumer {
	struct vly_living_read read;
	struct vly_catalogs *catalogs;
	struct vly_catalog_source *source;
	struct vly_member_templates templates; /* of the configuration in force */
	struct vly_consumer *next_consumer;
	bool is_configured;
	bool is_reading;
	bool is_changed;                /* since the reading has begun */
	char problem[VLY_REASON_BYTES]; /* or "" */
	/* the result of the reading */
	struct vly_catalog *next; /* NULL: it is broken */
	char why[VLY_REASON_BYTES];
	struct vly_catalog_difference *difference;
	uint32_t difference_cnt;
	uint32_t difference_size;
	bool is_out_of_memory;
	bool is_saved; /* the good version, as the one in the store is broken; for the reading alone */
};

/* What a catalog said before the first load. */
struct vly_prepared_catalog {
	char *name;
	struct vly_catalog *catalog; /* NULL: there is none */
	char why[VLY_REASON_BYTES];
	struct vly_prepared_catalog *next;
};

struct vly_catalogs {
	uv_loop_t *loop;
	char *state_dir;
	struct vly_living *living;
	struct vly_reloader *reloader;
	const struct vly_config *config; /* NULL: none is in force yet */
	struct vly_owners owners;
	struct vly_consumer *consumers;
	struct vly_prepared_catalog *prepared;
	void (*on_member)(void *arg, const struct vly_config_zone *zone, bool is_there);
	void *on_member_arg;
	/* the batch under way */
	bool is_applying;
	struct vly_member_batch batch;
	struct vly_owned_zone **batch_zone; /* [batch.cnt] */
	struct vly_living_erase erase;
	uint32_t problem_cnt; /* members that are not served */
	uint32_t logged_cnt;
	uv_timer_t *retry; /* removals that failed */
};

/* catalogs.c */

/* Templates, members and served zones follow the configuration in force, and catalogs that it does not consume
 * are forgotten. */
__attribute__((nonnull)) void vly_catalogs_settle(struct vly_catalogs *catalogs);

/* catalogs_read.c */

/* Reads a catalog that has changed, or might have. */
__attribute__((nonnull)) void vly_consumer_read(struct vly_consumer *consumer);

/* Reads all catalogs of a configuration into catalogs->prepared. Blocks; for the pool. */
__attribute__((nonnull)) void vly_catalogs_prepare(void *catalogs, const struct vly_config *config);

/* Sets the problem of a catalog, and logs it if it is another one. NULL: there is none. */
__attribute__((nonnull(1))) void vly_consumer_set_problem(struct vly_consumer *consumer,
							  const char *why);

/* Replaces the version of a catalog. */
__attribute__((nonnull(1))) void
vly_consumer_take(struct vly_consumer *consumer, struct vly_catalog *next, enum vly_owners_why why);

/* Frees a catalog in a thread of the pool: 100,000 members would hold up the loop. */
__attribute__((nonnull(1))) void vly_catalogs_discard(struct vly_catalogs *catalogs,
						      struct vly_catalog *catalog);

/* catalogs_apply.c */

/* Makes the timer of removals that failed. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_catalogs_init_retry(struct vly_catalogs *catalogs);

/* Has the served zones follow. */
__attribute__((nonnull)) void vly_catalogs_apply(struct vly_catalogs *catalogs);

/* A configuration has come into force: brings all members up to it. */
__attribute__((nonnull)) void vly_catalogs_settle_members(struct vly_catalogs *catalogs);

#endif
