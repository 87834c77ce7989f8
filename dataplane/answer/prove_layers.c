/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prove_layers.h"

#include <limits.h>

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
	query->proof.hash_cnt = 0;
}

static bool
has_hashes(const struct vly_query *query)
{
	const struct vly_image_denial *denial = vly_cover_denial_of_layers(query->layers);

	return denial != NULL && denial->kind == VLY_DENIAL_NSEC3;
}

static void
add(struct vly_query *query, const struct vly_image_piece *piece)
{
	struct vly_query_proof *proof = &query->proof;

	if (piece != NULL)
		proof->piece[proof->piece_cnt++] = piece;
}

/* A name and its ancestors, in wire form. */
struct suffix {
	const uint8_t *name;
	unsigned len;
};

static struct suffix
suffix_of(const struct vly_query *query, unsigned len)
{
	return (struct suffix){query->name.lower + query->name.len - len, len};
}

/* Writes the wildcard below a name. Returns its octets, or 0: it would be too long. */
static unsigned
put_wildcard(uint8_t wire[VLY_NAME_BYTES_MAX + 2], struct suffix above)
{
	if (above.len + 2u > VLY_NAME_BYTES_MAX)
		return 0;
	wire[0] = 1;
	wire[1] = '*';
	memcpy(wire + 2, above.name, above.len);
	return above.len + 2;
}

/* ---- NSEC ---- */

/* Adds what covers or matches a name. */
static void
add_cover(struct vly_query *query, struct suffix name)
{
	const unsigned apex_len = vly_proof_apex_len(query);

	if (name.len >= apex_len)
		add(query, vly_cover_find_in_layers(query->layers, name.name, name.len - apex_len));
}

/* The same for the wildcard of a name. */
static void
cover_wildcard(struct vly_query *query, struct suffix above)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + 2];
	const unsigned len = put_wildcard(wire, above);

	if (len > 0)
		add_cover(query, (struct suffix){wire, len});
}

/* ---- NSEC3 ---- */

/* What has the hash of a name, or covers it. */
static const struct vly_image_piece *
find_hash(struct vly_query *query, struct suffix name, bool *matches)
{
	const struct vly_image_denial *denial = vly_cover_denial_of_layers(query->layers);
	const struct vly_nsec3_params params = {denial->iterations, denial->salt_len, denial->salt};
	uint8_t label[1 + VLY_NSEC3_LABEL_BYTES] = {VLY_NSEC3_LABEL_BYTES};
	uint8_t hash[VLY_NSEC3_HASH_BYTES];

	vly_nsec3_hash(&params, name.name, name.len, hash);
	vly_nsec3_label(hash, label + 1);
	query->proof.hash_cnt++;
	const struct vly_image_piece *piece =
		vly_cover_find_in_layers(query->layers, label, sizeof(label));
	*matches = piece != NULL && piece->owner_len == sizeof(label) &&
		   memcmp(vly_image_piece_wire(piece), label, sizeof(label)) == 0;
	return piece;
}

/* The closest provable encloser of a name that exists (RFC 5155 §1.3). */
struct provable {
	struct suffix name;
	const struct vly_image_piece *match; /* NULL: the chain lacks the apex */
	const struct vly_image_piece *cover; /* of the next closer name; NULL: it is the name */
};

static struct suffix
ancestor(struct suffix name, unsigned labels)
{
	while (labels-- > 0) {
		const unsigned label_bytes = name.name[0] + 1u;
		name.name += label_bytes;
		name.len -= label_bytes;
	}
	return name;
}

static unsigned
labels_below(struct suffix name, unsigned apex_len)
{
	unsigned cnt = 0;

	for (; name.len > apex_len; cnt++)
		name = ancestor(name, 1);
	return cnt;
}

/* The names without NSEC3 lead to insecure delegations alone, and there may be 126 of them, each of which would cost
 * its iterations. But all ancestors of a name with NSEC3 have it (RFC 5155 §7.1): so steps that double, as mostly the
 * parent has it, and then halves. */
static struct provable
find_provable(struct vly_query *query, struct suffix name)
{
	const unsigned apex_up = labels_below(name, vly_proof_apex_len(query));
	struct provable found = {.name = name};
	unsigned none = 0;        /* labels above the name where there is no NSEC3 yet */
	unsigned some = UINT_MAX; /* where there is */
	bool matches;

	const struct vly_image_piece *piece = find_hash(query, name, &matches);
	if (matches) {
		found.match = piece;
		return found;
	}
	found.cover = piece;
	while (none < apex_up && some - none > 1) {
		unsigned up = some == UINT_MAX ? 2 * none + 1 : none + (some - none) / 2;
		up = up < apex_up ? up : apex_up;
		const struct suffix at = ancestor(name, up);
		piece = find_hash(query, at, &matches);
		if (matches) {
			some = up;
			found.match = piece;
			found.name = at;
		} else {
			none = up;
			found.cover = piece;
		}
	}
	return found;
}

/* Adds what covers the next closer name of the name in question. */
static void
add_next_closer(struct vly_query *query, const struct provable *encloser, unsigned encloser_len)
{
	const struct vly_name *name = &query->name;
	bool matches;

	if (encloser->cover != NULL) {
		add(query, encloser->cover);
		return;
	}
	const uint8_t *start =
		memchr(name->start, (int)(name->len - encloser_len), name->label_cnt + 1u);
	if (start != NULL && start != name->start)
		add(query, find_hash(query, suffix_of(query, name->len - start[-1]), &matches));
}

/* Adds what covers the wildcard of the closest provable encloser. */
static void
add_no_wildcard(struct vly_query *query, const struct provable *encloser)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + 2];
	const unsigned len = put_wildcard(wire, encloser->name);
	bool matches;

	if (len == 0)
		return;
	const struct vly_image_piece *piece =
		find_hash(query, (struct suffix){wire, len}, &matches);
	if (!matches || encloser->cover == NULL)
		add(query, piece);
}

/* ---- both ---- */

/* Adds what denies a type at a name that exists. */
static void
add_denial(struct vly_query *query, struct suffix name)
{
	if (!has_hashes(query)) {
		add_cover(query, name);
		return;
	}
	const struct provable encloser = find_provable(query, name);
	add(query, encloser.match);
	add(query, encloser.cover);
}

/* Adds what shows that the name in question is missing; `denies`: and that the answer of a wildcard denies it. */
static void
add_missing(struct vly_query *query, struct suffix encloser, bool denies)
{
	if (!has_hashes(query)) {
		add_cover(query, suffix_of(query, query->name.len));
		return;
	}
	const struct provable provable = find_provable(query, encloser);
	if (denies)
		add(query, provable.match);
	add_next_closer(query, &provable, encloser.len);
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

/* Of an existing name, or of a wildcard. */
static void
deny_type(struct vly_query *query, const struct vly_image_node *node, struct suffix name,
	  vly_image_ref ref)
{
	const struct vly_image_signed *forms = vly_image_node_signed(node);

	if ((node->flags & VLY_NODE_CUT) && ref == forms->other)
		query->proof.insert_off = forms->insert_off;
	if (has_pieces(node))
		add_denial(query, name);
}

/* The name is missing below `encloser`, whose wildcard answers. */
static void
prove_wildcard(struct vly_query *query, const struct vly_image_node *node,
	       const struct vly_image_node *encloser, vly_image_ref ref, bool denies)
{
	const struct suffix above = suffix_of(query, encloser->name_len);
	uint8_t wire[VLY_NAME_BYTES_MAX + 2];
	const unsigned len = put_wildcard(wire, above);

	if (denies && len > 0)
		deny_type(query, node, (struct suffix){wire, len}, ref);
	add_missing(query, above, denies);
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
	}
	if (encloser != NULL)
		prove_wildcard(query, node, encloser, ref, meaning == VLY_PROVE_DENIES);
	else if (meaning == VLY_PROVE_DENIES)
		deny_type(query, node, suffix_of(query, node->name_len), ref);
}

void
vly_prove_layers_cut(struct vly_query *query, const struct vly_image_node *cut)
{
	const vly_image_ref ref = vly_image_node_signed(cut)->other;

	take_signed(query, ref);
	begin(query);
	deny_type(query, cut, suffix_of(query, cut->name_len), ref);
}

void
vly_prove_layers_missing(struct vly_query *query, const struct vly_image_node *encloser)
{
	const struct suffix above = suffix_of(query, encloser->name_len);

	vly_layers_take_zone_answer(query, query->layers->signed_nxdomain);
	begin(query);
	if (!has_hashes(query)) {
		cover_wildcard(query, above);
		add_missing(query, above, false);
		return;
	}
	const struct provable provable = find_provable(query, above);
	add_no_wildcard(query, &provable);
	add(query, provable.match);
	add_next_closer(query, &provable, encloser->name_len);
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
