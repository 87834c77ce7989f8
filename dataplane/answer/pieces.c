/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pieces.h"

#include <volley/checksum.h>

#include "prove.h"
#include "prove_layers.h"
#include "response_copy.h"

#define POINTER_BYTES 2

static void
add(struct vly_pieces *pieces, const struct vly_image_piece *piece)
{
	for (unsigned i = 0; i < pieces->cnt; i++)
		if (pieces->piece[i] == piece)
			return;
	pieces->piece[pieces->cnt++] = piece;
	pieces->record_cnt += piece->record_cnt;
}

void
vly_pieces_collect(struct vly_pieces *pieces, const struct vly_query *query)
{
	const struct vly_query_proof *own = &query->proof;
	const struct vly_image_answer *answer = query->answer;
	const unsigned apex_len = vly_proof_apex_len(query);

	pieces->cnt = 0;
	pieces->record_cnt = 0;
	pieces->apex_off =
		apex_len == 1 ? 0 : VLY_DNS_HEADER_BYTES + (unsigned)query->name.len - apex_len;
	/* nothing that denies has more than the first keep_len octets, unless it says where */
	pieces->insert_off =
		own->insert_off < answer->keep_len ? own->insert_off : answer->keep_len;
	for (unsigned i = 0; i < own->piece_cnt; i++)
		add(pieces, own->piece[i]);
	if (!(answer->flags & VLY_ANSWER_PROVED))
		return;
	const struct vly_image_proof *proof = vly_image_answer_proof(answer);
	pieces->insert_off = proof->insert_off;
	for (unsigned i = 0; i < proof->piece_cnt && i < VLY_PIECES_MAX; i++) {
		const struct vly_image_piece *piece =
			vly_image_at(query->image->heap, proof->piece[i]);
		add(pieces,
		    own->layers != NULL ? vly_prove_layers_renew(own->layers, piece) : piece);
	}
}

/* Where the owner of the RRSIGs is: the piece's own first owner, which may be nothing but a pointer
 * itself. */
static inline unsigned
owner_off(const struct vly_pieces *pieces, const struct vly_image_piece *piece, unsigned off)
{
	return piece->owner_len == 0 && pieces->apex_off != 0 ? pieces->apex_off : off;
}

/* Octets of a piece at `off`. Where no pointer leads to its owner, each RRSIG has the owner's labels
 * itself. */
static inline unsigned
piece_bytes(const struct vly_pieces *pieces, const struct vly_image_piece *piece, unsigned off)
{
	unsigned end_bytes = pieces->apex_off != 0 ? POINTER_BYTES : 1;

	if (__builtin_expect(owner_off(pieces, piece, off) <= VLY_POINTER_MAX, 1))
		return piece->wire_len;
	return piece->wire_len +
	       (piece->record_cnt - 1u) * (piece->owner_len + end_bytes - POINTER_BYTES);
}

unsigned
vly_pieces_bytes(const struct vly_pieces *pieces, unsigned off)
{
	unsigned end = off;

	for (unsigned i = 0; i < pieces->cnt; i++)
		end += piece_bytes(pieces, pieces->piece[i], end);
	return end - off;
}

/* Writes a pointer where the image has zeros, `at` octets into the piece. Returns the change of the
 * sum. */
static inline uint64_t
put_pointer(uint8_t *to, unsigned at, unsigned off)
{
	const uint64_t pointer = VLY_POINTER_TAG | off;

	vly_put_be16(to + at, (unsigned)pointer);
	return vly_sum_at(pointer, at + 1); /* the first octet is the upper one */
}

/* Writes a piece to which pointers lead. Returns its sum, as at an even offset. */
static inline uint64_t
put_near(const struct vly_pieces *pieces, const struct vly_image_piece *piece, uint8_t *to,
	 unsigned off)
{
	const uint8_t *wire = vly_image_piece_wire(piece);
	const unsigned rrsig_cnt = piece->record_cnt - 1u;
	const unsigned owner = owner_off(pieces, piece, off);
	uint64_t sum = piece->sum;

	if (__builtin_expect(piece->wire_len >= VLY_COPY_BLOCK_BYTES, 1))
		vly_copy_whole_blocks(to, wire, piece->wire_len);
	else
		memcpy(to, wire, piece->wire_len);
	if (pieces->apex_off != 0)
		sum += put_pointer(to, piece->owner_len, pieces->apex_off);
	for (unsigned i = 0; i < rrsig_cnt; i++)
		sum += put_pointer(to, piece->rrsig_off[i], owner);
	return sum;
}

/* Writes a piece to which no pointer leads: its RRSIGs get the owner as the first record has it. */
__attribute__((cold, noinline)) static void
put_far(const struct vly_pieces *pieces, const struct vly_image_piece *piece, uint8_t *to)
{
	const uint8_t *wire = vly_image_piece_wire(piece);
	const uint8_t *first = to;
	const unsigned owner_len = piece->owner_len + (pieces->apex_off != 0 ? POINTER_BYTES : 1u);

	memcpy(to, wire, piece->first_len);
	if (pieces->apex_off != 0)
		vly_put_be16(to + piece->owner_len, VLY_POINTER_TAG | pieces->apex_off);
	to += piece->first_len;
	for (unsigned i = 0; i + 1u < piece->record_cnt; i++) {
		unsigned from = piece->rrsig_off[i] + POINTER_BYTES;
		unsigned end =
			i + 2u < piece->record_cnt ? piece->rrsig_off[i + 1] : piece->wire_len;
		memcpy(to, first, owner_len);
		memcpy(to + owner_len, wire + from, end - from);
		to += owner_len + end - from;
	}
}

uint64_t
vly_pieces_put(const struct vly_pieces *pieces, uint8_t *message, unsigned off)
{
	uint64_t sum = 0;
	unsigned at = off;

	for (unsigned i = 0; i < pieces->cnt; i++) {
		const struct vly_image_piece *piece = pieces->piece[i];
		unsigned bytes = piece_bytes(pieces, piece, at);
		uint64_t piece_sum;
		if (__builtin_expect(owner_off(pieces, piece, at) <= VLY_POINTER_MAX, 1)) {
			piece_sum = put_near(pieces, piece, message + at, at);
		} else {
			put_far(pieces, piece, message + at);
			piece_sum = vly_sum_octets(message + at, bytes);
		}
		sum += vly_sum_at(piece_sum, at - off);
		at += bytes;
	}
	return sum;
}
