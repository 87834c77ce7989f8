/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes responses in place of their queries. Header and question keep their places. */
#include "identity.h"
#include "question_sum.h"
#include "resolve_layers.h"
#include "response_copy.h"
#include "response_parts.h"
#include "tsig_error.h"
#include "version.h"

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

/* Whether the answer is not sent as it stands: its records are to be rotated, or it has none and
 * fails. One test of both flags is all that other answers pay. */
static inline bool
is_bent(const struct vly_image_answer *answer)
{
	return (answer->flags & (VLY_ANSWER_ROTATES | VLY_ANSWER_FAILS)) &&
	       (vly_identity.rotate || (answer->flags & VLY_ANSWER_FAILS));
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

	vly_copy_blocks(to, vly_image_answer_wire(answer), wire_len);
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

/* `plain`: the response has all of the answer, in its own order. Otherwise the sections have been
 * written, and `answer_sum` is their sum. */
static inline __attribute__((always_inline)) void
write_shape(struct vly_query *query, const struct vly_response_shape *shape, bool plain,
	    uint64_t answer_sum, struct vly_lcore_counters *counters)
{
	const struct vly_image_answer *answer = query->answer;
	uint8_t *message = query->message;
	const unsigned question_bytes = query->question_bytes;
	const unsigned opt_bytes = query->opt_bytes;
	unsigned len = VLY_DNS_HEADER_BYTES + question_bytes;

	/* before the query is overwritten */
	uint64_t sum = plain ? question_sum(query)
			     : vly_question_sum(message + VLY_DNS_HEADER_BYTES, question_bytes);
	sum += vly_response_header(message, shape, true, opt_bytes != 0);
	if (plain)
		answer_sum = write_answer(message, question_bytes, answer, shape->wire_len);
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

void
vly_response_end(struct vly_query *query, const struct vly_response_shape *shape, uint64_t sum,
		 struct vly_lcore_counters *counters)
{
	write_shape(query, shape, false, sum, counters);
}

/* Writes an answer that does not fit, or is bent. The guard has judged it without the EDE. */
__attribute__((noinline)) static void
write_bent(struct vly_query *query, struct vly_lcore_counters *counters)
{
	struct vly_response_shape shape = vly_response_whole(query->answer);
	unsigned space = vly_response_space(query);

	if (query->answer->flags & VLY_ANSWER_FAILS) {
		vly_query_fail(query, vly_response_ede(query->answer));
		vly_response_error(query, NULL, counters);
		return;
	}
	if (shape.wire_len > space) {
		shape = vly_response_fit(query, shape, space, NULL);
		counters->truncated += (shape.flags & VLY_FLAG_TC) != 0;
	}
	vly_response_end(query, &shape, write_bent_answer(query, shape.wire_len), counters);
}

static inline __attribute__((always_inline)) void
write_found(struct vly_query *query, struct vly_lcore_counters *counters)
{
	const struct vly_image_answer *answer = query->answer;
	const struct vly_response_shape shape = vly_response_whole(answer);

	if (__builtin_expect(shape.wire_len > vly_response_space(query) || is_bent(answer), 0))
		write_bent(query, counters);
	else
		write_shape(query, &shape, true, 0, counters);
}

/* Puts the end of the newest SOA in the place of the older one's, at `to`. Returns the change of the
 * sum. */
static uint64_t
write_soa_tail(uint8_t *to, unsigned off, const uint8_t *tail)
{
	const uint64_t zero = UINT64_C(0xffff) << 32; /* modulo 0xffff; more than is subtracted */
	uint64_t before = vly_sum_octets(to, VLY_SOA_TAIL_BYTES);

	memcpy(to, tail, VLY_SOA_TAIL_BYTES);
	return zero - vly_sum_at(before, off) +
	       vly_sum_at(vly_sum_octets(tail, VLY_SOA_TAIL_BYTES), off);
}

/* Writes an answer of an older layer of a zone with overlays. */
__attribute__((noinline)) static void
write_older(struct vly_query *query, struct vly_lcore_counters *counters)
{
	const struct vly_image_answer *answer = query->answer;
	const struct vly_response_shape shape = vly_response_whole(answer);
	const uint8_t *tail = vly_layers_soa_tail(query);

	if (tail == NULL || shape.wire_len > vly_response_space(query)) {
		write_found(query, counters);
		return;
	}
	const unsigned off = answer->wire_len - VLY_SOA_TAIL_BYTES;
	uint8_t *to = query->message + VLY_DNS_HEADER_BYTES + query->question_bytes;
	uint64_t sum =
		write_answer(query->message, query->question_bytes, answer, answer->wire_len);
	sum += write_soa_tail(to + off, off, tail);
	vly_response_end(query, &shape, sum, counters);
}

/* Only an apex has a SOA, and only zones are transferred. */
static void
judge_ixfr(struct vly_query *query)
{
	const struct vly_image_answer *answer = query->answer;
	const bool is_found = query->fate == VLY_QUERY_LOOKUP || query->fate == VLY_QUERY_OLDER;

	if (is_found && (answer->flags & VLY_ANSWER_FAILS))
		return;
	/* behind its owner, which is a pointer */
	if (is_found && answer->ancount == 1 &&
	    vly_be16(vly_image_answer_wire(answer) + 2) == VLY_TYPE_SOA)
		return;
	if (is_found || query->fate == VLY_QUERY_COMPOSE)
		vly_query_refuse(query, VLY_EDE_NOT_AUTHORITATIVE);
}

/* Writes all responses that are not plain answers, have options, or may be over a limit. */
__attribute__((noinline)) static void
write_other(struct vly_query *query, struct vly_guard *guard, struct vly_lcore_counters *counters)
{
	if (query->cookie_state != VLY_COOKIE_NONE) {
		if (guard != NULL)
			vly_guard_take_cookie(guard, query, counters);
		else
			query->cookie_state = VLY_COOKIE_NONE;
	}
	if (query->asks & VLY_ASKS_IXFR)
		judge_ixfr(query);
	if (query->asks & VLY_ASKS_VERSION)
		vly_version_confirm(query);
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
		if (!vly_response_is_held(query, guard, vly_response_found_kind(query),
					  found_bytes(query), counters))
			write_found(query, counters);
		break;
	case VLY_QUERY_OLDER:
		if (!vly_response_is_held(query, guard, vly_response_found_kind(query),
					  found_bytes(query), counters))
			write_older(query, counters);
		break;
	case VLY_QUERY_CHAOS:
		vly_response_chaos(query, guard, counters);
		break;
	case VLY_QUERY_COMPOSE:
	case VLY_QUERY_SIGNATURES:
		vly_response_composed(query, guard, counters);
		break;
	case VLY_QUERY_PROVE:
		vly_response_proved(query, guard, counters);
		break;
	}
}

static inline __attribute__((always_inline)) void
write_each(struct vly_query *query, unsigned cnt, struct vly_guard *guard, bool has_limits,
	   struct vly_lcore_counters *counters)
{
	for (unsigned i = 0; i < cnt; i++) {
		if (__builtin_expect(query[i].special == 0 &&
					     (!has_limits ||
					      vly_guard_admits(guard, &query[i],
							       vly_response_found_kind(&query[i]),
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
