/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Resolves names of zones with overlays (volley/image.h: "A zone that changes", image/table.h).
 *
 * Use, in the stages of resolve.c:
 *   1. vly_layers_settle() for a node of a complete form, whose zone is contested: most names need
 *      no more; for others, this is like vly_layers_fetch();
 *   2. when the zone has been found, and query->layers is not NULL: vly_layers_fetch(),
 *      vly_layers_guess() and vly_layers_confirm() in three stages; or vly_layers_find() for any
 *      suffix, then vly_layers_take_node();
 *   3. vly_layers_soa_tail() when an answer is written whose fate is VLY_QUERY_OLDER.
 * Each sets query->image and zone_idx to the layer of the node that it finds.
 *
 * Threads and RCU: as query.h. Images were verified.
 */
#ifndef VLY_DATAPLANE_RESOLVE_LAYERS_H
#define VLY_DATAPLANE_RESOLVE_LAYERS_H

#include "query.h"

/*
 * For a name whose closest known ancestor, or which itself, is query->node in a complete form, and
 * whose zone is contested. Returns false if that is not only because it has overlays. Otherwise, if
 * no overlay has the name or one of the ancestors that the complete form lacks, its answer is taken,
 * or on VLY_COURSE_LAYERED; if one may have, the query is on VLY_COURSE_LAYERS. The question is not
 * for the DS of an apex.
 */
__attribute__((nonnull)) bool vly_layers_settle(struct vly_query *query);

/* Takes an answer that is the same for many names of the zone. */
static inline void
vly_layers_take_zone_answer(struct vly_query *query, const struct vly_image_answer *answer)
{
	query->answer = answer;
	__builtin_prefetch(answer, 0, 3);
	__builtin_prefetch((const uint8_t *)answer + sizeof(*answer) + 55, 0, 3);
}

/* Takes the answer on VLY_COURSE_LAYERED: that of the wildcard at query->node. */
__attribute__((nonnull)) void vly_layers_take_wildcard(struct vly_query *query);

/* Makes the newest layer the one at hand. */
static inline void
vly_layers_begin(struct vly_query *query)
{
	query->image = query->layers->layer[0].image;
	query->zone_idx = query->layers->layer[0].zone_idx;
}

/* Prefetches the name's bucket in each layer. */
__attribute__((nonnull)) void vly_layers_fetch(const struct vly_query *query);

/* Sets query->node to the first node that, by its tag, has the name, the newest layer first; or to
 * NULL. */
__attribute__((nonnull)) void vly_layers_guess(struct vly_query *query);

/* Takes the answer of query->node. Returns false if the guess was wrong, or the name is gone. */
__attribute__((nonnull)) bool vly_layers_confirm(struct vly_query *query);

/* The node of the suffix that starts at label_idx, or NULL: it does not exist. Then the layer at
 * hand stays. */
__attribute__((nonnull)) const struct vly_image_node *vly_layers_find(struct vly_query *query,
								      unsigned label_idx);

/* Takes the answer of the layer at hand for the name, whose node this is, or, if `exists` is false,
 * whose closest encloser's it is. Below a DNAME, the fate becomes VLY_QUERY_COMPOSE instead. */
__attribute__((nonnull)) void vly_layers_take_node(struct vly_query *query,
						   const struct vly_image_node *node, bool exists);

/* The octets in whose place VLY_SOA_TAIL_BYTES others stand at the end of query->answer, or NULL:
 * the answer does not end in the SOA. */
__attribute__((nonnull)) const uint8_t *vly_layers_soa_tail(const struct vly_query *query);

#endif
