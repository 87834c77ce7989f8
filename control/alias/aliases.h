/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ALIAS records of living zones: their targets are resolved in the background, and their addresses become A and
 * AAAA records of the zone, by changes like any other (living/living.h).
 *
 *     store ──► alias_look.c: which there are ──► due ──► target in a zone of ours: alias_look.c
 *                                                     └─► elsewhere: alias_resolver.c (libunbound)
 *                                                              │
 *                 living ◄── alias_submit.c: one change of each zone ◄── alias_plan.c
 *
 * A target in a living zone of ours is looked up in the store, and again with each change of a zone that it went
 * through. Any other is asked of forwarders, again and again, as its TTL says within bounds. When that
 * fails, the addresses stay as they are.
 *
 * Use: vly_aliases_new(); vly_aliases_configure() with each configuration; vly_aliases_free().
 *
 * What is kept: the records are in the store; when targets were last resolved, in state-dir/aliases, a file of notes
 * (base/note_file.h).
 *
 * Threads: the loop's. No function blocks, but for opening the notes, and for libunbound's thread when it ends.
 */
#ifndef VLY_CONTROL_ALIASES_H
#define VLY_CONTROL_ALIASES_H

#include "alias_plan.h"
#include "alias_set.h"
#include "config/config.h"
#include "living/living.h"

struct vly_aliases;

/* How a zone of that name is served here. */
enum vly_alias_served {
	VLY_ALIAS_NOT_SERVED,
	VLY_ALIAS_SERVED_LIVING,
	VLY_ALIAS_SERVED_FILE, /* its records are in no store */
};

struct vly_aliases_settings {
	uv_loop_t *loop;
	const char *state_dir;
	struct vly_living *living; /* it must outlive this */
	enum vly_alias_served (*find_zone)(void *arg, const char *zone);
	void *find_zone_arg;
};

/* Returns NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_aliases *
vly_aliases_new(const struct vly_aliases_settings *settings);

/* Takes the section `alias`. */
__attribute__((nonnull)) void vly_aliases_configure(struct vly_aliases *aliases,
						    const struct vly_config *config);

struct vly_aliases_counts {
	uint32_t cnt;
	uint32_t waiting_cnt;  /* for their turn, or for an answer */
	uint32_t failing_cnt;  /* with trouble, not counting the missing ones */
	uint32_t missing_cnt;  /* whose targets have no addresses */
	uint64_t resolved_cnt; /* attempts that have ended, since the start */
	uint64_t failed_cnt;   /* of these, the ones that failed */
};

__attribute__((nonnull)) void vly_aliases_counts(const struct vly_aliases *aliases,
						 struct vly_aliases_counts *counts);

/* One sentence about what is wrong with ALIAS records, or "". Valid until the loop runs again. */
__attribute__((nonnull)) const char *vly_aliases_trouble(struct vly_aliases *aliases);

/* An ALIAS, for people. Valid during the call. */
struct vly_alias_state {
	const char *zone;
	const char *name;
	const char *target;
	const char *source; /* where addresses come from: "resolver", "zones", or "none" yet */
	const char *trouble;
	bool is_missing;
	bool is_busy;
	uint64_t good_s; /* when the addresses were last found; 0: never */
	uint64_t missing_s;
	uint64_t next_s; /* the next attempt; 0: with a change of a zone alone, or now */
	uint32_t ttl;    /* of the answers */
	struct vly_alias_set set[VLY_ALIAS_FAMILIES];
};

/*
 * Calls fn for each ALIAS of a zone (NULL: of all), behind the one that `after` (NULL: none) was written for,
 * until it returns false. `after`: zone, a blank, and name, both canonical. Returns false if there is no such
 * ALIAS any more.
 */
__attribute__((nonnull(1, 4), warn_unused_result)) bool
vly_aliases_list(const struct vly_aliases *aliases, const char *zone, const char *after,
		 bool (*fn)(void *arg, const struct vly_alias_state *state), void *arg);

void vly_aliases_free(struct vly_aliases *aliases);

#endif
