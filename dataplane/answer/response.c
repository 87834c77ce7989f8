/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes responses in place of their queries. Header and question keep their places. */
#include "identity.h"
#include "question_sum.h"
#include "response_parts.h"
#include "tsig_error.h"

/* Octets copied at a time. Twice as many are readable behind every answer of an image, and a
 * message has room for as many behind every question. */
#define COPY_BLOCK_BYTES 32

/* After so many RRsets that do not fit, no smaller ones are looked for: enough to skip the AAAA
 * records of the name servers of a domain. More would make short responses expensive. */
#define MISSES_MAX 16

/* A bound for stepping over records: those for which there is room, with at least RECORD_BYTES_MIN
 * octets each, and so many more. An RRset that does not fit may have thousands. */
#define MISSED_RECORDS_MAX 96
#define RECORD_BYTES_MIN   15

static inline void
copy_block(uint8_t *to, const uint8_t *from)
{
	for (unsigned at = 0; at < COPY_BLOCK_BYTES; at += sizeof(vly_octets)) {
		vly_octets octets;
		memcpy(&octets, from + at, sizeof(octets));
		memcpy(to + at, &octets, sizeof(octets));
	}
}

/* The last block ends with the answer and overlaps the previous one, so that no cache line behind
 * the answer is loaded for nothing. */
static inline void
copy_blocks(uint8_t *to, const uint8_t *from, size_t bytes)
{
	if (bytes < COPY_BLOCK_BYTES) {
		copy_block(to, from);
		return;
	}
	for (size_t at = 0; at + COPY_BLOCK_BYTES < bytes; at += COPY_BLOCK_BYTES)
		copy_block(to + at, from + at);
	copy_block(to + bytes - COPY_BLOCK_BYTES, from + bytes - COPY_BLOCK_BYTES);
}

/* Adds delta to the first cnt pointers of an answer that was copied to `wire`. Returns the change
 * of the checksum: delta for a pointer at an odd offset; delta in the upper octet of a word for one
 * at an even offset. */
static inline uint64_t
move_pointers(uint8_t *wire, const struct vly_image_answer *answer, unsigned cnt, unsigned delta)
{
	const uint16_t *fix = answer->fix;
	const uint16_t *end = fix + cnt;
	unsigned odd_cnt = 0;

	for (; fix < end; fix++) {
		unsigned at = *fix;
		vly_put_be16(wire + at, vly_be16(wire + at) + delta);
		odd_cnt += at & 1;
	}
	return (uint64_t)delta * (odd_cnt + ((uint64_t)cnt - odd_cnt) * 256);
}

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
skip_rrset(struct vly_cursor *cursor, unsigned record_max)
{
	struct vly_record first, next;
	struct vly_cursor ahead;
	unsigned cnt = 1;

	if (!vly_cursor_record(cursor, &first))
		return 0;
	size_t head = (size_t)(first.fixed + 2 - first.owner);
	for (ahead = *cursor; cnt <= record_max && vly_cursor_record(&ahead, &next); cnt++) {
		if ((size_t)(next.fixed + 2 - next.owner) != head ||
		    memcmp(first.owner, next.owner, head) != 0)
			break;
		*cursor = ahead;
	}
	return cnt <= record_max ? cnt : 0;
}

/*
 * Copies the part of an answer that fits into `space` octets behind the question: the octets that
 * must be kept, and each further RRset for which there is room. If there is no room for the octets
 * that must be kept, the sections are empty and TC is set (RFC 2181 §9).
 */
__attribute__((cold, noinline)) static struct vly_response_shape
copy_fitting(const struct vly_query *query, struct vly_response_shape shape, unsigned space)
{
	const struct vly_image_answer *answer = query->answer;
	const uint8_t *wire = vly_image_answer_wire(answer);
	struct vly_cursor cursor = {wire + answer->keep_len, wire + answer->wire_len};
	uint8_t *to = query->message + VLY_DNS_HEADER_BYTES + query->question_bytes;
	struct copier copier = {to, answer, 0, query->question_bytes - 4u - answer->anchor_len};
	unsigned look_cnt = space / RECORD_BYTES_MIN + MISSED_RECORDS_MAX;
	unsigned left_cnt = answer->arcount;
	unsigned arcount = vly_image_answer_keep_arcount(answer);

	if (answer->keep_len > space) {
		shape.flags |= VLY_FLAG_TC;
		shape.wire_len = 0;
		shape.counts = 0;
		return shape;
	}
	copy_part(&copier, 0, answer->keep_len);
	left_cnt -= arcount;
	for (unsigned missed = 0; left_cnt > 0 && missed < MISSES_MAX;) {
		unsigned from = (unsigned)(cursor.at - wire);
		unsigned cnt = skip_rrset(&cursor, left_cnt < look_cnt ? left_cnt : look_cnt);
		unsigned end = (unsigned)(cursor.at - wire);
		if (cnt == 0)
			break;
		left_cnt -= cnt;
		look_cnt -= cnt;
		if (end - from > space - (unsigned)(copier.to - to)) {
			missed++;
			continue;
		}
		copy_part(&copier, from, end);
		arcount += cnt;
	}
	shape.wire_len = (uint16_t)(copier.to - to);
	shape.counts = vly_response_counts(answer->ancount, answer->nscount, arcount);
	return shape;
}

/* Whether the answer is not sent as it stands: its records are to be rotated, or it stands for one
 * that is too large. One test of both flags is all that other answers pay. */
static inline bool
is_bent(const struct vly_image_answer *answer)
{
	return (answer->flags & (VLY_ANSWER_ROTATES | VLY_ANSWER_TOO_LARGE)) &&
	       (vly_identity.rotate || (answer->flags & VLY_ANSWER_TOO_LARGE));
}

/* Rotates the records by the query's ID, which resolvers choose at random (RFC 5452 §4.3). */
static void
copy_rotated(uint8_t *to, const struct vly_image_answer *answer, unsigned id)
{
	const uint8_t *wire = vly_image_answer_wire(answer);
	unsigned first = (id * answer->ancount >> 16) * (answer->wire_len / answer->ancount);

	memcpy(to, wire + first, answer->wire_len - first);
	memcpy(to + answer->wire_len - first, wire, first);
}

/* Copies the records of the answer behind the question in rotated order, unless the answer has been
 * copied in part, since it does not fit. Returns the one's complement sum of the sections, as at an
 * even offset. */
__attribute__((noinline)) static uint64_t
write_bent_answer(const struct vly_query *query, unsigned wire_len)
{
	const struct vly_image_answer *answer = query->answer;
	uint8_t *to = query->message + VLY_DNS_HEADER_BYTES + query->question_bytes;

	if (wire_len != answer->wire_len)
		return vly_sum_octets(to, wire_len);
	copy_rotated(to, answer, vly_be16(query->message));
	return answer->sum; /* rotating moves whole words */
}

/* Copies all of the answer in its own order. Returns the same as write_bent_answer(). */
static inline __attribute__((always_inline)) uint64_t
write_answer(uint8_t *message, unsigned question_bytes, const struct vly_image_answer *answer,
	     unsigned wire_len)
{
	uint8_t *to = message + VLY_DNS_HEADER_BYTES + question_bytes;
	unsigned name_len = question_bytes - 4;
	unsigned delta = name_len - answer->anchor_len;
	uint64_t sum = answer->sum;

	copy_blocks(to, vly_image_answer_wire(answer), wire_len);
	if (delta != 0)
		sum += move_pointers(to, answer, answer->fix_cnt, delta);
	return sum;
}

/* Octets of the response for an answer: exact, unless RRsets are left out. */
static inline unsigned
found_bytes(const struct vly_query *query)
{
	unsigned wire_len = query->answer->wire_len;
	unsigned rest = VLY_DNS_HEADER_BYTES + query->question_bytes + query->opt_bytes;

	if (__builtin_expect(rest + wire_len > VLY_UDP_BYTES_MIN, 0) &&
	    wire_len > vly_response_space(query))
		return rest + (query->answer->keep_len > vly_response_space(query)
				       ? 0
				       : vly_response_space(query));
	return rest + wire_len;
}

static inline struct vly_response_shape
whole_shape(const struct vly_image_answer *answer)
{
	/* the RCODE has the same bits in both; AA has another */
	const unsigned move = 1 + VLY_FLAG_AA / VLY_ANSWER_AA;

	return (struct vly_response_shape){
		.counts = vly_image_answer_counts(answer),
		.flags = (answer->flags * move) & (VLY_FLAG_AA | VLY_ANSWER_RCODE),
		.wire_len = answer->wire_len,
	};
}

/* The sum of the question. Most queries have nothing behind it or an OPT record without options:
 * then it is the sum of the whole, which the port has computed to verify the checksum, without that
 * of the rest. */
static inline uint64_t
question_sum(const struct vly_query *query)
{
	const uint8_t *question = query->message + VLY_DNS_HEADER_BYTES;
	const uint64_t zero = UINT64_C(0xffff) << 32; /* modulo 0xffff; more than is subtracted */
	unsigned rest_bytes = query->message_len - VLY_DNS_HEADER_BYTES - query->question_bytes;

	if (query->udp_sum == 0 || (rest_bytes != 0 && rest_bytes != VLY_OPT_BYTES))
		return vly_question_sum(question, query->question_bytes);
	const uint8_t *rest = question + query->question_bytes;
	uint64_t rest_sum = rest_bytes == 0 ? 0
					    : vly_sum_word(VLY_OCTETS_LOAD(64, rest)) +
						      (VLY_OCTETS_LOAD(32, rest + 7) >> 8);
	const uint8_t *udp = query->message - VLY_UDP_BYTES;
	return query->udp_sum + zero - vly_sum_word(VLY_OCTETS_LOAD(64, udp)) -
	       vly_sum_word(VLY_OCTETS_LOAD(64, udp + 8)) - VLY_OCTETS_LOAD(32, udp + 16) -
	       vly_sum_at(rest_sum, query->question_bytes);
}

/* `plain`: the response has all of the answer, in its own order. */
static inline __attribute__((always_inline)) void
write_shape(struct vly_query *query, const struct vly_response_shape *shape, bool plain,
	    struct vly_lcore_counters *counters)
{
	const struct vly_image_answer *answer = query->answer;
	uint8_t *message = query->message;
	const unsigned question_bytes = query->question_bytes;
	const unsigned opt_bytes = query->opt_bytes;
	unsigned len = VLY_DNS_HEADER_BYTES + question_bytes;

	/* before the query is overwritten; an answer that does not fit has been copied already */
	uint64_t sum = plain ? question_sum(query)
			     : vly_question_sum(message + VLY_DNS_HEADER_BYTES, question_bytes);
	sum += vly_response_header(message, shape, true, opt_bytes != 0);
	uint64_t answer_sum = plain ? write_answer(message, question_bytes, answer, shape->wire_len)
				    : write_bent_answer(query, shape->wire_len);
	sum += vly_sum_at(answer_sum, len);
	len += shape->wire_len;
	if (opt_bytes != 0) {
		sum += vly_sum_at(vly_response_opt(message + len, query, 0), len);
		len += opt_bytes;
		counters->queries_edns++;
	}
	query->response_len = (uint16_t)len;
	query->response_sum = sum;
	if (answer->flags & VLY_ANSWER_REFERRAL)
		counters->referrals++;
	vly_response_count(answer->flags & VLY_ANSWER_RCODE, counters);
}

/* Writes an answer that does not fit, or is bent. The guard has judged it without the EDE. */
__attribute__((noinline)) static void
write_bent(struct vly_query *query, struct vly_lcore_counters *counters)
{
	struct vly_response_shape shape = whole_shape(query->answer);
	unsigned space = vly_response_space(query);

	if (query->answer->flags & VLY_ANSWER_TOO_LARGE) {
		vly_query_fail(query);
		vly_response_error(query, NULL, counters);
		return;
	}
	if (shape.wire_len > space) {
		shape = copy_fitting(query, shape, space);
		counters->truncated += (shape.flags & VLY_FLAG_TC) != 0;
	}
	write_shape(query, &shape, false, counters);
}

static inline __attribute__((always_inline)) void
write_found(struct vly_query *query, struct vly_lcore_counters *counters)
{
	const struct vly_image_answer *answer = query->answer;
	const struct vly_response_shape shape = whole_shape(answer);

	if (__builtin_expect(shape.wire_len > vly_response_space(query) || is_bent(answer), 0))
		write_bent(query, counters);
	else
		write_shape(query, &shape, true, counters);
}

static inline enum vly_response_kind
found_kind(const struct vly_query *query)
{
	unsigned flags = query->answer->flags;

	return vly_response_kind_of(flags & VLY_ANSWER_RCODE, (flags & VLY_ANSWER_REFERRAL) != 0);
}

/* Writes all responses that are not plain answers, have a cookie, or may be over a limit. */
__attribute__((noinline)) static void
write_other(struct vly_query *query, struct vly_guard *guard, struct vly_lcore_counters *counters)
{
	if (query->cookie_state != VLY_COOKIE_NONE) {
		if (guard != NULL)
			vly_guard_take_cookie(guard, query, counters);
		else
			query->cookie_state = VLY_COOKIE_NONE;
	}
	switch ((enum vly_query_fate)query->fate) {
	case VLY_QUERY_DROP:
		query->response_len = 0;
		counters->dropped_message++;
		break;
	case VLY_QUERY_HEADER:
	case VLY_QUERY_COOKIE:
	case VLY_QUERY_ERROR:
		vly_response_error(query, guard, counters);
		break;
	case VLY_QUERY_TSIG:
		vly_tsig_write_error(query, guard, counters);
		break;
	case VLY_QUERY_LOOKUP:
		if (!vly_response_is_held(query, guard, found_kind(query), found_bytes(query),
					  counters))
			write_found(query, counters);
		break;
	case VLY_QUERY_CHAOS:
		vly_response_chaos(query, guard, counters);
		break;
	case VLY_QUERY_COMPOSE:
		vly_response_composed(query, guard, counters);
		break;
	}
}

static inline __attribute__((always_inline)) void
write_each(struct vly_query *query, unsigned cnt, struct vly_guard *guard, bool has_limits,
	   struct vly_lcore_counters *counters)
{
	for (unsigned i = 0; i < cnt; i++) {
		bool is_plain = query[i].fate == VLY_QUERY_LOOKUP &&
				query[i].cookie_state == VLY_COOKIE_NONE;
		if (__builtin_expect(
			    is_plain && (!has_limits ||
					 vly_guard_admits(guard, &query[i], found_kind(&query[i]),
							  found_bytes(&query[i]))),
			    1))
			write_found(&query[i], counters);
		else
			write_other(&query[i], guard, counters);
	}
}

/* Compiled twice: without limits, their variables would take registers for nothing. */
void
vly_query_write(struct vly_query *query, unsigned cnt, struct vly_guard *guard,
		struct vly_lcore_counters *counters)
{
	if (vly_guard_has_limits(guard))
		write_each(query, cnt, guard, true, counters);
	else
		write_each(query, cnt, guard, false, counters);
}
