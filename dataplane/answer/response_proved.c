/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes answers with the pieces that belong to them: both are copied as they are in the image, and
 * the sum of the whole is made of theirs. */
#include "prove_layers.h"
#include "response_copy.h"
#include "response_parts.h"

/* Modulo 0xffff nothing, and more than is subtracted. */
#define ZERO_SUM (UINT64_C(0xffff) << 32)

/* The octets of an answer behind the pieces: glue. At an odd distance from where they were, their
 * sum is another. Returns the change. */
static uint64_t
rest_moved(const struct vly_image_answer *answer, const struct vly_pieces *pieces,
	   unsigned piece_bytes)
{
	const unsigned from = pieces->insert_off;

	if (piece_bytes % 2 == 0 || from == answer->wire_len)
		return 0;
	uint64_t sum =
		vly_sum_octets(vly_image_answer_wire(answer) + from, answer->wire_len - from);
	return ZERO_SUM - vly_sum_at(sum, from) + vly_sum_at(sum, from + piece_bytes);
}

/* Adds delta to the answer's pointers, of which those behind the pieces stand piece_bytes further
 * back. Returns the change of the sum. */
static uint64_t
move_pointers(uint8_t *wire, const struct vly_image_answer *answer, unsigned insert_off,
	      unsigned piece_bytes, unsigned delta)
{
	unsigned odd_cnt = 0;

	for (unsigned i = 0; i < answer->fix_cnt; i++) {
		unsigned at = answer->fix[i];
		at += at >= insert_off ? piece_bytes : 0;
		vly_put_be16(wire + at, vly_be16(wire + at) + delta);
		odd_cnt += at & 1;
	}
	return (uint64_t)delta * (odd_cnt + ((uint64_t)answer->fix_cnt - odd_cnt) * 256);
}

/* Writes all of the answer and the pieces behind the question. Returns their one's complement sum,
 * as at an even offset. */
static uint64_t
write_all(const struct vly_query *query, const struct vly_pieces *pieces, unsigned piece_bytes)
{
	const struct vly_image_answer *answer = query->answer;
	const uint8_t *wire = vly_image_answer_wire(answer);
	const unsigned start = VLY_DNS_HEADER_BYTES + query->question_bytes;
	const unsigned insert_off = pieces->insert_off;
	const unsigned rest_bytes = answer->wire_len - insert_off;
	const unsigned delta = query->question_bytes - 4u - answer->anchor_len;
	uint8_t *to = query->message + start;

	vly_copy_blocks(to, wire, insert_off);
	uint64_t sum = answer->sum + rest_moved(answer, pieces, piece_bytes);
	sum += vly_sum_at(vly_pieces_put(pieces, query->message, start + insert_off), insert_off);
	if (rest_bytes > 0)
		memcpy(to + insert_off + piece_bytes, wire + insert_off, rest_bytes);
	if (delta != 0)
		sum += move_pointers(to, answer, insert_off, piece_bytes, delta);
	return vly_sum_fold(sum);
}

static void
write_proved(struct vly_query *query, const struct vly_pieces *pieces, unsigned piece_bytes,
	     struct vly_lcore_counters *counters)
{
	struct vly_response_shape shape = vly_response_whole(query->answer);
	const unsigned space = vly_response_space(query);
	uint64_t sum;

	if (shape.wire_len + piece_bytes <= space) {
		sum = write_all(query, pieces, piece_bytes);
		shape.wire_len = (uint16_t)(shape.wire_len + piece_bytes);
		shape.counts += vly_response_counts(0, pieces->record_cnt, 0);
	} else {
		shape = vly_response_fit(query, shape, space, pieces);
		sum = vly_sum_octets(query->message + VLY_DNS_HEADER_BYTES + query->question_bytes,
				     shape.wire_len);
		counters->truncated += (shape.flags & VLY_FLAG_TC) != 0;
	}
	vly_response_end(query, &shape, sum, counters);
}

/* Octets of the response, for its limit. */
static unsigned
response_bytes(const struct vly_query *query, unsigned piece_bytes)
{
	const unsigned space = vly_response_space(query);
	const unsigned rest = VLY_DNS_HEADER_BYTES + query->question_bytes + query->opt_bytes;

	if (query->answer->keep_len + piece_bytes > space)
		return rest;
	if (query->answer->wire_len + piece_bytes > space)
		return rest + space;
	return rest + query->answer->wire_len + piece_bytes;
}

static void
write_response(struct vly_query *query, struct vly_guard *guard,
	       struct vly_lcore_counters *counters)
{
	struct vly_pieces pieces;

	vly_pieces_collect(&pieces, query);
	unsigned piece_bytes = vly_pieces_bytes(
		&pieces, VLY_DNS_HEADER_BYTES + query->question_bytes + pieces.insert_off);
	if (!vly_response_is_held(query, guard, vly_response_found_kind(query),
				  response_bytes(query, piece_bytes), counters))
		write_proved(query, &pieces, piece_bytes, counters);
}

/* The same from an older layer of a zone with overlays. Out of line: the copy is large. */
__attribute__((noinline)) static void
write_older(struct vly_query *query, struct vly_guard *guard, struct vly_lcore_counters *counters)
{
	const struct vly_image_answer *answer = query->answer;
	uint8_t copy[VLY_PROVE_COPY_BYTES] __attribute__((aligned(8)));

	query->answer = vly_prove_layers_copy(query, copy);
	write_response(query, guard, counters);
	query->answer = answer;
}

void
vly_response_proved(struct vly_query *query, struct vly_guard *guard,
		    struct vly_lcore_counters *counters)
{
	if (query->answer->flags & VLY_ANSWER_FAILS) {
		vly_query_fail(query, vly_response_ede(query->answer));
		vly_response_error(query, guard, counters);
		return;
	}
	if (__builtin_expect(vly_prove_layers_is_older(query), 0))
		write_older(query, guard, counters);
	else
		write_response(query, guard, counters);
}
