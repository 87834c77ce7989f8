/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Resolving: from a question to its compiled answer (RFC 1034 §4.3.2, RFC 4592), in four stages.
 * Each touches memory that the one before has prefetched: bucket, node, parent, answer.
 */
#include "resolve.h"
#include "bucket.h"

#define PREFETCH(address) __builtin_prefetch(address, 0, 3)

static inline bool
name_is(const struct vly_image_node *node, const uint8_t *lower, unsigned len)
{
	return node->name_len == len &&
	       vly_bucket_name_equal(vly_image_node_name(node), lower, len);
}

static inline bool
table_has_label_cnt(const struct vly_table *table, unsigned label_cnt)
{
	return table->label_cnt_mask[label_cnt / 64] >> (label_cnt % 64) & 1;
}

static inline bool
is_apex_of(const struct vly_table_slot *slot, const struct vly_name *name, unsigned label_idx)
{
	const struct vly_image *image = slot->image;
	const struct vly_image_node *apex =
		vly_image_at(image->heap, image->zone[slot->zone_idx].apex);

	return name_is(apex, name->lower + name->start[label_idx],
		       vly_name_suffix_len(name, label_idx));
}

/* The zone whose apex is the suffix from label_idx on; without `compare`, the first one whose tag
 * says so. */
static inline const struct vly_table_slot *
find_apex(const struct vly_table *table, const struct vly_name *name, unsigned label_idx,
	  bool compare)
{
	uint64_t hash = name->hash[label_idx];
	uint32_t tag = vly_image_tag(hash);
	uint32_t at = vly_table_slot_idx(table, hash);

	for (; table->slot[at].image != NULL; at = (at + 1) & table->slot_mask) {
		const struct vly_table_slot *slot = &table->slot[at];
		if (slot->tag == tag && (!compare || is_apex_of(slot, name, label_idx)))
			return slot;
	}
	return NULL;
}

/*
 * The zone with the longest apex at or above the name. DS lives in the parent zone (RFC 4035
 * §3.1.4.1), so for an apex it is asked there, when the parent is served here too. Without
 * `compare` it is a guess, wrong once in four billion times: an exact match in the zone proves it,
 * and saves touching the apex; whoever finds no match must call zone_is_sure().
 */
static inline bool
find_zone(struct vly_query *query, const struct vly_table *table, bool compare)
{
	const struct vly_name *name = &query->name;
	const struct vly_table_slot *found = NULL;

	for (unsigned i = 0; i <= name->label_cnt; i++) {
		if (!table_has_label_cnt(table, name->label_cnt - i))
			continue;
		const struct vly_table_slot *slot = find_apex(table, name, i, compare);
		if (slot == NULL)
			continue;
		found = slot;
		query->zone_label_idx = (uint8_t)i;
		if (i != 0 || query->qtype != VLY_TYPE_DS)
			break;
	}
	if (found == NULL)
		return false;
	query->image = found->image;
	query->zone_idx = found->zone_idx;
	return true;
}

static inline const struct vly_image_zone *
zone_of(const struct vly_query *query)
{
	return &query->image->zone[query->zone_idx];
}

static inline const struct vly_image_bucket *
bucket_of(const struct vly_image *image, uint64_t hash)
{
	return &image->bucket[vly_image_bucket_idx(hash, image->bucket_cnt)];
}

void
vly_query_find_zone(struct vly_query *query, unsigned cnt, const struct vly_table *table)
{
	for (unsigned i = 0; i < cnt; i++) {
		if (query[i].fate != VLY_QUERY_LOOKUP)
			continue;
		if (!find_zone(&query[i], table, false)) {
			vly_query_refuse(&query[i], VLY_EDE_NOT_AUTHORITATIVE);
			continue;
		}
		query[i].bucket = bucket_of(query[i].image, query[i].name.hash[0]);
		PREFETCH(query[i].bucket);
	}
}

/* The first node in the bucket whose tag is that of the hash. */
static inline const struct vly_image_node *
bucket_candidate(const struct vly_image *image, const struct vly_image_bucket *bucket, uint32_t tag)
{
	unsigned match = vly_bucket_match(bucket, tag);

	if (match == 0)
		return NULL;
	vly_image_ref node = bucket->node[__builtin_ctz(match)];
	return node != 0 ? vly_image_at(image->heap, node) : NULL;
}

static inline void
prefetch_node(const struct vly_image_node *node)
{
	PREFETCH(node);
	PREFETCH((const uint8_t *)node + 64);
}

/* Notes that a name does not exist, and what is likely to be its closest encloser: the parent. */
static void
look_at_parent(struct vly_query *query)
{
	query->absent = true;
	if (query->zone_label_idx == 1) {
		query->node = vly_image_at(query->image->heap, zone_of(query)->apex);
		prefetch_node(query->node);
		return;
	}
	query->bucket = bucket_of(query->image, query->name.hash[1]);
	PREFETCH(query->bucket);
}

void
vly_query_find_node(struct vly_query *query, unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++) {
		if (query[i].fate != VLY_QUERY_LOOKUP)
			continue;
		query[i].absent = false;
		query[i].node = bucket_candidate(query[i].image, query[i].bucket,
						 vly_image_tag(query[i].name.hash[0]));
		if (query[i].node != NULL)
			prefetch_node(query[i].node);
		else if (!vly_bucket_is_full(query[i].bucket) && query[i].zone_label_idx > 0)
			look_at_parent(&query[i]);
	}
}

void
vly_query_find_encloser(struct vly_query *query, unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++) {
		if (query[i].fate != VLY_QUERY_LOOKUP || !query[i].absent || query[i].node != NULL)
			continue;
		query[i].node = bucket_candidate(query[i].image, query[i].bucket,
						 vly_image_tag(query[i].name.hash[1]));
		if (query[i].node != NULL)
			prefetch_node(query[i].node);
	}
}

/* The node of the suffix that starts at label_idx, in the query's zone, or NULL. */
static const struct vly_image_node *
find_suffix(const struct vly_query *query, unsigned label_idx)
{
	const struct vly_image *image = query->image;
	const struct vly_name *name = &query->name;
	const uint8_t *lower = name->lower + name->start[label_idx];
	unsigned len = vly_name_suffix_len(name, label_idx);
	uint64_t hash = name->hash[label_idx];
	uint32_t tag = vly_image_tag(hash);
	uint32_t at = vly_image_bucket_idx(hash, image->bucket_cnt);

	for (uint32_t probe = 0; probe < image->probe_max; probe++) {
		const struct vly_image_bucket *bucket = &image->bucket[at];
		for (unsigned match = vly_bucket_match(bucket, tag); match != 0;
		     match &= match - 1) {
			vly_image_ref ref = bucket->node[__builtin_ctz(match)];
			const struct vly_image_node *node = vly_image_at(image->heap, ref);
			if (ref != 0 && node->zone == query->zone_idx && name_is(node, lower, len))
				return node;
		}
		if (!vly_bucket_is_full(bucket))
			return NULL;
		at = at + 1 < image->bucket_cnt ? at + 1 : 0;
	}
	return NULL;
}

/* True when `node`, a guess by hash, is that of the suffix which starts at label_idx. */
static inline bool
is_node_of(const struct vly_query *query, const struct vly_image_node *node, unsigned label_idx)
{
	return node != NULL && node->zone == query->zone_idx &&
	       name_is(node, query->name.lower + query->name.start[label_idx],
		       vly_name_suffix_len(&query->name, label_idx));
}

/* The longest existing ancestor of a name that does not exist. The parent, which has been looked up
 * ahead, is right for most questions. Else bisection, as ancestors of what exists exist: 127 labels
 * cost 7 searches. */
static const struct vly_image_node *
find_encloser(const struct vly_query *query)
{
	const struct vly_image_node *encloser =
		vly_image_at(query->image->heap, zone_of(query)->apex);
	unsigned apex_idx = query->zone_label_idx; /* exists */
	unsigned low = 1;                          /* the first that may exist */

	if (query->absent && is_node_of(query, query->node, 1))
		return query->node;
	while (low < apex_idx) {
		unsigned middle = (low + apex_idx) / 2;
		const struct vly_image_node *node = find_suffix(query, middle);
		if (node != NULL) {
			encloser = node;
			apex_idx = middle;
		} else {
			low = middle + 1;
		}
	}
	return encloser;
}

/* The answer of a node for a type; for ANY, unless the compiler listed one, any RRset will do (RFC
 * 8482 §4.1). */
static vly_image_ref
choose(const struct vly_image_node *node, unsigned qtype)
{
	for (unsigned i = 0; i < node->type_cnt; i++)
		if (node->type[i].type == qtype)
			return node->type[i].answer;
	return qtype == VLY_TYPE_ANY && node->type_cnt > 0 && !(node->flags & VLY_NODE_CUT)
		       ? node->type[0].answer
		       : node->other;
}

/* The answer for a name that has no node. 0: it is below the DNAME at query->node. */
static vly_image_ref
resolve_absent(struct vly_query *query)
{
	const struct vly_image_node *node = find_encloser(query);

	if (node->flags & VLY_NODE_CUT)
		return node->other;
	if (__builtin_expect(node->flags & VLY_NODE_DNAME, 0)) {
		query->node = node;
		return 0;
	}
	if (node->wildcard != 0)
		return choose(vly_image_at(query->image->heap, node->wildcard), query->qtype);
	return zone_of(query)->nxdomain;
}

/* Looks the name up from scratch, in a zone that is known to be the right one. */
static vly_image_ref
resolve_slowly(struct vly_query *query)
{
	const struct vly_image_node *node = find_suffix(query, 0);

	query->absent = false;
	return node != NULL ? choose(node, query->qtype) : resolve_absent(query);
}

/* The zone was found by its hash alone. Where the name's own node does not prove it, it is compared
 * here; if it is the wrong one, which is next to impossible, the search begins anew. Returns false
 * when the name is in no zone. */
static inline bool
zone_is_sure(struct vly_query *query, const struct vly_table *table, bool *again)
{
	const struct vly_image_node *apex = vly_image_at(query->image->heap, zone_of(query)->apex);

	*again = !is_node_of(query, apex, query->zone_label_idx);
	return __builtin_expect(!*again, 1) || find_zone(query, table, true);
}

static vly_image_ref
resolve(struct vly_query *query, const struct vly_table *table)
{
	bool again;

	if (!query->absent && is_node_of(query, query->node, 0))
		return choose(query->node, query->qtype);
	if (!zone_is_sure(query, table, &again)) {
		vly_query_refuse(query, VLY_EDE_NOT_AUTHORITATIVE);
		return 0;
	}
	return query->absent && !again ? resolve_absent(query) : resolve_slowly(query);
}

void
vly_query_find_answer(struct vly_query *query, unsigned cnt, const struct vly_table *table)
{
	for (unsigned i = 0; i < cnt; i++) {
		if (query[i].fate != VLY_QUERY_LOOKUP)
			continue;
		vly_image_ref ref = resolve(&query[i], table);
		if (__builtin_expect(ref == 0, 0)) {
			if (query[i].fate == VLY_QUERY_LOOKUP)
				query[i].fate = VLY_QUERY_COMPOSE;
			continue;
		}
		query[i].answer = vly_image_at(query[i].image->heap, ref);
		PREFETCH(query[i].answer);
		PREFETCH((const uint8_t *)query[i].answer + 64);
	}
}

const struct vly_image_answer *
vly_resolve_again(struct vly_query *query)
{
	struct vly_name *name = &query->name;
	const struct vly_image_node *apex = vly_image_at(query->image->heap, zone_of(query)->apex);

	query->node = NULL;
	for (unsigned i = 0; i <= name->label_cnt; i++) {
		if (!name_is(apex, name->lower + name->start[i], vly_name_suffix_len(name, i)))
			continue;
		query->zone_label_idx = (uint8_t)i;
		vly_name_hash(name, &query->image->header->hash_key);
		vly_image_ref ref = resolve_slowly(query);
		return ref != 0 ? vly_image_at(query->image->heap, ref) : NULL;
	}
	return NULL;
}
