/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the parts of merging alone, by file: merge.c (which way a zone is copied, indices),
 * merge_move.c (a zone as it is), merge_fold.c (a stack of layers), merge_wildcard.c (the refs of a
 * stack to wildcards).
 */
#ifndef VLY_CONTROL_MERGE_PARTS_H
#define VLY_CONTROL_MERGE_PARTS_H

#include "compile.h"
#include "merge.h"

struct vly_merge_index {
	uint32_t *first;     /* [zone_cnt + 1]: where each zone begins in node[] */
	vly_image_ref *node; /* of each name, in the order of the heap */
};

/* Where a zone goes. */
struct vly_merge_target {
	struct vly_image_draft *draft;
	const struct vly_hash_key *key;
	uint32_t zone_idx;
	struct vly_image_zone *copied;
};

static inline const struct vly_image_zone *
vly_merge_zone(const struct vly_merge_layer *layer)
{
	return &layer->image->zone[layer->zone_idx];
}

static inline const vly_image_ref *
vly_merge_nodes(const struct vly_merge_layer *layer, uint32_t *cnt)
{
	const uint32_t *first = &layer->index->first[layer->zone_idx];

	*cnt = first[1] - first[0];
	return layer->index->node + first[0];
}

static inline const struct vly_image_node *
vly_merge_node(const struct vly_merge_layer *layer, vly_image_ref ref)
{
	return vly_image_at(layer->image->heap, ref);
}

/* Octets of an answer, its proof included. */
static inline uint32_t
vly_merge_answer_bytes(const struct vly_image_answer *answer)
{
	if (answer->flags & VLY_ANSWER_PROVED)
		return vly_image_answer_proof_off(answer) +
		       (uint32_t)sizeof(struct vly_image_proof) +
		       vly_image_answer_proof(answer)->piece_cnt * (uint32_t)sizeof(vly_image_ref);
	return vly_image_answer_wire_off(answer->fix_cnt) + answer->wire_len +
	       vly_image_answer_tail_bytes(answer);
}

static inline uint32_t
vly_merge_choice_bytes(const struct vly_image_choice *choice)
{
	return (uint32_t)(sizeof(*choice) + choice->alt_cnt * sizeof(choice->alt[0]));
}

static inline uint32_t
vly_merge_node_bytes(const struct vly_image_node *node)
{
	return (uint32_t)sizeof(*node) + node->type_cnt * (uint32_t)sizeof(node->type[0]) +
	       vly_image_node_signed_bytes(node) + node->name_len;
}

/* The name of a node (verified), scanned and hashed. */
static inline void
vly_merge_name(const struct vly_image_node *node, const struct vly_hash_key *key,
	       struct vly_name *name)
{
	(void)vly_name_scan(name, vly_image_node_name(node), node->name_len);
	vly_name_hash(name, key);
}

/* Notes a name for the buckets. Returns 0, or -1 with errno. */
int vly_merge_store_name(const struct vly_merge_target *target, uint64_t hash, vly_image_ref node);

/* Both return 0, or -1 with errno. Layers have indices. */
int vly_merge_move(const struct vly_merge_target *target, const struct vly_merge_layer *layer);
int vly_merge_fold(const struct vly_merge_target *target, const struct vly_merge_layer *layer,
		   unsigned layer_cnt);

/* A name that a layer above the lowest one has, in the newest of these. */
struct vly_merge_entry {
	uint64_t hash;
	vly_image_ref node; /* 0: free */
	uint32_t layer;
};

/* A copied node that refers to a wildcard. */
struct vly_merge_link {
	vly_image_ref from;
	uint32_t layer;
	vly_image_ref wildcard; /* in that layer */
};

/* Copied nodes of wildcards, and copied choices, by (layer, ref). */
struct vly_merge_copy {
	uint64_t key; /* 0: free */
	vly_image_ref node;
};

struct vly_merge_fold {
	const struct vly_merge_target *target;
	const struct vly_merge_layer *layer;
	unsigned layer_cnt;
	bool complete;
	struct vly_merge_entry *entry; /* open addressing, at most half full */
	uint32_t entry_mask;
	vly_image_ref nodata;
	vly_image_ref nxdomain;
	vly_image_ref too_large; /* 0: none so far */
	struct vly_merge_link *link;
	uint32_t link_cnt;
	uint32_t link_size;
	struct vly_merge_copy *copy; /* open addressing, at most half full */
	uint32_t copy_cnt;
	uint32_t copy_size;
	uint32_t *answer; /* new refs of the node at hand */
	uint32_t answer_size;
};

/* The entry of a name (hashed), or a free one. */
struct vly_merge_entry *vly_merge_entry_of(const struct vly_merge_fold *fold,
					   const struct vly_name *name, unsigned label);

/* Copies a node with its answers; its wildcard is linked later. Returns the copy, or 0 with errno. */
vly_image_ref vly_merge_copy_node(struct vly_merge_fold *fold, uint32_t layer, vly_image_ref ref);

/* The copy of a wildcard's node, or of a choice; 0: there is none. */
vly_image_ref vly_merge_find_copy(const struct vly_merge_fold *fold, uint32_t layer,
				  vly_image_ref ref);

/* Notes a link, or the copy of a wildcard's node or a choice. Both return 0, or -1 with errno. */
int vly_merge_add_link(struct vly_merge_fold *fold, const struct vly_merge_link *link);
int vly_merge_add_copy(struct vly_merge_fold *fold, uint32_t layer, vly_image_ref ref,
		       vly_image_ref node);

/* Makes all links, once all names have been copied. Returns 0, or -1 with errno. */
int vly_merge_link_all(struct vly_merge_fold *fold);

#endif
