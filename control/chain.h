/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CNAME chains inside a zone, followed when the zone is compiled (RFC 1034 §3.6.2, §4.3.2). */
#ifndef VLY_CONTROL_CHAIN_H
#define VLY_CONTROL_CHAIN_H

#include "zone.h"

/* CNAMEs in one answer: resolvers give up at about as many, and go on asking from there. */
#define VLY_CHAIN_HOPS_MAX 16

enum vly_chain_end {
	VLY_CHAIN_NODE,     /* at node_idx, under the name `target` (node_idx may be a wildcard) */
	VLY_CHAIN_CUT,      /* at or below the cut node_idx */
	VLY_CHAIN_NXDOMAIN, /* at a name that does not exist */
	VLY_CHAIN_LEFT, /* outside the zone, below a DNAME, in a loop, or after VLY_CHAIN_HOPS_MAX */
};

struct vly_chain_hop {
	struct vly_name owner; /* of hop[0]: not set, it is the question's name */
	const struct vly_zone_record *cname;
};

struct vly_chain {
	enum vly_chain_end end;
	uint32_t node_idx;
	struct vly_name target; /* the last name */
	unsigned hop_cnt;       /* at least 1 */
	struct vly_chain_hop hop[VLY_CHAIN_HOPS_MAX];
};

/* Follows the chain that begins at the alias `node_idx`, once occluded nodes are marked. */
__attribute__((nonnull)) void vly_chain_follow(struct vly_chain *chain, const struct vly_zone *zone,
					       uint32_t node_idx);

#endif
