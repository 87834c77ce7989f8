/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prove_layers.h"

#include <volley/checksum.h>

#include "choose.h"
#include "common/image_soa.h"
#include "image/cover_layers.h"
#include "prove.h"
#include "prove_parts.h"
#include "resolve_layers.h"
#include "resolve_parts.h"

static void
begin(struct vly_query *query)
{
	vly_prove_begin(query, vly_resolve_zone(query));
	query->proof.layers = query->layers;
}

/* Adds what covers or matches a name without its apex. */
static void
add_cover(struct vly_query *query, const uint8_t *labels, unsigned bytes)
{
	struct vly_query_proof *proof = &query->proof;
	const struct vly_image_piece *piece =
		vly_cover_find_in_layers(query->layers, labels, bytes);

	if (piece != NULL)
		proof->piece[proof->piece_cnt++] = piece;
}

/* The same for the name in question, or a suffix of it with `len` octets. */
static void
cover_suffix(struct vly_query *query, unsigned len)
{
	const struct vly_name *name = &query->name;

	add_cover(query, name->lower + name->len - len, len - vly_proof_apex_len(query));
}

/* The same for the wildcard of a node. */
static void
cover_wildcard(struct vly_query *query, const struct vly_image_node *encloser)
{
	uint8_t labels[VLY_NAME_BYTES_MAX + 2] = {1, '*'};
	const unsigned apex_len = vly_proof_apex_len(query);

	if (encloser->name_len + 2u > VLY_NAME_BYTES_MAX || encloser->name_len < apex_len)
		return;
	memcpy(labels + 2, vly_image_node_name(encloser), encloser->name_len);
	add_cover(query, labels, 2u + encloser->name_len - apex_len);
}

static void
take_signed(struct vly_query *query, vly_image_ref ref)
{
	if (ref == vly_resolve_zone(query)->signed_nodata)
		vly_layers_take_zone_answer(query, query->layers->signed_nodata);
	else
		vly_resolve_take(query, ref);
}

static void
take_plain(struct vly_query *query, const struct vly_image_node *node)
{
	const vly_image_ref ref = vly_resolve_choose(node, query->qtype);

	if (ref == vly_resolve_zone(query)->nodata)
		vly_layers_take_zone_answer(query, query->layers->nodata);
	else
		vly_resolve_take(query, ref);
	if (vly_prove_may_compose(node, query->qtype) &&
	    vly_choose_type(node, query->qtype) == node->type_cnt &&
	    vly_prove_can_compose(query->image, node, query->qtype))
		vly_prove_composed(query, node);
	else if (node->flags & VLY_NODE_ALIAS)
		query->fate = VLY_QUERY_OLDER;
}

/* Whether there is something to be denied: a delegation with DS has no pieces. */
static bool
has_pieces(const struct vly_image_node *node)
{
	const struct vly_image_signed *forms = vly_image_node_signed(node);

	return forms->denial != 0 || forms->cover != 0;
}

/* Of an existing name, or of a wildcard below `encloser`. */
static void
deny_type(struct vly_query *query, const struct vly_image_node *node,
	  const struct vly_image_node *encloser, vly_image_ref ref)
{
	const struct vly_image_signed *forms = vly_image_node_signed(node);

	if (!has_pieces(node))
		return;
	if (encloser != NULL)
		cover_wildcard(query, encloser);
	else
		cover_suffix(query, node->name_len);
	if ((node->flags & VLY_NODE_CUT) && ref == forms->other)
		query->proof.insert_off = forms->insert_off;
}

void
vly_prove_layers_node(struct vly_query *query, const struct vly_image_node *node,
		      const struct vly_image_node *encloser)
{
	enum vly_prove_meaning meaning;

	if (!query->dnssec_ok) {
		take_plain(query, node);
		return;
	}
	vly_image_ref ref = vly_prove_choose(query->image, node, query->qtype, &meaning);
	take_signed(query, ref);
	if (meaning == VLY_PROVE_ANSWERS && encloser == NULL)
		return;
	begin(query);
	if (meaning == VLY_PROVE_COMPOSED) {
		query->fate = VLY_QUERY_SIGNATURES;
		query->node = node;
	} else if (meaning == VLY_PROVE_DENIES) {
		deny_type(query, node, encloser, ref);
	}
	if (encloser != NULL)
		cover_suffix(query, query->name.len);
}

void
vly_prove_layers_cut(struct vly_query *query, const struct vly_image_node *cut)
{
	const vly_image_ref ref = vly_image_node_signed(cut)->other;

	take_signed(query, ref);
	begin(query);
	deny_type(query, cut, NULL, ref);
}

void
vly_prove_layers_missing(struct vly_query *query, const struct vly_image_node *encloser)
{
	vly_layers_take_zone_answer(query, query->layers->signed_nxdomain);
	begin(query);
	cover_wildcard(query, encloser);
	cover_suffix(query, query->name.len);
}

const struct vly_image_piece *
vly_prove_layers_renew(const struct vly_table_layers *layers, const struct vly_image_piece *piece)
{
	const struct vly_image_piece *newest =
		vly_cover_find_in_layers(layers, vly_image_piece_wire(piece), piece->owner_len);

	return newest != NULL ? newest : piece;
}

/* Octets of an answer with its proof. */
static unsigned
answer_bytes(const struct vly_image_answer *answer)
{
	if (!(answer->flags & VLY_ANSWER_PROVED))
		return vly_image_answer_wire_off(answer->fix_cnt) + answer->wire_len +
		       vly_image_answer_tail_bytes(answer);
	return vly_image_answer_proof_off(answer) + (unsigned)sizeof(struct vly_image_proof) +
	       vly_image_answer_proof(answer)->piece_cnt * (unsigned)sizeof(vly_image_ref);
}

const struct vly_image_answer *
vly_prove_layers_copy(const struct vly_query *query, void *copy)
{
	const struct vly_image_answer *answer = query->answer;
	const struct vly_image_answer *nodata =
		vly_image_at(query->image->heap, vly_resolve_zone(query)->signed_nodata);
	const unsigned bytes = answer_bytes(answer);

	/* an alias may be that of an answer of the zone itself, which is the newest already */
	if (answer == query->proof.layers->signed_nodata || bytes > VLY_PROVE_COPY_BYTES ||
	    !vly_image_ends_in_signed_soa(answer, nodata))
		return answer;
	memcpy(copy, answer, bytes);
	struct vly_image_answer *renewed = copy;
	uint8_t *wire = (uint8_t *)copy + vly_image_answer_wire_off(answer->fix_cnt);
	vly_image_renew_signed_soa(wire + answer->wire_len, query->proof.layers->signed_nodata);
	renewed->sum = vly_sum_fold(vly_sum_octets(wire, answer->wire_len));
	return renewed;
}
