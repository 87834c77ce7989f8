/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "compose.h"

#include <string.h>

#include "compose_parts.h"
#include "image/cover_layers.h"
#include "prove.h"
#include "prove_layers.h"
#include "resolve.h"
#include "resolve_layers.h"

/* Units for a substitution, besides those for the labels of its names. */
#define HOP_WORK 14

/* Units for a signature, and for each of the blocks that SHA-1 hashes to find what covers a name
 * (common/nsec3_hash.h): 40 ns. */
#define SIGNATURE_WORK 4
#define BLOCK_WORK     12

/* Units to find one piece and to write one. */
#define COVER_WORK 20
#define PIECE_WORK 6

/* One unit pays for so many labels of a target. */
#define SPLICED_LABELS 2

/* The first record of a DNAME's compiled answer: owner pointer, fixed part, and the uncompressed
 * target (RFC 6672 §2.5). */
enum { RECORD_HEAD_BYTES = 2 + 10, DNAME_TTL_OFF = 2 + 4, DNAME_LENGTH_OFF = 2 + 8 };

/* A DNAME in its compiled answer. */
struct dname {
	const struct vly_image_answer *answer; /* the DO form, if the client gets it */
	const uint8_t *record;
	const uint8_t *target;
	unsigned target_len;
};

/* Finds the DNAME of query->node. Types are in ascending order, so the loop ends with the 39th at
 * the latest. */
static bool
find_dname(const struct vly_query *query, struct dname *dname)
{
	const struct vly_image_node *node = query->node;

	for (unsigned i = 0; i < node->type_cnt && node->type[i].type <= VLY_TYPE_DNAME; i++) {
		if (node->type[i].type != VLY_TYPE_DNAME)
			continue;
		const bool wants_proof = (node->flags & VLY_NODE_SIGNED) && query->dnssec_ok;
		const vly_image_ref ref =
			wants_proof ? vly_image_node_signed(node)->answer[i] : node->type[i].answer;
		const struct vly_image_answer *answer = vly_image_at(query->image->heap, ref);
		if (answer->keep_len <= RECORD_HEAD_BYTES)
			return false;
		dname->answer = answer;
		dname->record = vly_image_answer_wire(answer);
		dname->target = dname->record + RECORD_HEAD_BYTES;
		dname->target_len = vly_be16(dname->record + DNAME_LENGTH_OFF);
		return dname->target_len <= answer->keep_len - (unsigned)RECORD_HEAD_BYTES &&
		       dname->target_len <= VLY_NAME_BYTES_MAX;
	}
	return false;
}

/* The first hop by that DNAME, or NULL. */
static const struct vly_compose_hop *
find_hop(const struct vly_composer *composer, const struct vly_image_node *node)
{
	for (unsigned i = 0; i < composer->hop_cnt; i++)
		if (composer->hop[i].by.alias == node)
			return &composer->hop[i];
	return NULL;
}

/* Whether the answer already has a CNAME owned by `name`, whose closest encloser is `node`: the
 * chain is a loop. */
static bool
has_passed(const struct vly_composer *composer, const struct vly_image_node *node,
	   const struct vly_name *name)
{
	for (unsigned i = 0; i < composer->hop_cnt; i++) {
		const struct vly_compose_hop *hop = &composer->hop[i];
		if (hop->by.alias == node && hop->name_len == name->len &&
		    memcmp(hop->name, name->lower, name->len) == 0)
			return true;
	}
	return false;
}

/* Writes the RRSIGs behind a DNAME in its DO form: their owner is a pointer, and they have no other
 * (RFC 4034 §3.1.7). */
static bool
put_signatures(struct vly_composer *composer, const struct dname *dname, unsigned prefix_len)
{
	const uint8_t *end = vly_image_answer_wire(dname->answer) + dname->answer->keep_len;
	struct vly_cursor cursor = {dname->target + dname->target_len, end};
	struct vly_record record;

	for (unsigned i = 1; i < dname->answer->ancount; i++) {
		if (!vly_cursor_record(&cursor, &record))
			return vly_composer_end(composer, VLY_COMPOSE_NO_ROOM);
		if (!vly_composer_work(composer, SIGNATURE_WORK) ||
		    !vly_composer_put_suffix(composer, prefix_len) ||
		    !vly_composer_put(composer, record.fixed, (unsigned)(cursor.at - record.fixed)))
			return false;
		composer->count[0]++;
	}
	return true;
}

/* Writes the DNAME whose owner is the name in question without its first `prefix_len` octets, with
 * its signatures.
 * Returns the place of its target in the message, or 0: there is no room. */
static unsigned
put_dname(struct vly_composer *composer, const struct dname *dname, unsigned prefix_len)
{
	if (!vly_composer_put_suffix(composer, prefix_len) ||
	    !vly_composer_put(composer, dname->record + 2, RECORD_HEAD_BYTES - 2) ||
	    !vly_composer_put(composer, dname->target, dname->target_len))
		return 0;
	composer->count[0]++;
	unsigned target_off = composer->len - dname->target_len;
	return put_signatures(composer, dname, prefix_len) ? target_off : 0;
}

/* Writes the CNAME from the name in question to the new name: the prefix, then the target that is
 * at `target_off`. The new name becomes the name in question. */
static bool
put_cname(struct vly_composer *composer, const struct vly_name *name, const struct dname *dname,
	  unsigned prefix_len, unsigned target_off)
{
	const bool in_full = dname->target_len == 1 || target_off > VLY_POINTER_MAX;
	const unsigned data_len = prefix_len + (in_full ? dname->target_len : 2);
	uint8_t head[10] = {0, VLY_TYPE_CNAME, 0, VLY_CLASS_IN};

	memcpy(head + 4, dname->record + DNAME_TTL_OFF, 4);
	vly_put_be16(head + 8, data_len);
	if (!vly_composer_put_suffix(composer, 0) ||
	    !vly_composer_put(composer, head, sizeof(head)))
		return false;
	unsigned prefix_off = composer->len;
	if (!vly_composer_put(composer, name->lower, prefix_len) ||
	    !(in_full ? vly_composer_put(composer, dname->target, dname->target_len)
		      : vly_composer_put_pointer(composer, target_off)))
		return false;
	composer->count[0]++;
	composer->prefix_off = (uint16_t)prefix_off;
	composer->prefix_len = (uint16_t)prefix_len;
	composer->target_off = (uint16_t)target_off;
	return true;
}

static void
add_hop(struct vly_composer *composer, const struct vly_query *step, unsigned prefix_len,
	unsigned target_off)
{
	struct vly_compose_hop *hop = &composer->hop[composer->hop_cnt++];

	hop->by = (struct vly_alias_hop){.alias = step->node, .prefix_len = prefix_len};
	hop->target_off = (uint16_t)target_off;
	hop->name_len = step->name.len;
	/* a copy of fixed length is faster */
	memcpy(hop->name, step->name.lower, sizeof(hop->name));
}

/* Replaces all but the first `prefix_len` octets of `name`, which are whole labels, by the DNAME's
 * target. Returns false if the result is not a valid name, or if the budget is spent. */
static bool
splice(struct vly_composer *composer, struct vly_name *name, unsigned prefix_len,
       const struct dname *dname)
{
	const uint8_t *start = memchr(name->start, (int)prefix_len, name->label_cnt + 1u);
	unsigned at = prefix_len;
	unsigned end = prefix_len + dname->target_len;

	if (start == NULL)
		return false;
	const unsigned kept_cnt = (unsigned)(start - name->start);
	unsigned label_cnt = kept_cnt;
	/* In blocks: both have VLY_NAME_SLACK_BYTES behind their ends. */
	for (unsigned i = 0; i < dname->target_len; i += VLY_NAME_SLACK_BYTES)
		vly_ascii_lower_block(name->lower + at + i, dname->target + i);
	while (at < end && name->lower[at] != 0 && label_cnt < VLY_NAME_LABELS_MAX) {
		name->start[label_cnt++] = (uint8_t)at;
		at += name->lower[at] + 1u;
	}
	if (at + 1 != end || name->lower[at] != 0)
		return false;
	name->start[label_cnt] = (uint8_t)at;
	name->label_cnt = (uint8_t)label_cnt;
	name->len = (uint8_t)end;
	return vly_composer_work(composer, (label_cnt - kept_cnt) / SPLICED_LABELS);
}

/* Makes one substitution for the name in `step`, whose closest encloser is step->node. Returns
 * false if the answer ends here. */
static bool
substitute(struct vly_composer *composer, struct vly_query *step, struct vly_composed *composed)
{
	const struct vly_image_node *node = step->node;
	const unsigned prefix_len = (unsigned)step->name.len - node->name_len;
	const struct vly_compose_hop *same = find_hop(composer, node);
	struct dname dname;

	if (composer->hop_cnt == VLY_ALIAS_HOPS_MAX || node->name_len >= step->name.len ||
	    !vly_composer_work(composer, HOP_WORK) || !find_dname(step, &dname) ||
	    (same != NULL && has_passed(composer, node, &step->name)))
		return false;
	bool too_long = vly_alias_is_too_long(prefix_len, dname.target_len);
	if (!too_long && same != NULL &&
	    vly_alias_is_growing(composer->hop, sizeof(composer->hop[0]), composer->hop_cnt, node,
				 prefix_len))
		return false;
	/* A DNAME that applies again is in the answer already (RFC 2181 §5). */
	unsigned target_off =
		same != NULL ? same->target_off : put_dname(composer, &dname, prefix_len);
	if (target_off == 0)
		return false;
	if (too_long) {
		composed->flags |= VLY_RCODE_YXDOMAIN;
		return false;
	}
	add_hop(composer, step, prefix_len, target_off);
	if (!put_cname(composer, &step->name, &dname, prefix_len, target_off))
		return false;
	/* For these types the CNAME is the answer, and is not followed (RFC 1034 §4.3.2, 3a: "and
	 * QTYPE doesn't match CNAME"). */
	return step->qtype != VLY_TYPE_CNAME && step->qtype != VLY_TYPE_ANY &&
	       splice(composer, &step->name, prefix_len, &dname);
}

/* Units that finding the piece that covers the last name takes. They are charged afterwards: it
 * happens once at most, and for a name that does not depend on a DNAME it costs the same. */
static unsigned
cover_work(const struct vly_image_denial *denial)
{
	return denial->kind == VLY_DENIAL_NSEC ? COVER_WORK
					       : COVER_WORK + denial->iterations * BLOCK_WORK;
}

/* The same for what has been found in a zone with overlays. */
static unsigned
layers_work(const struct vly_query_proof *proof)
{
	const struct vly_image_denial *denial = vly_cover_denial_of_layers(proof->layers);

	return COVER_WORK +
	       (denial != NULL ? proof->hash_cnt * denial->iterations * BLOCK_WORK : 0);
}

/* The same for an answer of an older layer of a zone with overlays. */
static bool
copy_older(struct vly_composer *composer, struct vly_query *step,
	   const struct vly_image_answer *answer)
{
	step->answer = answer;
	const uint8_t *tail = vly_layers_soa_tail(step);
	if (!vly_composer_copy(composer, answer, NULL, &step->name))
		return false;
	if (tail != NULL) /* the SOA is the last record, and its end is copied as it is */
		memcpy(composer->message + composer->len - VLY_SOA_TAIL_BYTES, tail,
		       VLY_SOA_TAIL_BYTES);
	return true;
}

/* Finds the pieces that belong to `answer`, for the last name. */
static bool
find_pieces(struct vly_composer *composer, struct vly_query *step,
	    const struct vly_image_answer *answer, struct vly_pieces *pieces)
{
	const struct vly_image_denial *denial = step->proof.cover.denial;

	if (denial != NULL && !vly_composer_work(composer, cover_work(denial)))
		return false;
	if (step->proof.layers != NULL && step->proof.piece_cnt > 0 &&
	    !vly_composer_work(composer, layers_work(&step->proof)))
		return false;
	step->fate = VLY_QUERY_PROVE;
	vly_query_find_cover(step, 1);
	step->answer = answer;
	vly_pieces_collect(pieces, step);
	/* a chain does not leave its zone, so that the question has the apex */
	if (pieces->apex_off != 0)
		pieces->apex_off =
			VLY_DNS_HEADER_BYTES + step->question_bytes - 4u - vly_proof_apex_len(step);
	return vly_composer_work(composer, PIECE_WORK * pieces->cnt);
}

static bool
copy_proved(struct vly_composer *composer, struct vly_query *step,
	    const struct vly_image_answer *answer)
{
	struct vly_pieces pieces;

	return find_pieces(composer, step, answer, &pieces) &&
	       vly_composer_copy(composer, answer, &pieces, &step->name);
}

/* The same from an older layer of a zone with overlays. Out of line: the copy is large. */
__attribute__((noinline)) static bool
copy_older_proved(struct vly_composer *composer, struct vly_query *step,
		  const struct vly_image_answer *answer)
{
	uint8_t copy[VLY_PROVE_COPY_BYTES] __attribute__((aligned(8)));

	step->answer = answer;
	return copy_proved(composer, step, vly_prove_layers_copy(step, copy));
}

/* Appends the answer for the last name, with the pieces that belong to it. */
static bool
copy_answer(struct vly_composer *composer, struct vly_query *step,
	    const struct vly_image_answer *answer)
{
	if (step->fate == VLY_QUERY_OLDER)
		return copy_older(composer, step, answer);
	if (step->fate != VLY_QUERY_PROVE)
		return vly_composer_copy(composer, answer, NULL, &step->name);
	return vly_prove_layers_is_older(step) ? copy_older_proved(composer, step, answer)
					       : copy_proved(composer, step, answer);
}

/* Appends RRSIG or NSEC of the last name, and, if a wildcard has them, what proves that. */
static bool
copy_signatures(struct vly_composer *composer, struct vly_query *step)
{
	/* it has no pieces of its own */
	const struct vly_image_answer *nodata =
		vly_image_at(step->image->heap, step->proof.zone->signed_nodata);
	struct vly_pieces pieces;

	return vly_composer_put_signatures(composer, step) &&
	       find_pieces(composer, step, nodata, &pieces) &&
	       vly_composer_put_pieces(composer, &pieces);
}

/* Substitutes, at most VLY_ALIAS_HOPS_MAX times, and appends the answer for the last name. */
static void
compose(struct vly_composer *composer, struct vly_query *step, struct vly_composed *composed)
{
	while (substitute(composer, step, composed)) {
		unsigned label_cnt;
		const struct vly_image_answer *answer = vly_resolve_again(step, &label_cnt);
		if (!vly_composer_work(composer, label_cnt))
			return;
		if (answer == NULL && step->node != NULL)
			continue; /* the name is below another DNAME */
		if (step->fate == VLY_QUERY_SIGNATURES)
			(void)copy_signatures(composer, step);
		else if (answer != NULL && (answer->flags & VLY_ANSWER_FAILS))
			(void)vly_composer_end(composer, VLY_COMPOSE_FAILED);
		else if (answer != NULL && copy_answer(composer, step, answer)) {
			composed->flags |= answer->flags & VLY_ANSWER_RCODE;
			composed->is_referral = answer->flags & VLY_ANSWER_REFERRAL;
		}
		return;
	}
}

void
vly_compose(const struct vly_query *query, uint8_t *to, unsigned space,
	    struct vly_composed *composed)
{
	const unsigned start = VLY_DNS_HEADER_BYTES + query->question_bytes;
	const unsigned work = query->stream ? VLY_COMPOSE_WORK_STREAM : VLY_COMPOSE_WORK_UDP;
	struct vly_composer composer;
	struct vly_query step = *query;

	memset(&composer, 0, offsetof(struct vly_composer, hop));
	composer.message = to - start;
	composer.name = &step.name;
	composer.len = start;
	composer.len_max = start + space;
	composer.work_left = work;
	composer.prefix_off = VLY_DNS_HEADER_BYTES;
	composer.prefix_len = query->name.len;
	*composed = (struct vly_composed){.flags = VLY_FLAG_AA};
	if (step.fate == VLY_QUERY_SIGNATURES)
		(void)copy_signatures(&composer, &step);
	else
		compose(&composer, &step, composed);
	composed->scope = step.subnet.octets[VLY_SUBNET_SCOPE];
	composed->work = (uint16_t)(work - composer.work_left);
	if (composer.end == VLY_COMPOSE_FAILED ||
	    (composer.end == VLY_COMPOSE_NO_WORK && query->stream)) {
		composed->flags = VLY_RCODE_SERVFAIL;
		return;
	}
	if (composer.end != VLY_COMPOSE_DONE) {
		composed->flags |= VLY_FLAG_TC;
		return;
	}
	composed->ancount = composer.count[0];
	composed->nscount = composer.count[1];
	composed->arcount = composer.count[2];
	composed->wire_len = (uint16_t)(composer.len - start);
}
