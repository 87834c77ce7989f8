/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prove.h"

#include "choose.h"
#include "prove_parts.h"

#define LINE_BYTES 64

/* Signatures make answers and pieces of 150 to 400 octets. */
#define ANSWER_LINES 5
#define PIECE_LINES  4

static inline void
prefetch_lines(const void *from, unsigned line_cnt)
{
	for (unsigned i = 0; i < line_cnt; i++)
		__builtin_prefetch((const uint8_t *)from + i * LINE_BYTES, 0, 3);
}

static void
add_piece(struct vly_query *query, vly_image_ref ref)
{
	if (ref == 0)
		return;
	const struct vly_image_piece *piece = vly_image_at(query->image->heap, ref);
	prefetch_lines(piece, PIECE_LINES);
	query->proof.piece[query->proof.piece_cnt++] = piece;
}

void
vly_prove_begin(struct vly_query *query, const struct vly_image_zone *zone)
{
	query->fate = VLY_QUERY_PROVE;
	query->proof.zone = zone;
	query->proof.layers = NULL;
	query->proof.piece_cnt = 0;
	query->proof.insert_off = UINT16_MAX;
	query->proof.cover.denial = NULL;
	__builtin_prefetch(zone, 0, 3);
}

bool
vly_prove_can_compose(const struct vly_image *image, const struct vly_image_node *node,
		      unsigned qtype)
{
	const struct vly_image_zone *zone = &image->zone[node->zone];

	return qtype == VLY_TYPE_RRSIG || vly_prove_own_piece(image->heap, zone, node) != NULL;
}

void
vly_prove_composed(struct vly_query *query, const struct vly_image_node *node)
{
	vly_prove_begin(query, &query->image->zone[node->zone]);
	query->fate = VLY_QUERY_SIGNATURES;
	query->node = node;
}

vly_image_ref
vly_prove_choose(const struct vly_image *image, const struct vly_image_node *node, unsigned qtype,
		 enum vly_prove_meaning *meaning)
{
	const struct vly_image_signed *forms = vly_image_node_signed(node);
	const bool is_cut = node->flags & VLY_NODE_CUT;
	unsigned idx = vly_choose_type(node, qtype);

	if (idx == node->type_cnt && qtype == VLY_TYPE_ANY && idx > 0 && !is_cut)
		idx = 0;
	if (idx == node->type_cnt && __builtin_expect(vly_prove_may_compose(node, qtype), 0) &&
	    vly_prove_can_compose(image, node, qtype)) {
		*meaning = VLY_PROVE_COMPOSED;
		return forms->other;
	}
	if (node->flags & VLY_NODE_ALIAS) {
		*meaning = VLY_PROVE_ALIASES;
		return idx == node->type_cnt ? forms->other : forms->answer[idx];
	}
	if (idx == node->type_cnt) {
		*meaning = VLY_PROVE_DENIES;
		return forms->other;
	}
	/* At a cut, DS may be listed only to say that there is none. */
	*meaning = is_cut && forms->answer[idx] == image->zone[node->zone].signed_nodata
			   ? VLY_PROVE_DENIES
			   : VLY_PROVE_ANSWERS;
	return forms->answer[idx];
}

/* Adds the pieces with which the node's answer denies something. */
static void
add_denial(struct vly_query *query, const struct vly_image_node *node, vly_image_ref ref)
{
	const struct vly_image_signed *forms = vly_image_node_signed(node);

	add_piece(query, forms->denial);
	add_piece(query, forms->cover);
	if ((node->flags & VLY_NODE_CUT) && ref == forms->other)
		query->proof.insert_off = forms->insert_off;
}

static vly_image_ref
take_node(struct vly_query *query, const struct vly_image_node *node, vly_image_ref ref,
	  enum vly_prove_meaning meaning)
{
	if (__builtin_expect(meaning == VLY_PROVE_COMPOSED, 0)) {
		vly_prove_composed(query, node);
		return ref;
	}
	prefetch_lines(vly_image_at(query->image->heap, ref), ANSWER_LINES);
	if (meaning == VLY_PROVE_ANSWERS)
		return ref;
	vly_prove_begin(query, &query->image->zone[node->zone]);
	if (meaning == VLY_PROVE_DENIES) {
		add_denial(query, node, ref);
		if (query->proof.piece_cnt == 0) /* a delegation with DS */
			query->fate = VLY_QUERY_LOOKUP;
	}
	return ref;
}

vly_image_ref
vly_prove_node(struct vly_query *query, const struct vly_image_node *node)
{
	enum vly_prove_meaning meaning;
	vly_image_ref ref = vly_prove_choose(query->image, node, query->qtype, &meaning);

	return take_node(query, node, ref, meaning);
}

vly_image_ref
vly_prove_cut(struct vly_query *query, const struct vly_image_node *node)
{
	return take_node(query, node, vly_image_node_signed(node)->other, VLY_PROVE_DENIES);
}

/* Begins to look for the piece that covers the missing name, unless the image names it. */
static void
begin_cover(struct vly_query *query, const struct vly_image_denial *denial,
	    const struct vly_image_signed *encloser)
{
	if (denial->kind == VLY_DENIAL_NSEC3 && encloser->cover != 0)
		add_piece(query, encloser->cover);
	else
		vly_cover_begin(&query->proof.cover, query->image->heap, denial, &query->name,
				vly_proof_apex_len(query), query->encloser->name_len);
}

vly_image_ref
vly_prove_missing(struct vly_query *query)
{
	const uint8_t *heap = query->image->heap;
	const struct vly_image_zone *zone = &query->image->zone[query->zone_idx];
	const struct vly_image_signed *encloser = vly_image_node_signed(query->encloser);
	const struct vly_image_node *wildcard = query->node;
	enum vly_prove_meaning meaning = VLY_PROVE_DENIES;
	vly_image_ref ref = zone->signed_nxdomain;

	vly_prove_begin(query, zone);
	if (wildcard != NULL)
		ref = vly_prove_choose(query->image, wildcard, query->qtype, &meaning);
	if (__builtin_expect(meaning == VLY_PROVE_COMPOSED, 0))
		query->fate = VLY_QUERY_SIGNATURES;
	prefetch_lines(vly_image_at(heap, ref), ANSWER_LINES);
	if (wildcard == NULL)
		add_piece(query, encloser->no_wildcard);
	else if (meaning == VLY_PROVE_DENIES)
		add_denial(query, wildcard, ref);
	if (zone->denial == 0) {
		/* too many iterations: some NSEC3 shows that the zone is insecure */
		add_piece(query, encloser->cover);
		return ref;
	}
	const struct vly_image_denial *denial = vly_image_at(heap, zone->denial);
	if (denial->kind == VLY_DENIAL_NSEC3 && meaning == VLY_PROVE_DENIES)
		add_piece(query, encloser->denial);
	begin_cover(query, denial, encloser);
	return ref;
}

void
vly_query_find_cover(struct vly_query *query, unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++) {
		struct vly_query_proof *proof = &query[i].proof;
		if (query[i].fate != VLY_QUERY_PROVE || proof->cover.denial == NULL)
			continue;
		const struct vly_image_piece *piece =
			vly_cover_find(&proof->cover, query[i].image->heap, &query[i].name,
				       vly_proof_apex_len(&query[i]));
		proof->cover.denial = NULL;
		if (piece == NULL)
			continue;
		prefetch_lines(piece, PIECE_LINES);
		proof->piece[proof->piece_cnt++] = piece;
	}
}
