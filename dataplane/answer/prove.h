/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chooses what a client with DO=1 gets from a signed zone: the DO form of the answer, and the pieces
 * that prove what the response denies (volley/image.h has the table of both).
 *
 * Use, for a query with dnssec_ok and a node with VLY_NODE_SIGNED, instead of the plain answer:
 *   1. the function for the case. Its result is the answer. If the response needs pieces, the fate
 *      becomes VLY_QUERY_PROVE, and query->proof has them.
 *   2. For a missing name, the piece that covers it is still to be found, if proof.cover.denial is
 *      not NULL: later, by vly_query_find_cover() (query.h).
 *
 * Threads and RCU: as query.h. Each function prefetches what the next step reads.
 */
#ifndef VLY_DATAPLANE_PROVE_H
#define VLY_DATAPLANE_PROVE_H

#include <assert.h>

#include "query.h"

/* The name has a node. */
__attribute__((nonnull)) vly_image_ref vly_prove_node(struct vly_query *query,
						      const struct vly_image_node *node);

/* Whether the node may not list the type, RRSIG or NSEC, but have it (VLY_NODE_RRSIG). */
static inline bool
vly_prove_may_compose(const struct vly_image_node *node, unsigned qtype)
{
	static_assert(VLY_TYPE_RRSIG % 2 == 0 && VLY_TYPE_NSEC == VLY_TYPE_RRSIG + 1,
		      "one comparison finds both");
	return (qtype & ~1u) == VLY_TYPE_RRSIG && (node->flags & VLY_NODE_RRSIG);
}

/* Whether a node that may has it: not NSEC in zones with NSEC3. */
__attribute__((cold, nonnull)) bool vly_prove_can_compose(const struct vly_image *image,
							  const struct vly_image_node *node,
							  unsigned qtype);

/* The type is such a one: the fate becomes VLY_QUERY_SIGNATURES, without pieces. */
__attribute__((cold, nonnull)) void vly_prove_composed(struct vly_query *query,
						       const struct vly_image_node *node);

/* The name is at or below the cut `node`, whose referral answers it. */
__attribute__((nonnull)) vly_image_ref vly_prove_cut(struct vly_query *query,
						     const struct vly_image_node *node);

/* The name is missing below query->encloser, in the zone query->zone_idx; query->node is the
 * wildcard that answers, or NULL. */
__attribute__((nonnull)) vly_image_ref vly_prove_missing(struct vly_query *query);

/* Octets of the apex of the query's zone. Only if the fate is VLY_QUERY_PROVE or
 * VLY_QUERY_SIGNATURES. */
static inline unsigned
vly_proof_apex_len(const struct vly_query *query)
{
	const struct vly_name *name = &query->name;

	return vly_name_suffix_len(name, vly_name_last_labels(name, query->proof.zone->label_cnt));
}

/* In a zone with NSEC, the piece with that of a node with VLY_NODE_RRSIG; otherwise NULL. */
static inline const struct vly_image_piece *
vly_prove_own_piece(const uint8_t *heap, const struct vly_image_zone *zone,
		    const struct vly_image_node *node)
{
	const struct vly_image_denial *denial =
		zone->denial != 0 ? vly_image_at(heap, zone->denial) : NULL;
	const vly_image_ref ref = vly_image_node_signed(node)->denial;

	return denial != NULL && denial->kind == VLY_DENIAL_NSEC && ref != 0
		       ? vly_image_at(heap, ref)
		       : NULL;
}

#endif
