/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which catalog each member zone belongs to, if several list it (RFC 9432 §4.4.1, §5.2 to §5.6).
 *
 *   - A zone belongs to the catalog that listed it first, until that one lists it no more.
 *   - Another catalog that lists it contests it: that entry has no effect. If the owner's entry names the other
 *     catalog in its property coo, the zone moves there. Its data stay if the unique labels are equal.
 *   - A new unique label, within a catalog or when a zone moves, resets the zone: its data are removed.
 *   - When the owner lists the zone no more, its data are removed. Another catalog that lists it gets it
 *     as a new zone then.
 *
 * Use: vly_owners_add() for each catalog; vly_owners_take() with each good version; vly_owners_next_dirty()
 * yields the zones that something has changed for; vly_owners_forget() when such a zone is gone;
 * vly_owners_clear().
 *
 * One thread; no function blocks. The cost is that of the differences, times the number of catalogs for zones
 * that are gone.
 */
#ifndef VLY_CONTROL_OWNERS_H
#define VLY_CONTROL_OWNERS_H

#include "catalog.h"
#include "config/config.h"

/* A zone that a catalog lists, but that belongs to another one. */
struct vly_contested {
	UT_hash_handle hh;
	char name[];
};

/* A consumed catalog. */
struct vly_catalog_source {
	char *name;
	struct vly_catalog *catalog; /* the last good version; NULL: none yet */
	struct vly_contested *contested;
	void *user; /* whose it is */
	struct vly_catalog_source *next;
};

/* Why a zone that belongs to a catalog is not served as its member. */
enum vly_member_problem {
	VLY_MEMBER_NO_PROBLEM,
	VLY_MEMBER_CONFIGURED,  /* the configuration or a directory has a zone of this name */
	VLY_MEMBER_NO_TEMPLATE, /* for its groups */
	VLY_MEMBER_BAD_NAME,    /* its name can't be part of a file's name */
	VLY_MEMBER_NO_SOURCE,   /* its template has neither file nor primaries */
	VLY_MEMBER_NO_ROOM,     /* out of memory, or refused by the dataplane */
	VLY_MEMBER_PROBLEM_CNT,
};

struct vly_owned_zone {
	char *name;
	struct vly_catalog_source *owner; /* NULL: it is to go */
	bool is_reset;                    /* its data are to be removed */
	bool keeps_data;                  /* it is to go, but not its data */
	bool is_dirty;
	struct vly_owned_zone *next_dirty;
	/* the members' (members.h) */
	bool is_served;
	bool is_announced;
	uint8_t problem; /* enum vly_member_problem */
	struct vly_config_zone zone;
	UT_hash_handle hh;
};

struct vly_owners {
	struct vly_catalog_source *sources; /* in the order of the configuration */
	struct vly_owned_zone *by_name;
	struct vly_owned_zone *dirty;
	struct vly_owned_zone **dirty_end;
	bool is_out_of_memory; /* a zone could not be entered; until somebody resets it */
};

struct vly_catalog_difference {
	const struct vly_catalog_member *before; /* of the present version; NULL: a new member */
	const struct vly_catalog_member *after;  /* of the next one; NULL: it is gone */
};

enum vly_owners_why {
	VLY_OWNERS_UPDATE,
	VLY_OWNERS_START, /* data in the store are as they should be: nothing is reset */
	VLY_OWNERS_GONE,  /* the catalog is not consumed any more: data stay */
};

/* Adds a catalog behind the others. Returns it; or NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_catalog_source *
vly_owners_add(struct vly_owners *owners, const char *name);

__attribute__((nonnull)) struct vly_catalog_source *
vly_owners_source(const struct vly_owners *owners, const char *name);

/* Replaces the version of a catalog by `next`, and returns the old one, the caller's to free. `difference` lists what
 * vly_catalog_compare() finds. */
__attribute__((nonnull(1, 2), warn_unused_result)) struct vly_catalog *
vly_owners_take(struct vly_owners *owners, struct vly_catalog_source *source,
		struct vly_catalog *next, const struct vly_catalog_difference *difference,
		uint32_t cnt, enum vly_owners_why why);

/* Removes a catalog that has no version any more, and frees it. */
__attribute__((nonnull)) void vly_owners_drop(struct vly_owners *owners,
					      struct vly_catalog_source *source);

__attribute__((nonnull)) struct vly_owned_zone *vly_owners_find(const struct vly_owners *owners,
								const char *zone);

/* The member that a zone with an owner is. */
__attribute__((nonnull)) const struct vly_catalog_member *
vly_owners_member(const struct vly_owned_zone *zone);

__attribute__((nonnull)) void vly_owners_touch(struct vly_owners *owners,
					       struct vly_owned_zone *zone);

/* Takes a zone that was touched; NULL: there are none. */
__attribute__((nonnull)) struct vly_owned_zone *vly_owners_next_dirty(struct vly_owners *owners);

/* Frees a zone that has no owner and is not dirty. */
__attribute__((nonnull)) void vly_owners_forget(struct vly_owners *owners,
						struct vly_owned_zone *zone);

__attribute__((nonnull)) void vly_owners_clear(struct vly_owners *owners);

#endif
