/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes as much of an answer as there is room for. */
#include "response_parts.h"

/* After so many RRsets that do not fit, no smaller ones are looked for: enough to skip the AAAA
 * records of the name servers of a domain. More would make short responses expensive. */
#define MISSES_MAX 16

/* A bound for stepping over records: those for which there is room, with at least RECORD_BYTES_MIN
 * octets each, and so many more. An RRset that does not fit may have thousands. */
#define MISSED_RECORDS_MAX 96
#define RECORD_BYTES_MIN   15

/* The state of copying an answer in parts: the destination, and the answer's next pointer. */
struct copier {
	uint8_t *to;
	const struct vly_image_answer *answer;
	unsigned fix_idx;
	unsigned delta;
};

/* Copies the octets of an answer from `from` to `end`, which are behind those copied before, and
 * moves the pointers in them. These lead to the first keep_len octets, which are copied whole
 * (image.h). */
static void
copy_part(struct copier *copier, unsigned from, unsigned end)
{
	const struct vly_image_answer *answer = copier->answer;

	memcpy(copier->to, vly_image_answer_wire(answer) + from, end - from);
	for (; copier->fix_idx < answer->fix_cnt && answer->fix[copier->fix_idx] + 2u <= end;
	     copier->fix_idx++) {
		unsigned at = answer->fix[copier->fix_idx];
		if (at < from)
			continue; /* in an RRset that was left out */
		uint8_t *pointer = copier->to + (at - from);
		vly_put_be16(pointer, vly_be16(pointer) + copier->delta);
	}
	copier->to += end - from;
}

/* Steps over one RRset: the records with owner and type of the first. Returns their number; 0 if
 * they are malformed or more than record_max. */
static unsigned
skip_rrset(struct vly_cursor *cursor, unsigned record_max, unsigned *type)
{
	struct vly_record first, next;
	struct vly_cursor ahead;
	unsigned cnt = 1;

	if (!vly_cursor_record(cursor, &first))
		return 0;
	size_t head = (size_t)(first.fixed + 2 - first.owner);
	*type = vly_be16(first.fixed);
	for (ahead = *cursor; cnt <= record_max && vly_cursor_record(&ahead, &next); cnt++) {
		if ((size_t)(next.fixed + 2 - next.owner) != head ||
		    memcmp(first.owner, next.owner, head) != 0)
			break;
		*cursor = ahead;
	}
	return cnt <= record_max ? cnt : 0;
}

/* Copies the octets that must be kept, with the pieces. */
static void
copy_kept(struct copier *copier, const struct vly_query *query, const struct vly_pieces *pieces,
	  unsigned piece_bytes)
{
	const unsigned keep_len = copier->answer->keep_len;

	if (pieces == NULL) {
		copy_part(copier, 0, keep_len);
		return;
	}
	copy_part(copier, 0, pieces->insert_off);
	(void)vly_pieces_put(pieces, query->message, (unsigned)(copier->to - query->message));
	copier->to += piece_bytes;
	copy_part(copier, pieces->insert_off, keep_len);
}

struct vly_response_shape
vly_response_fit(const struct vly_query *query, struct vly_response_shape shape, unsigned space,
		 const struct vly_pieces *pieces)
{
	const struct vly_image_answer *answer = query->answer;
	const uint8_t *wire = vly_image_answer_wire(answer);
	struct vly_cursor cursor = {wire + answer->keep_len, wire + answer->wire_len};
	uint8_t *to = query->message + VLY_DNS_HEADER_BYTES + query->question_bytes;
	struct copier copier = {to, answer, 0, query->question_bytes - 4u - answer->anchor_len};
	unsigned look_cnt = space / RECORD_BYTES_MIN + MISSED_RECORDS_MAX;
	unsigned left_cnt = answer->arcount;
	unsigned arcount = vly_image_answer_keep_arcount(answer);
	unsigned nscount = answer->nscount + (pieces != NULL ? pieces->record_cnt : 0);
	unsigned piece_bytes = 0;
	bool left_out = false;
	unsigned type = 0;

	if (pieces != NULL)
		piece_bytes = vly_pieces_bytes(pieces, (unsigned)(to - query->message) +
							       pieces->insert_off);
	if (answer->keep_len + piece_bytes > space) {
		shape.flags |= VLY_FLAG_TC;
		shape.wire_len = 0;
		shape.counts = 0;
		return shape;
	}
	copy_kept(&copier, query, pieces, piece_bytes);
	left_cnt -= arcount;
	for (unsigned missed = 0; left_cnt > 0 && missed < MISSES_MAX;) {
		unsigned from = (unsigned)(cursor.at - wire);
		unsigned cnt =
			skip_rrset(&cursor, left_cnt < look_cnt ? left_cnt : look_cnt, &type);
		unsigned end = (unsigned)(cursor.at - wire);
		if (cnt == 0)
			break;
		left_cnt -= cnt;
		look_cnt -= cnt;
		/* signatures follow what they sign, and are left out with it */
		left_out = (left_out && type == VLY_TYPE_RRSIG) ||
			   end - from > space - (unsigned)(copier.to - to);
		if (left_out) {
			missed++;
			continue;
		}
		copy_part(&copier, from, end);
		arcount += cnt;
	}
	shape.wire_len = (uint16_t)(copier.to - to);
	shape.counts = vly_response_counts(answer->ancount, nscount, arcount);
	return shape;
}
