/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a configuration says about steering, flattened: policies become ordered lists of pools for classes of
 * clients; and what each name of a zone may be answered with, the alternatives, gets a number.
 *
 * Use: vly_steer_model_new() with a configuration; then only reading; vly_steer_model_put().
 *
 * - A kind is a policy and a type. Names of one kind number their alternatives alike, so that a kind has one
 *   key (volley/image.h), and rows and slots of its own.
 * - A partition divides the clients of a map into classes. Policies with the same one share it. Class 0 has
 *   the clients of no region that a rule names.
 * - A class of a policy is a list of pools in order: the first that is up answers. Policies inside policies
 *   are in it: which way geo goes is certain for a class, and a failover inside a failover is one longer list.
 *
 * Alternatives of a kind, in order: of each pool that its policy may lead to, its members that have the type;
 * or, if an answer may have several, the sets of these; all of that once more with the TTL of a failover, if
 * that is another one; and at last, nothing. So alternative 0 is of the first pool: its first member, or all.
 *
 * Ownership: references; what is reached from a model is its own. Immutable: any thread.
 */
#ifndef VLY_CONTROL_STEER_MODEL_H
#define VLY_CONTROL_STEER_MODEL_H

#include <uthash.h>

#include "config/config.h"

struct vly_steer_part {
	unsigned pool;
	unsigned first;   /* number of its first alternative */
	unsigned cnt;     /* alternatives */
	unsigned has_cnt; /* members that have the type */
	uint16_t *has;    /* [has_cnt]: their places in the pool */
	bool is_sets;     /* an answer may have several */
};

struct vly_steer_kind {
	uint64_t key;     /* not 0 */
	uint64_t content; /* hash over the records and TTLs of the alternatives */
	unsigned policy;
	enum vly_steer_type type;
	struct vly_steer_part *part;
	unsigned part_cnt;
	unsigned half_cnt; /* alternatives of one TTL */
	unsigned alt_cnt;
	bool has_two_ttls;
	unsigned row; /* of class 0, in all rows of the model */
};

/* The pools of a class, in order. */
struct vly_steer_way {
	unsigned *pool;
	unsigned cnt; /* at least 1 */
};

struct vly_steer_region {
	const char *name; /* the configuration's */
	uint32_t class;
};

struct vly_steer_partition {
	unsigned map; /* of the configuration */
	struct vly_steer_region
		*region; /* [region_cnt], by name; those with class 0 are left out */
	unsigned region_cnt;
	uint32_t class_cnt;
	uint64_t hash; /* over the map's words, and all of this */
};

/* A policy that a name has. */
struct vly_steer_policy_plan {
	struct vly_steer_way *way; /* [class_cnt]; NULL: no name has the policy */
	uint32_t class_cnt;
	unsigned partition; /* UINT_MAX: none, all clients are of class 0 */
};

struct vly_steer_name {
	uint8_t *wire; /* in lower case */
	uint8_t len;
	uint8_t type_cnt;
	unsigned kind[VLY_STEER_TYPE_CNT]; /* [type_cnt] */
};

/* The steered names of a zone, in canonical order (zone/name_order.h), each once. */
struct vly_steer_zone {
	char *apex; /* canonical spelling */
	struct vly_steer_name *name;
	unsigned name_cnt;
	uint64_t hash; /* over all that compiling the names looks at */
	UT_hash_handle hh;
};

struct vly_steer_model {
	_Atomic uint32_t ref_cnt;
	struct vly_config_steer *config;      /* taken over */
	unsigned *first_member;               /* [pool_cnt + 1]: of each pool, among all members */
	uint64_t *member_hash;                /* of "POOL/MEMBER", for all members */
	struct vly_steer_policy_plan *policy; /* [policy_cnt] */
	struct vly_steer_partition *partition;
	unsigned partition_cnt;
	struct vly_steer_kind *kind;
	unsigned kind_cnt;
	unsigned row_cnt;
	struct vly_steer_zone *zone; /* [zone_cnt] */
	struct vly_steer_zone *by_apex;
	unsigned zone_cnt;
	uint64_t answers_hash; /* over all zones */
};

/* What an alternative is. */
struct vly_steer_alternative {
	uint32_t ttl;
	unsigned cnt; /* 0: nothing, NODATA */
	const struct vly_config_steer_record *record[VLY_STEER_SET_MEMBERS_MAX];
};

/* Takes the section `steer` of the configuration over, and reads the names of its zones. Returns a reference;
 * or NULL without memory, and the configuration keeps the section. */
__attribute__((nonnull, warn_unused_result)) struct vly_steer_model *
vly_steer_model_new(struct vly_config *config);

struct vly_steer_model *vly_steer_model_get(struct vly_steer_model *model);
void vly_steer_model_put(struct vly_steer_model *model);

/* The zone with this name, if any of its names is steered; or NULL. */
const struct vly_steer_zone *vly_steer_model_zone(const struct vly_steer_model *model,
						  const char *apex);

/* The name, which has `len` octets in wire form and in lower case; or NULL. */
__attribute__((nonnull)) const struct vly_steer_name *
vly_steer_zone_find(const struct vly_steer_zone *zone, const uint8_t *name, unsigned len);

/* The first name behind `name` in canonical order; with `beyond`, that is not below it. NULL: none. */
__attribute__((nonnull)) const struct vly_steer_name *
vly_steer_zone_next(const struct vly_steer_zone *zone, const uint8_t *name, unsigned len,
		    bool beyond);

/* Describes alternative `idx` of a kind. */
__attribute__((nonnull)) void vly_steer_alternative(const struct vly_steer_model *model,
						    const struct vly_steer_kind *kind, unsigned idx,
						    struct vly_steer_alternative *alternative);

/* The number of the alternative with these members of a part: bits of `set` count its has[]. Not empty; one
 * member if the part has no sets. */
__attribute__((nonnull)) unsigned vly_steer_number(const struct vly_steer_kind *kind,
						   const struct vly_steer_part *part,
						   uint64_t set_or_place, bool failed_over);

/* The number of the alternative that is nothing. */
__attribute__((nonnull)) static inline unsigned
vly_steer_nothing(const struct vly_steer_kind *kind)
{
	return kind->alt_cnt - 1;
}

/* The part of a kind that is of a pool; NULL: the pool is none of its policy's. */
__attribute__((nonnull)) const struct vly_steer_part *
vly_steer_part_of(const struct vly_steer_kind *kind, unsigned pool);

#endif
