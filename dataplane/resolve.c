/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Resolving: from a question to its compiled answer (RFC 1034 §4.3.2, RFC 4592), in stages. Each
 * touches memory that the one before has prefetched: slot of the zone, bucket, node, parent,
 * wildcard.
 */
#include "resolve.h"
#include "bucket.h"

#define PREFETCH(address) __builtin_prefetch(address, 0, 3)

/* Ancestors of a name that does not exist which are looked for in the stages; when more of them are
 * missing, the closest encloser is found by bisection, slowly. */
#define ANCESTORS_AHEAD 4

/* A table of this many slots and more lies outside the first cache, so that it pays to fetch them.
 */
#define TABLE_SLOTS_FETCHED 1024

static inline bool
name_is(const struct vly_image_node *node, const uint8_t *lower, unsigned len)
{
	return node->name_len == len &&
	       vly_bucket_name_equal(vly_image_node_name(node), lower, len);
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
	const struct vly_table_slot *slot = &table->slot[vly_table_slot_idx(table, hash)];

	while (slot->image != NULL) {
		if (vly_table_slot_suits(slot, hash) &&
		    (!compare || is_apex_of(slot, name, label_idx)))
			return slot;
		slot = slot == &table->slot[table->slot_mask] ? table->slot : slot + 1;
	}
	return NULL;
}

/* The zone with the longest apex at or above the name. DS lives in the parent zone (RFC 4035
 * §3.1.4.1), so for an apex it is asked there, when the parent is served here too. */
static inline const struct vly_table_slot *
find_longest_apex(struct vly_query *query, const struct vly_table *table, bool compare)
{
	const struct vly_name *name = &query->name;
	const struct vly_table_slot *found = NULL;

	for (unsigned first = 0; first <= name->label_cnt; first += 64) {
		uint64_t left = vly_table_candidates(table, name->label_cnt - first);
		for (; left != 0; left &= left - 1) {
			unsigned i = first + (unsigned)__builtin_ctzll(left);
			const struct vly_table_slot *slot = find_apex(table, name, i, compare);
			if (slot == NULL)
				continue;
			query->zone_label_idx = (uint8_t)i;
			if (i != 0 || query->qtype != VLY_TYPE_DS)
				return slot;
			found = slot;
		}
	}
	return found;
}

/*
 * The zone that the name is in. Without `compare` it is a guess, wrong once in 16 million times: an
 * exact match in the zone proves it, and saves touching the apex; whoever finds no match must call
 * zone_is_sure().
 */
static inline bool
find_zone(struct vly_query *query, const struct vly_table *table, bool compare)
{
	const struct vly_table_slot *found = find_longest_apex(query, table, compare);
	unsigned label_cnt = query->name.label_cnt;

	if (found == NULL)
		return false;
	query->image = found->image;
	query->zone_idx = found->zone_idx;
	query->encloser_idx =
		label_cnt > found->label_max ? (uint8_t)(label_cnt - found->label_max) : 0;
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

/* Fetches where the zone would be, unless its apex lies more than 63 labels above the name. */
static inline void
fetch_zone(const struct vly_query *query, const struct vly_table *table)
{
	const struct vly_name *name = &query->name;
	uint64_t left = vly_table_candidates(table, name->label_cnt);

	for (; left != 0; left &= left - 1) {
		uint64_t hash = name->hash[__builtin_ctzll(left)];
		PREFETCH(&table->slot[vly_table_slot_idx(table, hash)]);
	}
}

void
vly_query_fetch_zone(const struct vly_query *query, unsigned cnt, const struct vly_table *table)
{
	if (table == NULL || table->slot_mask < TABLE_SLOTS_FETCHED)
		return;
	for (unsigned i = 0; i < cnt; i++)
		if (query[i].fate == VLY_QUERY_LOOKUP)
			fetch_zone(&query[i], table);
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
		query[i].bucket =
			bucket_of(query[i].image, query[i].name.hash[query[i].encloser_idx]);
		PREFETCH(query[i].bucket);
	}
}

/* The first node of a bucket whose tag is that of the hash, or NULL. */
static inline const struct vly_image_node *
bucket_node(const struct vly_image *image, const struct vly_image_bucket *bucket, uint64_t hash)
{
	unsigned match = vly_bucket_match(bucket, vly_image_tag(hash));
	vly_image_ref node = match != 0 ? bucket->node[__builtin_ctz(match)] : 0;

	return node != 0 ? vly_image_at(image->heap, node) : NULL;
}

/* The same of the buckets behind `bucket`, in which there was no room for all. */
__attribute__((noinline)) static const struct vly_image_node *
next_candidate(const struct vly_image *image, const struct vly_image_bucket *bucket, uint64_t hash)
{
	const struct vly_image_bucket *last = image->bucket + image->bucket_cnt - 1;

	for (uint32_t probe = 1; probe < image->probe_max; probe++) {
		bucket = bucket == last ? image->bucket : bucket + 1;
		const struct vly_image_node *node = bucket_node(image, bucket, hash);
		if (node != NULL || !vly_image_bucket_overflows(bucket))
			return node;
	}
	return NULL;
}

/* The first node whose tag is that of the hash, from `bucket` on; NULL: there is none. */
static inline const struct vly_image_node *
bucket_candidate(const struct vly_image *image, const struct vly_image_bucket *bucket,
		 uint64_t hash)
{
	const struct vly_image_node *node = bucket_node(image, bucket, hash);

	return __builtin_expect(node == NULL && vly_image_bucket_overflows(bucket), 0)
		       ? next_candidate(image, bucket, hash)
		       : node;
}

static inline void
prefetch_node(const struct vly_image_node *node)
{
	PREFETCH(node);
	PREFETCH((const uint8_t *)node + 64);
}

/* A name does not exist: fetches where its ancestors would be. */
static void
look_for_ancestors(const struct vly_query *query)
{
	const unsigned first = query->encloser_idx + 1u;
	unsigned end = query->zone_label_idx;

	if (end > first + ANCESTORS_AHEAD)
		end = first + ANCESTORS_AHEAD;
	PREFETCH(zone_of(query));
	for (unsigned i = first; i < end; i++)
		PREFETCH(bucket_of(query->image, query->name.hash[i]));
}

bool
vly_query_find_node(struct vly_query *query, unsigned cnt)
{
	bool missing = false;

	for (unsigned i = 0; i < cnt; i++) {
		if (query[i].fate != VLY_QUERY_LOOKUP)
			continue;
		query[i].node = bucket_candidate(query[i].image, query[i].bucket,
						 query[i].name.hash[query[i].encloser_idx]);
		if (query[i].node != NULL) {
			prefetch_node(query[i].node);
			continue;
		}
		look_for_ancestors(&query[i]);
		missing = true;
	}
	return missing;
}

/* The closest encloser, going by the tags. */
static void
guess_encloser(struct vly_query *query)
{
	const struct vly_image *image = query->image;
	const unsigned end = query->encloser_idx + 1u + ANCESTORS_AHEAD;

	while (++query->encloser_idx < query->zone_label_idx) {
		if (query->encloser_idx == end)
			return; /* far below the apex: left to bisection */
		uint64_t hash = query->name.hash[query->encloser_idx];
		query->node = bucket_candidate(image, bucket_of(image, hash), hash);
		if (query->node != NULL) {
			prefetch_node(query->node);
			return;
		}
	}
	query->encloser_idx = query->zone_label_idx;
	query->node = vly_image_at(image->heap, zone_of(query)->apex);
	prefetch_node(query->node);
}

void
vly_query_find_encloser(struct vly_query *query, unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++)
		if (query[i].fate == VLY_QUERY_LOOKUP && query[i].node == NULL)
			guess_encloser(&query[i]);
}

/* True when `node`, a guess by hash or NULL, is that of a name in the query's zone. */
static inline bool
is_node_in_zone(const struct vly_query *query, const struct vly_image_node *node,
		const uint8_t *lower, unsigned len)
{
	return node != NULL && node->zone == query->zone_idx && name_is(node, lower, len);
}

/* The same of the suffix that starts at label_idx. */
static inline bool
is_node_of(const struct vly_query *query, const struct vly_image_node *node, unsigned label_idx)
{
	return is_node_in_zone(query, node, query->name.lower + query->name.start[label_idx],
			       vly_name_suffix_len(&query->name, label_idx));
}

/* The same of the whole name, if its own node is what was looked for. */
static inline bool
is_own_node(const struct vly_query *query)
{
	return query->encloser_idx == 0 &&
	       is_node_in_zone(query, query->node, query->name.lower, query->name.len);
}

/* The node of the suffix that starts at label_idx, in the query's zone, or NULL. */
static const struct vly_image_node *
find_suffix(const struct vly_query *query, unsigned label_idx)
{
	const struct vly_image *image = query->image;
	uint64_t hash = query->name.hash[label_idx];
	uint32_t tag = vly_image_tag(hash);
	uint32_t at = vly_image_bucket_idx(hash, image->bucket_cnt);

	for (uint32_t probe = 0; probe < image->probe_max; probe++) {
		const struct vly_image_bucket *bucket = &image->bucket[at];
		for (unsigned match = vly_bucket_match(bucket, tag); match != 0;
		     match &= match - 1) {
			vly_image_ref ref = bucket->node[__builtin_ctz(match)];
			const struct vly_image_node *node = vly_image_at(image->heap, ref);
			if (ref != 0 && is_node_of(query, node, label_idx))
				return node;
		}
		if (!vly_image_bucket_overflows(bucket))
			return NULL;
		at = at + 1 < image->bucket_cnt ? at + 1 : 0;
	}
	return NULL;
}

/* The longest existing ancestor of a name that does not exist, by bisection, as ancestors of what
 * exists exist: 127 labels cost 7 searches. */
static const struct vly_image_node *
find_encloser(const struct vly_query *query)
{
	const struct vly_image_node *encloser =
		vly_image_at(query->image->heap, zone_of(query)->apex);
	unsigned apex_idx = query->zone_label_idx; /* exists */
	unsigned low = 1;                          /* the first that may exist */

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

/* The answer for a name that has no node, or 0: it is below the DNAME at query->node, which is the
 * closest encloser; or it is made from the wildcard that query->node now is. */
static inline vly_image_ref
resolve_below(struct vly_query *query, const struct vly_image_node *encloser)
{
	if (encloser->flags & VLY_NODE_CUT)
		return encloser->other;
	query->node = encloser;
	if (__builtin_expect(encloser->flags & VLY_NODE_DNAME, 0)) {
		query->fate = VLY_QUERY_COMPOSE;
		return 0;
	}
	if (encloser->wildcard == 0)
		return zone_of(query)->nxdomain;
	query->node = vly_image_at(query->image->heap, encloser->wildcard);
	prefetch_node(query->node);
	return 0;
}

/* Looks the name up from scratch, in a zone that is known to be the right one. 0: as
 * resolve_below(). */
static vly_image_ref
resolve_slowly(struct vly_query *query)
{
	const struct vly_image_node *node = find_suffix(query, 0);

	return node != NULL ? choose(node, query->qtype)
			    : resolve_below(query, find_encloser(query));
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

/* The answer of a question whose name has no node of its own, or 0. Not inline, as it would take
 * registers from what most questions need. */
__attribute__((noinline)) static vly_image_ref
resolve_missing(struct vly_query *query, const struct vly_table *table)
{
	bool right = is_node_of(query, query->node, query->encloser_idx);
	bool again;

	if (!zone_is_sure(query, table, &again)) {
		vly_query_refuse(query, VLY_EDE_NOT_AUTHORITATIVE);
		return 0;
	}
	return right && !again ? resolve_below(query, query->node) : resolve_slowly(query);
}

/* Enough for answers of up to 56 octets; longer ones mostly end where their node begins, which has
 * been fetched. Were the second further away, answers that begin in the last eight octets of a line
 * would miss the next one. */
static inline void
take_answer(struct vly_query *query, vly_image_ref ref)
{
	query->answer = vly_image_at(query->image->heap, ref);
	PREFETCH(query->answer);
	PREFETCH((const uint8_t *)query->answer + sizeof(*query->answer) + 55);
}

bool
vly_query_find_answer(struct vly_query *query, unsigned cnt, const struct vly_table *table)
{
	bool wildcard = false;

	for (unsigned i = 0; i < cnt; i++) {
		if (query[i].fate != VLY_QUERY_LOOKUP)
			continue;
		vly_image_ref ref = is_own_node(&query[i]) ? choose(query[i].node, query[i].qtype)
							   : resolve_missing(&query[i], table);
		if (ref != 0) {
			take_answer(&query[i], ref);
			continue;
		}
		query[i].answer = NULL;
		wildcard = true;
	}
	return wildcard;
}

void
vly_query_find_wildcard(struct vly_query *query, unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++)
		if (query[i].fate == VLY_QUERY_LOOKUP && query[i].answer == NULL)
			take_answer(&query[i], choose(query[i].node, query[i].qtype));
}

const struct vly_image_answer *
vly_resolve_again(struct vly_query *query)
{
	struct vly_name *name = &query->name;
	const struct vly_image_node *apex = vly_image_at(query->image->heap, zone_of(query)->apex);

	query->fate = VLY_QUERY_LOOKUP;
	query->node = NULL;
	for (unsigned i = 0; i <= name->label_cnt; i++) {
		if (!name_is(apex, name->lower + name->start[i], vly_name_suffix_len(name, i)))
			continue;
		query->zone_label_idx = (uint8_t)i;
		vly_name_hash(name, &query->image->header->hash_key);
		vly_image_ref ref = resolve_slowly(query);
		if (ref == 0 && query->fate == VLY_QUERY_LOOKUP)
			ref = choose(query->node, query->qtype);
		return ref != 0 ? vly_image_at(query->image->heap, ref) : NULL;
	}
	return NULL;
}
