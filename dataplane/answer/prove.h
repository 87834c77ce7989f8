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

#include "query.h"

/* The name has a node. */
__attribute__((nonnull)) vly_image_ref vly_prove_node(struct vly_query *query,
						      const struct vly_image_node *node);

/* The name is at or below the cut `node`, whose referral answers it. */
__attribute__((nonnull)) vly_image_ref vly_prove_cut(struct vly_query *query,
						     const struct vly_image_node *node);

/* The name is missing below query->encloser, in the zone query->zone_idx; query->node is the
 * wildcard that answers, or NULL. */
__attribute__((nonnull)) vly_image_ref vly_prove_missing(struct vly_query *query);

/* Octets of the apex of the query's zone. Only if the fate is VLY_QUERY_PROVE. */
static inline unsigned
vly_proof_apex_len(const struct vly_query *query)
{
	const struct vly_name *name = &query->name;

	return vly_name_suffix_len(name, vly_name_last_labels(name, query->proof.zone->label_cnt));
}

#endif
