/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chooses what a client gets from a signed zone with overlays (image.h): as prove.h does for zones with
 * one form. All pieces are found at once, in the layers.
 *
 * Use: for a node with VLY_NODE_SIGNED of the layer at hand, with query->layers set, instead of its
 * plain answer. Each function takes the answer and sets the fate. Threads and RCU: as query.h.
 */
#ifndef VLY_DATAPLANE_PROVE_LAYERS_H
#define VLY_DATAPLANE_PROVE_LAYERS_H

#include "query.h"

/* The name has a node; with `encloser`, it is missing below that one, and the node is the wildcard that
 * answers. */
__attribute__((nonnull(1, 2))) void vly_prove_layers_node(struct vly_query *query,
							  const struct vly_image_node *node,
							  const struct vly_image_node *encloser);

/* The client has set DO, and the name is below the cut. */
__attribute__((nonnull)) void vly_prove_layers_cut(struct vly_query *query,
						   const struct vly_image_node *cut);

/* The client has set DO, and the name is missing below `encloser`, which has no wildcard. */
__attribute__((nonnull)) void vly_prove_layers_missing(struct vly_query *query,
						       const struct vly_image_node *encloser);

/* The newest piece with the owner of this one. */
__attribute__((nonnull)) const struct vly_image_piece *
vly_prove_layers_renew(const struct vly_table_layers *layers, const struct vly_image_piece *piece);

/* Octets for a copy of an answer with its proof. */
#define VLY_PROVE_COPY_BYTES (3 * UINT16_MAX + 256)

/*
 * If query->answer is a DO form of an older layer that ends in that layer's SOA, copies it to `copy`
 * with the newest SOA. Returns the copy, or query->answer.
 */
__attribute__((nonnull)) const struct vly_image_answer *
vly_prove_layers_copy(const struct vly_query *query, void *copy);

/* Whether vly_prove_layers_copy() may be needed. The fate is VLY_QUERY_PROVE. */
static inline bool
vly_prove_layers_is_older(const struct vly_query *query)
{
	return query->proof.layers != NULL && query->image != query->proof.layers->layer[0].image;
}

#endif
