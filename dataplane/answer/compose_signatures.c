/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Composes the answers for the types RRSIG and NSEC of a node with VLY_NODE_RRSIG (volley/image.h),
 * from the DO forms of the node's answers and from its piece. */
#include "compose_parts.h"
#include "prove.h"

/* Units for a DO form, which is rarely in a cache; for a record that is stepped over; and for one
 * that is written. */
#define FORM_WORK   6
#define STEP_WORK   1
#define RECORD_WORK 4

#define POINTER_BYTES 2

/* Of a record behind its owner: type, class, TTL, RDLENGTH. */
#define FIXED_BYTES 10

/* Appends a record: `fixed` is what follows its owner. */
static bool
put_record(struct vly_composer *composer, const uint8_t *fixed, unsigned bytes)
{
	if (!vly_composer_work(composer, RECORD_WORK) || !vly_composer_put_suffix(composer, 0) ||
	    !vly_composer_put(composer, fixed, bytes))
		return false;
	composer->count[0]++;
	return true;
}

static bool
is_signature(const struct vly_record *record, unsigned covered)
{
	const uint8_t *fixed = record->fixed;

	return vly_be16(fixed) == VLY_TYPE_RRSIG && vly_be16(fixed + 8) >= 2 &&
	       vly_be16(fixed + FIXED_BYTES) == covered;
}

/* Appends the signatures of the type `covered` in its DO form. An answer that is too large has no
 * records. */
static bool
put_of_form(struct vly_composer *composer, const struct vly_image_answer *form, unsigned covered)
{
	const uint8_t *wire = vly_image_answer_wire(form);
	struct vly_cursor cursor = {wire, wire + form->keep_len};
	struct vly_record record;

	if (!vly_composer_work(composer, FORM_WORK))
		return false;
	for (unsigned i = 0; i < form->ancount; i++) {
		if (!vly_cursor_record(&cursor, &record))
			return vly_composer_end(composer, VLY_COMPOSE_NO_ROOM);
		if (!vly_composer_work(composer, STEP_WORK) ||
		    (is_signature(&record, covered) &&
		     !put_record(composer, record.fixed, (unsigned)(cursor.at - record.fixed))))
			return false;
	}
	return true;
}

/* Those in all DO forms. ANY has the signatures of other types, and those of an alias for the types
 * of its target have the target's. */
static bool
put_of_forms(struct vly_composer *composer, const struct vly_query *step)
{
	const struct vly_image_node *node = step->node;
	const struct vly_image_signed *forms = vly_image_node_signed(node);
	const bool is_alias = node->flags & VLY_NODE_ALIAS;

	for (unsigned i = 0; i < node->type_cnt; i++) {
		unsigned type = node->type[i].type;
		if (type == VLY_TYPE_ANY || (is_alias && type != VLY_TYPE_CNAME))
			continue;
		if (!put_of_form(composer, vly_image_at(step->image->heap, forms->answer[i]), type))
			return false;
	}
	return true;
}

/* Appends the records of the piece that are of the type `type`, or else RRSIGs that `signatures`
 * asks for. */
static bool
put_of_piece(struct vly_composer *composer, const struct vly_image_piece *piece, unsigned end_len,
	     unsigned type, bool signatures)
{
	const uint8_t *wire = vly_image_piece_wire(piece);
	unsigned at = piece->owner_len + end_len;
	unsigned end = piece->first_len;

	for (unsigned i = 0; i < piece->record_cnt; i++) {
		if (i > 0) {
			at = piece->rrsig_off[i - 1] + POINTER_BYTES;
			end = i + 1u < piece->record_cnt ? piece->rrsig_off[i] : piece->wire_len;
		}
		unsigned found = vly_be16(wire + at);
		if ((found == type || (signatures && found == VLY_TYPE_RRSIG)) &&
		    !put_record(composer, wire + at, end - at))
			return false;
	}
	return true;
}

bool
vly_composer_put_signatures(struct vly_composer *composer, const struct vly_query *step)
{
	const struct vly_image_zone *zone = step->proof.zone;
	const struct vly_image_piece *piece =
		vly_prove_own_piece(step->image->heap, zone, step->node);
	const unsigned end_len = zone->label_cnt == 0 ? 1 : POINTER_BYTES;

	if (step->qtype == VLY_TYPE_RRSIG && !put_of_forms(composer, step))
		return false;
	if (piece != NULL && !put_of_piece(composer, piece, end_len, step->qtype, step->dnssec_ok))
		return false;
	/* none, since the answers that have them are too large */
	return composer->count[0] > 0 || vly_composer_end(composer, VLY_COMPOSE_FAILED);
}
