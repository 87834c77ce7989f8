/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the parts of resolving alone: resolve.c (stages), resolve_layers.c (zones with overlays).
 * Threads and RCU: as query.h. */
#ifndef VLY_DATAPLANE_RESOLVE_PARTS_H
#define VLY_DATAPLANE_RESOLVE_PARTS_H

#include "choose.h"
#include "image/bucket.h"
#include "query.h"

#define PREFETCH(address) __builtin_prefetch(address, 0, 3)

static inline const struct vly_image_zone *
vly_resolve_zone(const struct vly_query *query)
{
	return &query->image->zone[query->zone_idx];
}

/* The first node of a bucket with the tag of the hash, or NULL. */
static inline const struct vly_image_node *
vly_resolve_bucket_node(const struct vly_image *image, const struct vly_image_bucket *bucket,
			uint64_t hash)
{
	unsigned match = vly_bucket_match(bucket, vly_image_tag(hash));
	vly_image_ref node = match != 0 ? bucket->node[__builtin_ctz(match)] : 0;

	return node != 0 ? vly_image_at(image->heap, node) : NULL;
}

/* The same in the buckets behind `bucket`, which overflows. */
const struct vly_image_node *vly_resolve_next_candidate(const struct vly_image *image,
							const struct vly_image_bucket *bucket,
							uint64_t hash);

/* The first node with the tag of the hash, from `bucket` on, or NULL. */
static inline const struct vly_image_node *
vly_resolve_candidate(const struct vly_image *image, const struct vly_image_bucket *bucket,
		      uint64_t hash)
{
	const struct vly_image_node *node = vly_resolve_bucket_node(image, bucket, hash);

	return __builtin_expect(node == NULL && vly_image_bucket_overflows(bucket), 0)
		       ? vly_resolve_next_candidate(image, bucket, hash)
		       : node;
}

static inline void
vly_resolve_fetch_node(const struct vly_image_node *node)
{
	PREFETCH(node);
	PREFETCH((const uint8_t *)node + 64);
}

/* Prefetches enough for answers of up to 56 octets; the end of longer ones is usually in the line
 * where their node begins, which has been loaded. With the second prefetch further away, answers
 * that begin in the last eight octets of a line would miss the next line. */
static inline void
vly_resolve_take(struct vly_query *query, vly_image_ref ref)
{
	query->answer = vly_image_at(query->image->heap, ref);
	PREFETCH(query->answer);
	PREFETCH((const uint8_t *)query->answer + sizeof(*query->answer) + 55);
}

/* The answer of a node for a type; of a steered one, the choice. For ANY, unless the compiler listed an answer, one RRset is
 * enough (RFC 8482 §4.1). */
static inline vly_image_ref
vly_resolve_choose(const struct vly_image_node *node, unsigned qtype)
{
	const unsigned idx = vly_choose_type(node, qtype);

	if (idx < node->type_cnt)
		return node->type[idx].answer;
	return qtype == VLY_TYPE_ANY && node->type_cnt > 0 && !(node->flags & VLY_NODE_CUT)
		       ? node->type[0].answer
		       : node->other;
}

/* The slot of the zone that the question belongs to, found by full comparisons (`compare`) or by tags,
 * or one without a part. Sets query->zone_label_idx. */
__attribute__((nonnull)) struct vly_table_slot
vly_resolve_find_zone(struct vly_query *query, const struct vly_table *table, bool compare);

/* The node of the suffix of a name that starts at label_idx, in a zone, or NULL. */
__attribute__((nonnull)) const struct vly_image_node *
vly_resolve_suffix(const struct vly_image *image, uint32_t zone_idx, const struct vly_name *name,
		   unsigned label_idx);

#endif
