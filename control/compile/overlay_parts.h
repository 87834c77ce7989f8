/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the parts of the overlay compiler alone, by file; each calls those below it: overlay.c (what
 * the change is, what is compiled), overlay_denial.c (signed zones), overlay_hash.c (those with NSEC3),
 * overlay_spread.c (which names it affects), overlay_context.c (what compiling these looks up),
 * overlay_load.c (two partial zones, one for each version).
 *
 * Both zones have nodes for the same names, in the same order, so that an index means the same name
 * in both. A name that does not exist in a version is VLY_ZONE_ABSENT there.
 */
#ifndef VLY_CONTROL_OVERLAY_PARTS_H
#define VLY_CONTROL_OVERLAY_PARTS_H

#include "chain.h"
#include "compile.h"
#include "compile_steer.h"
#include "overlay.h"
#include "zone/nsec3_record.h"

enum vly_overlay_version {
	VLY_OVERLAY_AFTER,
	VLY_OVERLAY_BEFORE,
	VLY_OVERLAY_VERSIONS,
};

enum vly_overlay_mark {
	VLY_OVERLAY_CHANGED = 1,  /* it is in the list of changed names */
	VLY_OVERLAY_LOADED = 2,   /* its records and its existence are known */
	VLY_OVERLAY_AFFECTED = 4, /* its answers may differ from those before */
	VLY_OVERLAY_WANTED = 8,   /* it is compiled, if it exists */
};

/* What has changed of a name, for those that refer to it. */
enum vly_overlay_reach {
	VLY_OVERLAY_REACH_NONE,
	VLY_OVERLAY_REACH_ALIAS, /* answers under this name: for aliases */
	VLY_OVERLAY_REACH_HOST,  /* also what is added about it to answers of others */
	VLY_OVERLAY_REACHES,
};

/* What a task spreads to. */
enum vly_overlay_spread {
	VLY_OVERLAY_SPREAD_NAME,    /* names that refer to this one */
	VLY_OVERLAY_SPREAD_BELOW,   /* names that refer to any below this one */
	VLY_OVERLAY_SPREAD_MATCHED, /* those whose target the wildcard below this one answers for */
	VLY_OVERLAY_SPREADS,
};

/* Whether records may refer to names that a DNAME makes (overlay_spread.c). */
enum vly_overlay_use {
	VLY_OVERLAY_USE_UNKNOWN,
	VLY_OVERLAY_USED,
	VLY_OVERLAY_UNUSED,
};

/* Nodes. */
struct vly_overlay_list {
	uint32_t *idx;
	uint32_t cnt;
	uint32_t size;
};

struct vly_overlay_item {
	uint8_t marks; /* enum vly_overlay_mark */
	bool exists[VLY_OVERLAY_VERSIONS];
	uint8_t reach[VLY_OVERLAY_SPREADS]; /* that has been queued, enum vly_overlay_reach */
	uint8_t hops[VLY_OVERLAY_SPREADS];  /* DNAMEs between a change and it then */
	uint8_t use;                        /* of a DNAME: enum vly_overlay_use */
	uint32_t search;                    /* number of the last search that met it */
};

struct vly_overlay_task {
	uint32_t idx;
	uint8_t spread;
	uint8_t reach;
	uint8_t hops;
};

/* An owner of NSEC3. */
struct vly_overlay_hash {
	uint8_t hash[VLY_NSEC3_HASH_BYTES];
	uint32_t idx; /* its node */
	bool owns[VLY_OVERLAY_VERSIONS];
};

/* Of a zone with NSEC3. */
struct vly_overlay_hashed {
	struct vly_overlay_hash *owner; /* all that have changed, and that of the apex; ascending */
	uint32_t cnt;                   /* 0: the zone has no NSEC3 */
	struct vly_nsec3_params params;
	uint8_t salt[255];
};

struct vly_overlay {
	const struct vly_overlay_source *source;
	const struct vly_overlay_change *change;
	struct vly_zone_report *report;
	const char **why;
	struct vly_zone zone[VLY_OVERLAY_VERSIONS];
	struct vly_overlay_item *item; /* for each node */
	uint32_t item_size;
	uint32_t *changed; /* nodes of changed names, in canonical order */
	struct vly_overlay_task *task;
	uint32_t task_first;
	uint32_t task_cnt;
	uint32_t task_size;
	struct vly_overlay_list wanted; /* nodes with VLY_OVERLAY_WANTED */
	struct vly_overlay_list found;  /* owners that the source has given */
	struct vly_overlay_list dnames; /* of a search */
	uint32_t search;
	uint32_t work;
	uint32_t dname_cnt;                   /* names that DNAMEs make */
	bool is_signed;                       /* in both versions */
	struct vly_overlay_hashed hashed;     /* with NSEC3; otherwise all zero */
	const struct vly_steer_model *model;  /* or NULL */
	const struct vly_steer_zone *steered; /* the zone's steered names, or NULL */
	struct vly_chain chain;
};

/* All functions return 0, or an enum vly_overlay_result that ends it all. */

/* Begins both zones. The overlay is zeroed; free it in any case. */
int vly_overlay_begin(struct vly_overlay *overlay, const struct vly_hash_key *key);
void vly_overlay_free(struct vly_overlay *overlay);

int vly_overlay_fail(struct vly_overlay *overlay, const char *text);
int vly_overlay_fail_memory(struct vly_overlay *overlay);
int vly_overlay_fail_source(struct vly_overlay *overlay);

/* No overlay can be made: why. */
int vly_overlay_give_up(struct vly_overlay *overlay, const char *why);

#define VLY_OVERLAY_COVERS_CHANGE "names come or go, and what an alias leads to is denied"

/* Sets is_signed, once the apex is loaded. Gives up if the versions are not signed alike. */
int vly_overlay_check_signed(struct vly_overlay *overlay);

/* Once all is loaded: gives up for NSEC3 in a zone that denies without it. */
int vly_overlay_check_loaded(struct vly_overlay *overlay);

/* Of a signed zone, once all is loaded: the heirs of struct vly_compile_part, to be freed. */
int vly_overlay_find_heirs(struct vly_overlay *overlay, uint32_t **heir);

/* The same for zones with NSEC3: notes the chain, which has to be the same in both versions, and its owners
 * among the changed names. */
int vly_overlay_begin_hashed(struct vly_overlay *overlay);

/* Affects the names whose NSEC3 has come or gone, once all that exists no more or again, or is hidden no more
 * or again, is affected. */
int vly_overlay_affect_hashed(struct vly_overlay *overlay);

/* Loads the NSEC3 of a node, if the zone has NSEC3. */
int vly_overlay_load_hashed(struct vly_overlay *overlay, uint32_t idx);

/* Fills heir[], which has VLY_ZONE_NONE for each node. */
int vly_overlay_find_hash_heirs(struct vly_overlay *overlay, uint32_t *heir);

/* Counts a unit of work. */
int vly_overlay_count(struct vly_overlay *overlay);

/* The node of a name (hashed) at or below the apex, without loading it. */
int vly_overlay_add(struct vly_overlay *overlay, const struct vly_name *name, uint32_t *idx);

/* Loads a name, the names above it, and the wildcards that are their children. */
int vly_overlay_load(struct vly_overlay *overlay, const struct vly_name *name, uint32_t *idx);
int vly_overlay_load_node(struct vly_overlay *overlay, uint32_t idx);

/* Reads the records of a changed name, for the first time. */
int vly_overlay_load_changed(struct vly_overlay *overlay, uint32_t idx);

int vly_overlay_list_add(struct vly_overlay *overlay, struct vly_overlay_list *list, uint32_t idx);

/* Loads what compiling the wanted nodes looks up, and makes the nodes that chains need. */
int vly_overlay_add_context(struct vly_overlay *overlay);

/* The source's next(), with the steered names, which need not have records. */
int vly_overlay_next(struct vly_overlay *overlay, const uint8_t *name, unsigned len, bool beyond,
		     uint8_t found[VLY_NAME_BYTES_MAX]);

/* Queues a task, unless it has been. */
int vly_overlay_spread(struct vly_overlay *overlay, uint32_t idx, enum vly_overlay_spread spread,
		       enum vly_overlay_reach reach, unsigned hops);

/* The same for all that refers to a name: to itself, with `below` also to any name below it, and, if it is a
 * wildcard, to those that it answers for. */
int vly_overlay_spread_from(struct vly_overlay *overlay, uint32_t idx, enum vly_overlay_reach reach,
			    bool below);

/* A visible name whose answers may differ; queues what follows from that. */
int vly_overlay_affect(struct vly_overlay *overlay, uint32_t idx);

/* Marks a node as one that is compiled, if it exists. */
int vly_overlay_want(struct vly_overlay *overlay, uint32_t idx);

/* Does all tasks. */
int vly_overlay_spread_all(struct vly_overlay *overlay);

/* The node's name, scanned and hashed. */
void vly_overlay_name(const struct vly_overlay *overlay, uint32_t idx, struct vly_name *name);

static inline bool
vly_overlay_is_wildcard(const struct vly_overlay *overlay, uint32_t idx)
{
	unsigned len;
	const uint8_t *name = vly_zone_node_name(&overlay->zone[0], idx, &len);

	return idx != 0 && name[0] == 1 && name[1] == '*';
}

static inline bool
vly_overlay_is_visible(const struct vly_overlay *overlay, uint32_t idx,
		       enum vly_overlay_version version)
{
	return !(overlay->zone[version].node[idx].flags & VLY_ZONE_HIDDEN);
}

static inline bool
vly_overlay_is_visible_ever(const struct vly_overlay *overlay, uint32_t idx)
{
	return vly_overlay_is_visible(overlay, idx, VLY_OVERLAY_AFTER) ||
	       vly_overlay_is_visible(overlay, idx, VLY_OVERLAY_BEFORE);
}

/* The node's flags in both versions. */
static inline unsigned
vly_overlay_flags_ever(const struct vly_overlay *overlay, uint32_t idx)
{
	return overlay->zone[VLY_OVERLAY_AFTER].node[idx].flags |
	       overlay->zone[VLY_OVERLAY_BEFORE].node[idx].flags;
}

#endif
