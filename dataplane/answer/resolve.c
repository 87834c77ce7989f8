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
#include "prove.h"
#include "resolve_layers.h"
#include "resolve_parts.h"
#include "steered.h"

/* Ancestors of a missing name that are looked up in the stages. If all of these are missing, the
 * closest encloser is found by bisection, more slowly. */
#define ANCESTORS_AHEAD 4

/* From so many slots on, a table does not fit in the first-level cache, and prefetching them
 * pays. */
#define TABLE_SLOTS_FETCHED 1024

static inline const struct vly_image_bucket *
bucket_of(const struct vly_table_part *part, uint64_t hash)
{
	return &part->bucket[vly_image_bucket_idx(hash, part->bucket_cnt)];
}

/* Out of line: it would take registers from the code for most questions. */
__attribute__((noinline)) const struct vly_image_node *
vly_resolve_next_candidate(const struct vly_image *image, const struct vly_image_bucket *bucket,
			   uint64_t hash)
{
	const struct vly_image_bucket *last = image->bucket + image->bucket_cnt - 1;

	for (uint32_t probe = 1; probe < image->probe_max; probe++) {
		bucket = bucket == last ? image->bucket : bucket + 1;
		const struct vly_image_node *node = vly_resolve_bucket_node(image, bucket, hash);
		if (node != NULL || !vly_image_bucket_overflows(bucket))
			return node;
	}
	return NULL;
}

/* Sets query->node to the node that, by its tag, has the suffix from label_idx on, or to NULL.
 * `bucket` is the suffix's. */
static inline void
find_node(struct vly_query *query, const struct vly_image_bucket *bucket, unsigned label_idx)
{
	query->node = vly_resolve_candidate(query->image, bucket, query->name.hash[label_idx]);
	if (query->node != NULL)
		vly_resolve_fetch_node(query->node);
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

/* Notes, and prefetches, what says whether the name may be in an overlay. */
static inline void
fetch_filter(struct vly_query *query)
{
	const struct vly_table_filter *filter =
		__atomic_load_n(&query->part->filter, __ATOMIC_ACQUIRE);
	const uint64_t mix = vly_table_filter_mix(vly_image_tag(query->name.hash[0]));

	query->filter_word = NULL;
	if (filter == NULL)
		return;
	query->filter_word = vly_table_filter_word(filter, mix);
	query->filter_bits = vly_table_filter_bits(mix);
	PREFETCH(query->filter_word);
}

static inline __attribute__((always_inline)) void
fetch_name(struct vly_query *query, unsigned cnt, const struct vly_table *table, bool has_filters)
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
		if (has_filters)
			fetch_filter(&query[i]);
	}
}

__attribute__((noinline)) static void
fetch_name_filtered(struct vly_query *query, unsigned cnt, const struct vly_table *table)
{
	fetch_name(query, cnt, table, true);
}

void
vly_query_fetch_name(struct vly_query *query, unsigned cnt, const struct vly_table *table)
{
	/* one test for each group pays for overlays that are not there */
	if (__builtin_expect(
		    table != NULL && __atomic_load_n(&table->has_filters, __ATOMIC_RELAXED), 0))
		fetch_name_filtered(query, cnt, table);
	else
		fetch_name(query, cnt, table, false);
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

/* The answer of a node that is steered; or, if the type is RRSIG or NSEC, one that is composed. Out of
 * line: it would take registers from the code for most questions. */
__attribute__((noinline)) static vly_image_ref
choose_rare(struct vly_query *query, const struct vly_image_node *node)
{
	const vly_image_ref ref = vly_resolve_choose(node, query->qtype);

	if (node->flags & VLY_NODE_STEERED)
		return vly_steered_choose(query, ref);
	if (vly_choose_type(node, query->qtype) == node->type_cnt &&
	    vly_prove_can_compose(query->image, node, query->qtype))
		vly_prove_composed(query, node);
	return ref;
}

/* The answer of a node for the type in question. RRSIG and NSEC of a signed zone are composed. */
static inline vly_image_ref
choose_plain(struct vly_query *query, const struct vly_image_node *node)
{
	if (__builtin_expect((node->flags & VLY_NODE_STEERED) ||
				     vly_prove_may_compose(node, query->qtype),
			     0))
		return choose_rare(query, node);
	return vly_resolve_choose(node, query->qtype);
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
	return wants_proof(query, node) ? vly_prove_node(query, node) : choose_plain(query, node);
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
		PREFETCH(vly_resolve_zone(query));
		return 0;
	}
	query->node = vly_image_at(query->image->heap, encloser->wildcard);
	vly_resolve_fetch_node(query->node);
	return 0;
}

/* The answer for a missing name: from the wildcard at query->node, or NXDOMAIN if that is NULL. */
static inline vly_image_ref
missing_answer(struct vly_query *query)
{
	return query->node != NULL ? choose_plain(query, query->node)
				   : vly_resolve_zone(query)->nxdomain;
}

/* The same, with its proof if the client gets one; 0 if the name is not missing. */
static vly_image_ref
last_answer(struct vly_query *query)
{
	if (query->course == VLY_COURSE_DENIED)
		return vly_prove_missing(query);
	return query->course == VLY_COURSE_MISSING ? missing_answer(query) : 0;
}

/* Whether the node found by its tag really has the suffix at encloser_idx. */
static inline bool
has_name(const struct vly_query *query)
{
	return vly_bucket_node_is(query->node, &query->name, query->encloser_idx);
}

/* Whether this is a question for the DS of an apex, which belongs to the parent zone (RFC 4035
 * §3.1.4.1). The node has the suffix. */
static inline bool
is_parents(const struct vly_query *query)
{
	return __builtin_expect(query->qtype == VLY_TYPE_DS, 0) &&
	       (query->node->flags & VLY_NODE_APEX) && query->encloser_idx == 0;
}

/* Whether the name may not be in the zone of the node that has the suffix, or in another layer. */
static inline bool
is_contested(const struct vly_query *query)
{
	return vly_table_is_contested(query->part, query->node->zone) || is_parents(query);
}

/* Takes the answer, if there is one. Returns the stages that are left for the query. */
static inline unsigned
take_result(struct vly_query *query, vly_image_ref ref)
{
	if (ref != 0)
		vly_resolve_take(query, ref);
	return query->course >= VLY_COURSE_MISSING ? VLY_QUERY_LEFT_LAST : VLY_QUERY_LEFT_NOTHING;
}

/* Not inline: it would take registers from the code for most questions. */
__attribute__((noinline)) static unsigned
settle_below(struct vly_query *query)
{
	query->zone_idx = query->node->zone;
	query->layers = NULL;
	return take_result(query, resolve_below(query, query->node));
}

__attribute__((noinline)) static unsigned
begin_by_zone(struct vly_query *query, const struct vly_table *table)
{
	query->course = VLY_COURSE_ZONE;
	fetch_zone(query, table);
	return VLY_QUERY_LEFT_ENCLOSER | VLY_QUERY_LEFT_LAST;
}

/* The stages that are left for a query after vly_layers_settle(). */
static inline unsigned
left_layered(const struct vly_query *query)
{
	switch ((enum vly_query_course)query->course) {
	case VLY_COURSE_LAYERS:
		return VLY_QUERY_LEFT_ENCLOSER;
	case VLY_COURSE_LAYERED:
		return VLY_QUERY_LEFT_LAST;
	default:
		return VLY_QUERY_LEFT_NOTHING;
	}
}

/* Whether an overlay may have the name. */
static inline bool
may_have_changed(const struct vly_query *query)
{
	return query->filter_word == NULL ||
	       (__atomic_load_n(query->filter_word, __ATOMIC_RELAXED) & query->filter_bits) ==
		       query->filter_bits;
}

/* Takes the answer for a name in the complete form of a zone with overlays, if none of these has
 * the name. Most names need nothing else. */
static inline bool
take_unchanged(struct vly_query *query)
{
	const struct vly_image_node *node = query->node;
	const struct vly_table_part *layered = vly_table_layered(query->part, node->zone);

	if (layered == NULL || query->encloser_idx != 0)
		return false;
	/* before the filter's word is read: see vly_table_layered() */
	const struct vly_table_layers *layers = vly_table_layers(layered);
	if (may_have_changed(query) ||
	    (node->flags & (VLY_NODE_ALIAS | VLY_NODE_APEX | VLY_NODE_SIGNED | VLY_NODE_STEERED)))
		return false;
	vly_image_ref ref = vly_resolve_choose(node, query->qtype);
	if (ref == layers->base_nodata)
		vly_layers_take_zone_answer(query, layers->nodata);
	else
		vly_resolve_take(query, ref);
	return true;
}

static unsigned
settle_contested(struct vly_query *query, const struct vly_table *table)
{
	if (__builtin_expect(take_unchanged(query), 1))
		return VLY_QUERY_LEFT_NOTHING;
	if (!is_parents(query) && vly_layers_settle(query))
		return left_layered(query);
	return begin_by_zone(query, table);
}

/* For the queries with these bits: the node has the suffix, but its zone is contested. After the
 * others, so that the nodes of all are loaded at the same time: in between, these instructions would
 * fill the CPU's window. */
__attribute__((noinline)) static unsigned
settle_all_contested(struct vly_query *query, uint64_t bits, const struct vly_table *table)
{
	unsigned left = VLY_QUERY_LEFT_NOTHING;

	for (; bits != 0; bits &= bits - 1)
		left |= settle_contested(&query[__builtin_ctzll(bits)], table);
	return left;
}

/* Takes the answer of the name's node, or, if that is steered, notes the choice. One test of both
 * flags is all that other names pay. Returns the stages that are left for the query. */
static inline unsigned
settle_name(struct vly_query *query)
{
	const struct vly_image_node *node = query->node;

	if (__builtin_expect(!(node->flags & (VLY_NODE_SIGNED | VLY_NODE_STEERED)), 1)) {
		vly_resolve_take(query, vly_resolve_choose(node, query->qtype));
		return VLY_QUERY_LEFT_NOTHING;
	}
	if (node->flags & VLY_NODE_STEERED)
		return vly_steered_note(query, vly_resolve_choose(node, query->qtype));
	vly_resolve_take(query, choose(query, node));
	return VLY_QUERY_LEFT_NOTHING;
}

static_assert(VLY_BURST_MAX <= 64, "a bit for each query of a burst");

unsigned
vly_query_match_name(struct vly_query *query, unsigned cnt, const struct vly_table *table)
{
	unsigned left = VLY_QUERY_LEFT_NOTHING;
	uint64_t contested = 0; /* a bit for each query */

	for (unsigned i = 0; i < cnt; i++) {
		if (query[i].fate != VLY_QUERY_LOOKUP)
			continue;
		if (query[i].node == NULL)
			left |= VLY_QUERY_LEFT_ENCLOSER;
		else if (!has_name(&query[i]))
			left |= begin_by_zone(&query[i], table);
		else if (is_contested(&query[i]))
			contested |= UINT64_C(1) << i;
		else if (query[i].encloser_idx == 0)
			left |= settle_name(&query[i]);
		else
			left |= settle_below(&query[i]);
	}
	if (__builtin_expect(contested != 0, 0))
		left |= settle_all_contested(query, contested, table);
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

/* The slot of the zone with the longest apex at or above the name, or one without a part; without `compare`, by tags alone.
 * DS belongs to the parent zone (RFC 4035 §3.1.4.1), so for an apex the parent's zone is returned,
 * if it is served here, too. */
static inline struct vly_table_slot
find_zone(struct vly_query *query, const struct vly_table *table, bool compare)
{
	const struct vly_name *name = &query->name;
	struct vly_table_slot found = {0};

	for (unsigned first = 0; first <= name->label_cnt; first += 64) {
		uint64_t left = vly_table_candidates(table, name->label_cnt - first);
		for (; left != 0; left &= left - 1) {
			unsigned i = first + (unsigned)__builtin_ctzll(left);
			struct vly_table_slot slot = vly_table_find(table, name, i, compare);
			if (slot.part == NULL)
				continue;
			query->zone_label_idx = (uint8_t)i;
			if (i != 0 || query->qtype != VLY_TYPE_DS)
				return slot;
			found = slot;
		}
	}
	return found;
}

struct vly_table_slot
vly_resolve_find_zone(struct vly_query *query, const struct vly_table *table, bool compare)
{
	return find_zone(query, table, compare);
}

static bool
take_zone(struct vly_query *query, struct vly_table_slot slot)
{
	if (slot.part == NULL) {
		vly_query_refuse(query, VLY_EDE_NOT_AUTHORITATIVE);
		return false;
	}
	query->part = slot.part;
	query->image = slot.part->image;
	query->zone_idx = slot.zone_idx;
	query->layers = vly_table_layers(slot.part);
	return true;
}

/* Finds the right zone of a name in a contested zone, by tags, and prefetches the name's bucket. */
__attribute__((noinline)) static void
find_bucket_by_zone(struct vly_query *query, const struct vly_table *table)
{
	if (!take_zone(query, find_zone(query, table, false)))
		return;
	if (query->layers != NULL) {
		vly_layers_fetch(query);
		return;
	}
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
		} else if (is_on_course(&query[i], VLY_COURSE_LAYERS)) {
			vly_layers_guess(&query[i]);
		}
	}
}

const struct vly_image_node *
vly_resolve_suffix(const struct vly_image *image, uint32_t zone_idx, const struct vly_name *name,
		   unsigned label_idx)
{
	uint64_t hash = name->hash[label_idx];
	uint32_t tag = vly_image_tag(hash);
	uint32_t at = vly_image_bucket_idx(hash, image->bucket_cnt);

	for (uint32_t probe = 0; probe < image->probe_max; probe++) {
		const struct vly_image_bucket *bucket = &image->bucket[at];
		for (unsigned match = vly_bucket_match(bucket, tag); match != 0;
		     match &= match - 1) {
			vly_image_ref ref = bucket->node[__builtin_ctz(match)];
			const struct vly_image_node *node = vly_image_at(image->heap, ref);
			if (ref != 0 && node->zone == zone_idx &&
			    vly_bucket_node_is(node, name, label_idx))
				return node;
		}
		if (!vly_image_bucket_overflows(bucket))
			return NULL;
		at = at + 1 < image->bucket_cnt ? at + 1 : 0;
	}
	return NULL;
}

/* The node of the suffix that starts at label_idx, in the query's zone, or NULL. In a zone with
 * overlays, image and zone_idx become those of the node. */
static const struct vly_image_node *
find_suffix(struct vly_query *query, unsigned label_idx)
{
	return query->layers != NULL
		       ? vly_layers_find(query, label_idx)
		       : vly_resolve_suffix(query->image, query->zone_idx, &query->name, label_idx);
}

/* The labels of the deepest node of the zone. */
static unsigned
label_max_of(const struct vly_query *query)
{
	return query->layers != NULL ? query->layers->label_max
				     : vly_resolve_zone(query)->label_max;
}

/* The longest existing ancestor of a missing name, which begins at the label `first` or behind it.
 * By bisection: all ancestors of an existing name exist. 127 labels take 7 searches. */
static const struct vly_image_node *
find_encloser(struct vly_query *query, unsigned first)
{
	const struct vly_image_node *encloser =
		vly_image_at(query->image->heap, vly_resolve_zone(query)->apex);
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

/* Looks the name up from the start, in its zone. Returns 0 as resolve_below(), or if the answer was
 * taken from a zone with overlays. */
static vly_image_ref
resolve_in_zone(struct vly_query *query)
{
	unsigned first = vly_name_last_labels(&query->name, label_max_of(query));

	if (query->layers != NULL)
		vly_layers_begin(query);
	const struct vly_image_node *node = first == 0 ? find_suffix(query, 0) : NULL;
	const bool exists = node != NULL;
	if (!exists)
		node = find_encloser(query, first > 0 ? first : 1);
	if (query->layers != NULL) {
		vly_layers_take_node(query, node, exists);
		return 0;
	}
	return exists ? choose(query, node) : resolve_below(query, node);
}

/* Looks the name up from the start, its zone first. Returns 0 as resolve_in_zone(), or if the query
 * was refused. */
__attribute__((noinline)) static vly_image_ref
resolve_by_zone(struct vly_query *query, const struct vly_table *table)
{
	return take_zone(query, find_zone(query, table, true)) ? resolve_in_zone(query) : 0;
}

/* After the stage in which layers are looked through, there is none for that. */
static unsigned
left_after_settling(struct vly_query *query)
{
	if (query->course == VLY_COURSE_LAYERS && query->answer == NULL)
		(void)resolve_in_zone(query);
	return query->course == VLY_COURSE_LAYERED ? VLY_QUERY_LEFT_LAST : VLY_QUERY_LEFT_NOTHING;
}

/* The name is missing in the part that the route selects; its closest encloser there is at
 * query->node, if it was found. */
static inline unsigned
find_missing(struct vly_query *query, const struct vly_table *table)
{
	if (query->node != NULL && has_name(query)) {
		if (!vly_table_is_contested(query->part, query->node->zone))
			return settle_below(query);
		if (vly_layers_settle(query))
			return left_after_settling(query);
	}
	return take_result(query, resolve_by_zone(query, table));
}

unsigned
vly_query_find_answer(struct vly_query *query, unsigned cnt, const struct vly_table *table)
{
	unsigned left = VLY_QUERY_LEFT_NOTHING;

	for (unsigned i = 0; i < cnt; i++) {
		if (is_on_course(&query[i], VLY_COURSE_ZONE)) {
			if (query[i].layers != NULL)
				vly_layers_guess(&query[i]);
			else
				find_node(&query[i], query[i].bucket, 0);
		} else if (is_on_course(&query[i], VLY_COURSE_NAME)) {
			left |= find_missing(&query[i], table);
		} else if (is_on_course(&query[i], VLY_COURSE_LAYERS)) {
			if (!vly_layers_confirm(&query[i]))
				(void)resolve_in_zone(&query[i]);
		}
	}
	return left;
}

/* The answer for a name in a contested zone; or 0: it is below a DNAME, was refused, or its answer
 * was taken. The zone was found by its tag; a node with the whole name in it proves that it is the
 * right one. */
__attribute__((noinline)) static vly_image_ref
resolve_contested(struct vly_query *query, const struct vly_table *table)
{
	const struct vly_image_node *node = query->node;

	if (query->layers != NULL) {
		if (vly_layers_confirm(query))
			return 0;
	} else if (node != NULL && node->zone == query->zone_idx &&
		   vly_bucket_node_is(node, &query->name, 0)) {
		return choose(query, node);
	}
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
		} else if (is_on_course(&query[i], VLY_COURSE_LAYERED)) {
			vly_layers_take_wildcard(&query[i]);
		}
		if (ref != 0)
			vly_resolve_take(&query[i], ref);
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
	const struct vly_image_node *found =
		vly_image_at(query->image->heap, vly_resolve_zone(query)->apex);
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
	struct vly_name *name = &query->name;
	unsigned found_idx, label_idx;

	if (query->layers != NULL)
		vly_layers_begin(query);
	const struct vly_image_zone *zone = vly_resolve_zone(query);
	const struct vly_image_node *apex = vly_image_at(query->image->heap, zone->apex);
	query->fate = VLY_QUERY_LOOKUP;
	query->course = VLY_COURSE_ZONE;
	query->node = NULL;
	query->answer = NULL;
	*label_cnt = 0;
	if (name->label_cnt < zone->label_cnt ||
	    !vly_bucket_node_is(apex, name, name->label_cnt - (unsigned)zone->label_cnt))
		return NULL;
	query->zone_label_idx = (uint8_t)(name->label_cnt - zone->label_cnt);
	const struct vly_image_node *node = find_outwards(
		query, vly_name_last_labels(name, label_max_of(query)), &found_idx, &label_idx);
	*label_cnt = name->label_cnt - label_idx;
	if (query->layers != NULL) {
		vly_layers_take_node(query, node, found_idx == 0);
		return query->answer;
	}
	vly_image_ref ref = found_idx == 0 ? choose(query, node) : resolve_below(query, node);
	if (ref == 0)
		ref = last_answer(query);
	return ref != 0 ? vly_image_at(query->image->heap, ref) : NULL;
}
