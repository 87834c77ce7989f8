/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Resolves questions to compiled answers (RFC 1034 §4.3.2, RFC 4592), in stages. Each stage reads
 * memory that the previous one has prefetched.
 *
 * A name, or its closest encloser, is looked up before its zone is known: the node says which zone
 * it is in, and among many zones, the slot of the zone would be one more cache miss. If that leads
 * to a contested zone (image/table.h), the name is looked up again by its zone. Until then, tags
 * alone are compared where a full comparison would be another miss; a wrong guess is noticed when
 * the node's name is compared. The few names that are left after that are found with full
 * comparisons and without prefetching.
 */
#include "resolve.h"
#include "choose.h"
#include "image/bucket.h"
#include "prove.h"

#define PREFETCH(address) __builtin_prefetch(address, 0, 3)

/* Ancestors of a missing name that are looked up in the stages. If all of these are missing, the
 * closest encloser is found by bisection, more slowly. */
#define ANCESTORS_AHEAD 4

/* From so many slots on, a table does not fit in the first-level cache, and prefetching them
 * pays. */
#define TABLE_SLOTS_FETCHED 1024

static inline const struct vly_image_zone *
zone_of(const struct vly_query *query)
{
	return &query->image->zone[query->zone_idx];
}

static inline const struct vly_image_bucket *
bucket_of(const struct vly_table_part *part, uint64_t hash)
{
	return &part->bucket[vly_image_bucket_idx(hash, part->bucket_cnt)];
}

/* The first node of a bucket with the tag of the hash, or NULL. */
static inline const struct vly_image_node *
bucket_node(const struct vly_image *image, const struct vly_image_bucket *bucket, uint64_t hash)
{
	unsigned match = vly_bucket_match(bucket, vly_image_tag(hash));
	vly_image_ref node = match != 0 ? bucket->node[__builtin_ctz(match)] : 0;

	return node != 0 ? vly_image_at(image->heap, node) : NULL;
}

/* The same in the buckets behind `bucket`, which overflows. */
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

/* The first node with the tag of the hash, from `bucket` on, or NULL. */
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

/* Sets query->node to the node that, by its tag, has the suffix from label_idx on, or to NULL.
 * `bucket` is the suffix's. */
static inline void
find_node(struct vly_query *query, const struct vly_image_bucket *bucket, unsigned label_idx)
{
	query->node = bucket_candidate(query->image, bucket, query->name.hash[label_idx]);
	if (query->node != NULL)
		prefetch_node(query->node);
}

/* Prefetches the slots of the zones that the name may be in, up to 63 labels above the name. */
static void
fetch_zone(const struct vly_query *query, const struct vly_table *table)
{
	const struct vly_name *name = &query->name;
	uint64_t left = vly_table_candidates(table, name->label_cnt);

	if (table->slot_mask < TABLE_SLOTS_FETCHED)
		return;
	for (; left != 0; left &= left - 1) {
		uint64_t hash = name->hash[__builtin_ctzll(left)];
		PREFETCH(&table->slot[vly_table_slot_idx(table, hash)]);
	}
}

void
vly_query_fetch_name(struct vly_query *query, unsigned cnt, const struct vly_table *table)
{
	for (unsigned i = 0; i < cnt; i++) {
		if (query[i].fate != VLY_QUERY_LOOKUP)
			continue;
		const struct vly_table_part *part = vly_table_route(table, &query[i].name);
		unsigned label_idx = vly_name_last_labels(&query[i].name, part->label_max);
		query[i].part = part;
		query[i].image = part->image;
		query[i].encloser_idx = (uint8_t)label_idx;
		query[i].bucket = bucket_of(part, query[i].name.hash[label_idx]);
		PREFETCH(query[i].bucket);
	}
}

/* The label behind the last ancestor that is looked up in the stages. */
static inline unsigned
ancestors_end(const struct vly_query *query, unsigned first)
{
	unsigned end = query->name.label_cnt + 1u;

	return end < first + ANCESTORS_AHEAD ? end : first + ANCESTORS_AHEAD;
}

/* Prefetches the buckets of the ancestors of a missing name. */
static inline void
fetch_ancestors(const struct vly_query *query)
{
	const unsigned first = query->encloser_idx + 1u;
	const unsigned end = ancestors_end(query, first);

	for (unsigned i = first; i < end; i++)
		PREFETCH(bucket_of(query->part, query->name.hash[i]));
}

void
vly_query_find_name(struct vly_query *query, unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++) {
		if (query[i].fate != VLY_QUERY_LOOKUP)
			continue;
		query[i].answer = NULL;
		find_node(&query[i], query[i].bucket, query[i].encloser_idx);
		if (query[i].node == NULL)
			fetch_ancestors(&query[i]);
	}
}

/* The answer of a node for a type. For ANY, unless the compiler listed an answer, one RRset is
 * enough (RFC 8482 §4.1). */
static vly_image_ref
choose_plain(const struct vly_image_node *node, unsigned qtype)
{
	const unsigned idx = vly_choose_type(node, qtype);

	if (idx < node->type_cnt)
		return node->type[idx].answer;
	return qtype == VLY_TYPE_ANY && node->type_cnt > 0 && !(node->flags & VLY_NODE_CUT)
		       ? node->type[0].answer
		       : node->other;
}

/* Whether the client gets the DO form of a node's answers. Unsigned zones pay one test. */
static inline bool
wants_proof(const struct vly_query *query, const struct vly_image_node *node)
{
	return __builtin_expect(node->flags & VLY_NODE_SIGNED, 0) && query->dnssec_ok;
}

/* The answer of the name's node. */
static inline vly_image_ref
choose(struct vly_query *query, const struct vly_image_node *node)
{
	return wants_proof(query, node) ? vly_prove_node(query, node)
					: choose_plain(node, query->qtype);
}

/* The referral for a name without a node, if the closest encloser is a cut. Otherwise 0: the name
 * is below the DNAME at query->node, and the fate is VLY_QUERY_COMPOSE; or the name is missing, and
 * missing_answer() has its answer. */
static inline vly_image_ref
resolve_below(struct vly_query *query, const struct vly_image_node *encloser)
{
	enum vly_query_course course = VLY_COURSE_MISSING;

	if (encloser->flags & VLY_NODE_CUT)
		return wants_proof(query, encloser) ? vly_prove_cut(query, encloser)
						    : encloser->other;
	query->node = encloser;
	/* one test for unsigned zones */
	if (__builtin_expect(encloser->flags & (VLY_NODE_DNAME | VLY_NODE_SIGNED), 0)) {
		if (encloser->flags & VLY_NODE_DNAME) {
			query->fate = VLY_QUERY_COMPOSE;
			return 0;
		}
		if (query->dnssec_ok) {
			query->encloser = encloser;
			course = VLY_COURSE_DENIED;
		}
	}
	query->course = (uint8_t)course;
	if (encloser->wildcard == 0) {
		query->node = NULL;
		PREFETCH(zone_of(query));
		return 0;
	}
	query->node = vly_image_at(query->image->heap, encloser->wildcard);
	prefetch_node(query->node);
	return 0;
}

/* The answer for a missing name: from the wildcard at query->node, or NXDOMAIN if that is NULL. */
static inline vly_image_ref
missing_answer(const struct vly_query *query)
{
	return query->node != NULL ? choose_plain(query->node, query->qtype)
				   : zone_of(query)->nxdomain;
}

/* The same, with its proof if the client gets one; 0 if the name is not missing. */
static vly_image_ref
last_answer(struct vly_query *query)
{
	if (query->course == VLY_COURSE_DENIED)
		return vly_prove_missing(query);
	return query->course == VLY_COURSE_MISSING ? missing_answer(query) : 0;
}

/* Prefetches enough for answers of up to 56 octets; the end of longer ones is usually in the line
 * where their node begins, which has been loaded. With the second prefetch further away, answers
 * that begin in the last eight octets of a line would miss the next line. */
static inline void
take_answer(struct vly_query *query, vly_image_ref ref)
{
	query->answer = vly_image_at(query->image->heap, ref);
	PREFETCH(query->answer);
	PREFETCH((const uint8_t *)query->answer + sizeof(*query->answer) + 55);
}

/* Whether the node found by its tag really has the suffix at encloser_idx, and the name is in the
 * node's zone: the zone is not contested, and this is no question for the DS of its apex, which
 * belongs to the parent zone (RFC 4035 §3.1.4.1). */
static inline bool
is_settled(const struct vly_query *query)
{
	const struct vly_image_node *node = query->node;

	return vly_bucket_node_is(node, &query->name, query->encloser_idx) &&
	       !vly_table_is_contested(query->part, node->zone) &&
	       (query->qtype != VLY_TYPE_DS || !(node->flags & VLY_NODE_APEX) ||
		query->encloser_idx != 0);
}

/* Takes the answer, if there is one. Returns the stages that are left for the query. */
static inline unsigned
take_result(struct vly_query *query, vly_image_ref ref)
{
	if (ref != 0)
		take_answer(query, ref);
	return query->course >= VLY_COURSE_MISSING ? VLY_QUERY_LEFT_LAST : VLY_QUERY_LEFT_NOTHING;
}

/* Not inline: it would take registers from the code for most questions. */
__attribute__((noinline)) static unsigned
settle_below(struct vly_query *query)
{
	query->zone_idx = query->node->zone;
	return take_result(query, resolve_below(query, query->node));
}

__attribute__((noinline)) static unsigned
begin_by_zone(struct vly_query *query, const struct vly_table *table)
{
	query->course = VLY_COURSE_ZONE;
	fetch_zone(query, table);
	return VLY_QUERY_LEFT_ENCLOSER | VLY_QUERY_LEFT_LAST;
}

unsigned
vly_query_match_name(struct vly_query *query, unsigned cnt, const struct vly_table *table)
{
	unsigned left = VLY_QUERY_LEFT_NOTHING;

	for (unsigned i = 0; i < cnt; i++) {
		if (query[i].fate != VLY_QUERY_LOOKUP)
			continue;
		if (query[i].node == NULL)
			left |= VLY_QUERY_LEFT_ENCLOSER;
		else if (!is_settled(&query[i]))
			left |= begin_by_zone(&query[i], table);
		else if (query[i].encloser_idx == 0)
			take_answer(&query[i], choose(&query[i], query[i].node));
		else
			left |= settle_below(&query[i]);
	}
	return left;
}

/* Finds the closest encloser, by tags alone. */
static inline void
guess_encloser(struct vly_query *query)
{
	const unsigned end = ancestors_end(query, query->encloser_idx + 1u);

	while (query->node == NULL && ++query->encloser_idx < end)
		find_node(query, bucket_of(query->part, query->name.hash[query->encloser_idx]),
			  query->encloser_idx);
}

/* The zone with the longest apex at or above the name, or NULL; without `compare`, by tags alone.
 * DS belongs to the parent zone (RFC 4035 §3.1.4.1), so for an apex the parent's zone is returned,
 * if it is served here, too. */
static inline const struct vly_table_slot *
find_zone(struct vly_query *query, const struct vly_table *table, bool compare)
{
	const struct vly_name *name = &query->name;
	const struct vly_table_slot *found = NULL;

	for (unsigned first = 0; first <= name->label_cnt; first += 64) {
		uint64_t left = vly_table_candidates(table, name->label_cnt - first);
		for (; left != 0; left &= left - 1) {
			unsigned i = first + (unsigned)__builtin_ctzll(left);
			const struct vly_table_slot *slot = vly_table_find(table, name, i, compare);
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

static bool
take_zone(struct vly_query *query, const struct vly_table_slot *slot)
{
	if (slot == NULL) {
		vly_query_refuse(query, VLY_EDE_NOT_AUTHORITATIVE);
		return false;
	}
	query->part = slot->part;
	query->image = slot->part->image;
	query->zone_idx = slot->zone_idx;
	return true;
}

/* Finds the right zone of a name in a contested zone, by tags, and prefetches the name's bucket. */
__attribute__((noinline)) static void
find_bucket_by_zone(struct vly_query *query, const struct vly_table *table)
{
	if (!take_zone(query, find_zone(query, table, false)))
		return;
	query->bucket = bucket_of(query->part, query->name.hash[0]);
	PREFETCH(query->bucket);
}

/* Whether the query is on this course and has no answer yet. */
static inline bool
is_on_course(const struct vly_query *query, enum vly_query_course course)
{
	return query->fate == VLY_QUERY_LOOKUP && query->answer == NULL && query->course == course;
}

void
vly_query_find_encloser(struct vly_query *query, unsigned cnt, const struct vly_table *table)
{
	for (unsigned i = 0; i < cnt; i++) {
		if (is_on_course(&query[i], VLY_COURSE_NAME)) {
			guess_encloser(&query[i]);
			if (query[i].node == NULL)
				fetch_zone(&query[i], table);
		} else if (is_on_course(&query[i], VLY_COURSE_ZONE)) {
			find_bucket_by_zone(&query[i], table);
		}
	}
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
			if (ref != 0 && node->zone == query->zone_idx &&
			    vly_bucket_node_is(node, &query->name, label_idx))
				return node;
		}
		if (!vly_image_bucket_overflows(bucket))
			return NULL;
		at = at + 1 < image->bucket_cnt ? at + 1 : 0;
	}
	return NULL;
}

/* The longest existing ancestor of a missing name, which begins at the label `first` or behind it.
 * By bisection: all ancestors of an existing name exist. 127 labels take 7 searches. */
static const struct vly_image_node *
find_encloser(const struct vly_query *query, unsigned first)
{
	const struct vly_image_node *encloser =
		vly_image_at(query->image->heap, zone_of(query)->apex);
	unsigned apex_idx = query->zone_label_idx; /* exists */
	unsigned low = first;                      /* may exist */

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

/* Looks the name up from the start, in its zone. Returns 0 as resolve_below(). */
static vly_image_ref
resolve_in_zone(struct vly_query *query)
{
	unsigned first = vly_name_last_labels(&query->name, zone_of(query)->label_max);
	const struct vly_image_node *node = first == 0 ? find_suffix(query, 0) : NULL;

	return node != NULL ? choose(query, node)
			    : resolve_below(query, find_encloser(query, first > 0 ? first : 1));
}

/* Looks the name up from the start, its zone first. Returns 0 as resolve_below(), or if the query
 * was refused. */
__attribute__((noinline)) static vly_image_ref
resolve_by_zone(struct vly_query *query, const struct vly_table *table)
{
	return take_zone(query, find_zone(query, table, true)) ? resolve_in_zone(query) : 0;
}

unsigned
vly_query_find_answer(struct vly_query *query, unsigned cnt, const struct vly_table *table)
{
	unsigned left = VLY_QUERY_LEFT_NOTHING;

	for (unsigned i = 0; i < cnt; i++) {
		if (is_on_course(&query[i], VLY_COURSE_ZONE)) {
			find_node(&query[i], query[i].bucket, 0);
		} else if (is_on_course(&query[i], VLY_COURSE_NAME)) {
			left |= query[i].node != NULL && is_settled(&query[i])
					? settle_below(&query[i])
					: take_result(&query[i], resolve_by_zone(&query[i], table));
		}
	}
	return left;
}

/* The answer for a name in a contested zone, or 0: it is below a DNAME, or was refused. The zone
 * was found by its tag; a node with the whole name in it proves that it is the right one. */
__attribute__((noinline)) static vly_image_ref
resolve_contested(struct vly_query *query, const struct vly_table *table)
{
	const struct vly_image_node *node = query->node;

	if (node != NULL && node->zone == query->zone_idx &&
	    vly_bucket_node_is(node, &query->name, 0))
		return choose(query, node);
	vly_image_ref ref = resolve_by_zone(query, table);
	return ref != 0 ? ref : last_answer(query);
}

unsigned
vly_query_find_last(struct vly_query *query, unsigned cnt, const struct vly_table *table)
{
	unsigned left = VLY_QUERY_LEFT_NOTHING;

	for (unsigned i = 0; i < cnt; i++) {
		vly_image_ref ref = 0;
		if (is_on_course(&query[i], VLY_COURSE_MISSING)) {
			ref = missing_answer(&query[i]);
		} else if (is_on_course(&query[i], VLY_COURSE_ZONE)) {
			ref = resolve_contested(&query[i], table);
			left |= VLY_QUERY_LEFT_COVER;
		} else if (is_on_course(&query[i], VLY_COURSE_DENIED)) {
			ref = vly_prove_missing(&query[i]);
			left |= VLY_QUERY_LEFT_COVER;
		}
		if (ref != 0)
			take_answer(&query[i], ref);
	}
	return left;
}

/* Fills hash[] from label `from` down to `to`. */
static void
hash_labels(struct vly_name *name, const struct vly_hash_key *key, unsigned from, unsigned to)
{
	for (unsigned i = from; i-- > to;)
		name->hash[i] =
			vly_hash_label(key, name->hash[i + 1], name->lower + name->start[i]);
}

/*
 * Finds the name or its closest encloser, which begins at the label *found_idx: outwards from the
 * apex, in steps that double until there is no node, then by bisection. So the cost depends on the
 * labels of the encloser, not on those of the name, which a client chooses. Labels before `first`
 * are skipped. *label_idx: the outermost label that was hashed.
 */
static const struct vly_image_node *
find_outwards(struct vly_query *query, unsigned first, unsigned *found_idx, unsigned *label_idx)
{
	const struct vly_hash_key *key = &query->image->header->hash_key;
	const struct vly_image_node *found = vly_image_at(query->image->heap, zone_of(query)->apex);
	unsigned known = query->zone_label_idx; /* exists */
	unsigned low = first;                   /* may exist */
	unsigned hashed = query->name.label_cnt;

	query->name.hash[hashed] = vly_hash_root(key);
	for (unsigned step = 1; low < known; step *= 2) {
		unsigned idx = known - low > step ? known - step : low;
		if (idx < hashed) {
			hash_labels(&query->name, key, hashed, idx);
			hashed = idx;
		}
		const struct vly_image_node *node = find_suffix(query, idx);
		if (node == NULL) {
			low = idx + 1;
			break;
		}
		found = node;
		known = idx;
	}
	while (low < known) {
		unsigned middle = (low + known) / 2;
		const struct vly_image_node *node = find_suffix(query, middle);
		if (node == NULL) {
			low = middle + 1;
			continue;
		}
		found = node;
		known = middle;
	}
	*found_idx = known;
	*label_idx = hashed;
	return found;
}

const struct vly_image_answer *
vly_resolve_again(struct vly_query *query, unsigned *label_cnt)
{
	const struct vly_image_zone *zone = zone_of(query);
	const struct vly_image_node *apex = vly_image_at(query->image->heap, zone->apex);
	struct vly_name *name = &query->name;
	unsigned found_idx, label_idx;

	query->fate = VLY_QUERY_LOOKUP;
	query->course = VLY_COURSE_ZONE;
	query->node = NULL;
	*label_cnt = 0;
	if (name->label_cnt < zone->label_cnt ||
	    !vly_bucket_node_is(apex, name, name->label_cnt - (unsigned)zone->label_cnt))
		return NULL;
	query->zone_label_idx = (uint8_t)(name->label_cnt - zone->label_cnt);
	const struct vly_image_node *node = find_outwards(
		query, vly_name_last_labels(name, zone->label_max), &found_idx, &label_idx);
	*label_cnt = name->label_cnt - label_idx;
	vly_image_ref ref = found_idx == 0 ? choose(query, node) : resolve_below(query, node);
	if (ref == 0)
		ref = last_answer(query);
	return ref != 0 ? vly_image_at(query->image->heap, ref) : NULL;
}
