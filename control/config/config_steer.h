/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The section `steer` of the configuration, and `steer` of a zone: maps of clients, pools of members,
 * policies that choose a pool, and the names that have a policy.
 *
 * Words stand as the file has them. What is below "read" is what they mean: it is set when the
 * configuration was found good, and belongs to it. Part of config.h.
 */
#ifndef VLY_CONTROL_CONFIG_STEER_H
#define VLY_CONTROL_CONFIG_STEER_H

#include <stdbool.h>
#include <stdint.h>

#include <volley/dns.h>

#include "base/prefix_list.h"
#include "config_health.h"

/* Types that a member may have a record of. */
#define VLY_STEER_TYPES(X) X(A) X(AAAA) X(CNAME) X(MX) X(SRV) X(HTTPS) X(TXT)

enum vly_steer_type {
#define X(name) VLY_STEER_##name,
	VLY_STEER_TYPES(X)
#undef X
		VLY_STEER_TYPE_CNT
};

/* The type of a record, by enum vly_steer_type. */
extern const uint16_t vly_steer_rr_type[VLY_STEER_TYPE_CNT];
extern const char *const vly_steer_type_name[VLY_STEER_TYPE_CNT];

/* Limits, as messages name them. Members whose subsets are answers are 8 at most, since each subset is an
 * answer of its own; a policy has room for the answers of 4,000 members that are given alone. */
#define VLY_STEER_MEMBERS_MAX      1000
#define VLY_STEER_SET_MEMBERS_MAX  8
#define VLY_STEER_WEIGHT_MAX       1000
#define VLY_STEER_ALTERNATIVES_MAX 8000
#define VLY_STEER_POOLS_MAX        10000
#define VLY_STEER_NAME_BYTES       64 /* of a pool, a member and so on, with its NUL */

/* A source of regions: a MaxMind database, or a text file with "prefix region" on each line. */
struct vly_config_steer_map {
	char *name;
	char *mmdb; /* or NULL */
	char *by;   /* with mmdb: country, continent, subdivision or asn */
	char *file; /* or NULL */
};

struct vly_config_steer_record {
	uint8_t *data; /* NULL: the member has none */
	uint16_t len;
};

/* A check that speaks for a member. */
struct vly_config_steer_check {
	struct vly_health_check check; /* settled */
	char id[VLY_HEALTH_ID_BYTES];
	bool is_named; /* it is one of health.checks */
};

/* The address of IPv4, and that of IPv6. */
#define VLY_STEER_CHECKS_MAX 2

struct vly_config_steer_member {
	char *name;
	char *text[VLY_STEER_TYPE_CNT]; /* data of a record; or NULL */
	char *weight;
	char *address;                  /* that is checked in place of A and AAAA; or NULL */
	struct vly_config_check *check; /* in place of the pool's; or NULL */
	/* read */
	struct vly_config_steer_check *checks; /* [check_cnt]: all must be up */
	unsigned check_cnt;
	struct vly_config_steer_record record[VLY_STEER_TYPE_CNT];
	uint32_t weight_number;
};

enum vly_steer_pick {
	VLY_STEER_PICK_WEIGHTED, /* at random, by weight */
	VLY_STEER_PICK_ROTATE,   /* one after the other */
	VLY_STEER_PICK_STICKY,   /* a network of clients stays with its member */
	VLY_STEER_PICK_ALL,      /* all that are up */
};

struct vly_config_steer_pool {
	char *name;
	struct vly_config_steer_member *members;
	unsigned member_cnt;
	char *pick;
	char *min;
	char *max;
	char *sticky4;
	char *sticky6;
	struct vly_config_check *check; /* of each member; or NULL */
	/* read */
	enum vly_steer_pick pick_id;
	unsigned min_up;     /* with fewer members up, the pool counts as down */
	unsigned answer_max; /* members in one answer */
	uint8_t sticky4_bits;
	uint8_t sticky6_bits;
};

struct vly_config_steer_region {
	char **regions;
	unsigned region_cnt;
	char *to;
	/* read */
	unsigned target; /* see struct vly_config_steer_policy */
};

struct vly_config_steer_geo {
	char *map;
	struct vly_config_steer_region *rules;
	unsigned rule_cnt;
	char *otherwise; /* `default` */
	/* read */
	unsigned map_idx;
	unsigned target;
};

struct vly_config_steer_ttl {
	char *steady;
	char *failed_over;
};

enum vly_steer_fallback {
	VLY_STEER_FALLBACK_EVERYTHING,
	VLY_STEER_FALLBACK_LAST_KNOWN,
	VLY_STEER_FALLBACK_NOTHING,
	VLY_STEER_FALLBACK_POOL,
};

/* One of to, geo and failover is set. A target is the index of a pool; or, less `pool_cnt`, that of a
 * policy. No policy leads to itself. */
struct vly_config_steer_policy {
	char *name;
	char *to;
	struct vly_config_steer_geo *geo;
	char **failover;
	unsigned failover_cnt;
	char *fallback;
	struct vly_config_steer_ttl *ttl;
	/* read */
	unsigned *target; /* [target_cnt]: of `to`, or of `failover` in order */
	unsigned target_cnt;
	enum vly_steer_fallback fallback_id;
	unsigned fallback_pool;
	uint32_t ttl_steady;
	uint32_t ttl_failed_over;
	unsigned map_idx;                   /* that it and those inside use; UINT_MAX: none */
	bool has_map;                       /* map_idx is set */
	uint8_t colour;                     /* while circles are looked for */
	unsigned height;                    /* policies inside each other, with it */
	uint8_t supply[VLY_STEER_TYPE_CNT]; /* while names are checked: what it has for a type */
};

struct vly_config_steer_ecs {
	char *mode;
	char **resolvers;
	unsigned resolver_cnt;
	/* read */
	bool is_on;
	struct vly_prefix_list allowed; /* empty: all */
};

struct vly_config_steer {
	struct vly_config_steer_ecs *ecs;
	struct vly_config_steer_map *maps;
	unsigned map_cnt;
	struct vly_config_steer_pool *pools;
	unsigned pool_cnt;
	struct vly_config_steer_policy *policies;
	unsigned policy_cnt;
};

/* A name of a zone with a policy. */
struct vly_config_steer_name {
	char *name; /* relative to the zone, "@", or absolute */
	char **types;
	unsigned type_cnt;
	char *policy;
	/* read */
	uint8_t *wire; /* in lower case */
	uint8_t wire_len;
	uint8_t type[VLY_STEER_TYPE_CNT]; /* [read_cnt] enum vly_steer_type */
	unsigned read_cnt;
	unsigned policy_idx;
};

struct vly_config;

/* Moves the section out of a configuration. The caller owns it then, and frees it with
 * vly_config_steer_free(). What the names of zones say stays. */
__attribute__((nonnull)) struct vly_config_steer *vly_config_take_steer(struct vly_config *config);
void vly_config_steer_free(struct vly_config_steer *steer);

/* The pools that a policy, by its index, may lead to, its fallback's included: calls `fn` for each, also
 * more than once. Of a good configuration. Returns false without memory. */
__attribute__((nonnull(1, 3))) bool vly_config_steer_pools(const struct vly_config_steer *steer,
							   unsigned policy,
							   void (*fn)(void *arg, unsigned pool),
							   void *arg);

#endif
