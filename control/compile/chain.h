/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CNAME and DNAME chains inside a zone, followed when it is compiled (RFC 1034 §3.6.2, §4.3.2, RFC
 * 6672). What ends a chain is in <volley/alias.h>. */
#ifndef VLY_CONTROL_CHAIN_H
#define VLY_CONTROL_CHAIN_H

#include <volley/alias.h>

#include "zone/zone.h"

enum vly_chain_end {
	VLY_CHAIN_NODE,     /* at node_idx, under the name `target` (node_idx may be a wildcard) */
	VLY_CHAIN_CUT,      /* at or below the cut node_idx */
	VLY_CHAIN_NXDOMAIN, /* at a name that does not exist */
	VLY_CHAIN_YXDOMAIN, /* at a DNAME that would make too long a name (RFC 6672 §2.2) */
	VLY_CHAIN_LEFT, /* outside the zone, at a steered name, in a loop, or after VLY_ALIAS_HOPS_MAX */
};

/* A CNAME: one of the zone, or one that a DNAME above its owner stands for. */
struct vly_chain_hop {
	struct vly_alias_hop by; /* a struct vly_zone_record, the CNAME or the DNAME */
	uint32_t node_idx;       /* that owns this record */
	uint32_t dname_idx; /* the DNAME's node; VLY_ZONE_NONE: a CNAME of the zone, or the DNAME
				  * is in the answer already */
	/* A wildcard of this node answers for the owner; VLY_ZONE_NONE: none. Not of hop[0]. */
	uint32_t encloser_idx;
	struct vly_name owner; /* of hop[0]: only set when it is the node's own name */
	unsigned target_len;
	uint8_t target[VLY_NAME_BYTES_MAX];
};

struct vly_chain {
	enum vly_chain_end end;
	uint32_t node_idx;
	bool by_wildcard;
	struct vly_name target; /* the last name */
	/* Its closest encloser, when it does not exist: a wildcard, or nothing, answers for it.
	 * VLY_ZONE_NONE: it exists, or is at or below a cut or DNAME. */
	uint32_t encloser_idx;
	unsigned hop_cnt; /* at least 1 */
	struct vly_chain_hop hop[VLY_ALIAS_HOPS_MAX];
	/* YXDOMAIN: the DNAME that makes too long a name */
	const struct vly_zone_record *dname_beyond;
};

/* Follows the chain that begins at the alias `node_idx`, once hidden nodes are marked. The query is
 * for the alias' own name; or, if `by_wildcard`, for a name that the wildcard alias matches and
 * that does not occur in the chain. */
__attribute__((nonnull)) void vly_chain_follow(struct vly_chain *chain, const struct vly_zone *zone,
					       uint32_t node_idx, bool by_wildcard);

/*
 * Prepares for chains that meet their first wildcard again. A name that a chain makes from that
 * wildcard gets a node of its own, so that its answer does not have a record twice that other
 * names' answers have there; names below it still match the wildcard. A wildcard whose chain leads
 * to its own name is marked VLY_ZONE_RETURNS. Returns 0, or -1 when there is no memory.
 */
__attribute__((nonnull, warn_unused_result)) int vly_chain_prepare(struct vly_chain *chain,
								   struct vly_zone *zone);

/* The same for one wildcard alias, which is not hidden. */
__attribute__((nonnull, warn_unused_result)) int
vly_chain_prepare_wildcard(struct vly_chain *chain, struct vly_zone *zone, uint32_t wildcard);

#endif
