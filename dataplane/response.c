/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing: the response takes the place of the query, header and question staying where they are.
 */
#include <assert.h>
#include <stddef.h>

#include "compose.h"
#include "guard.h"
#include "identity.h"
#include "query.h"
#include "question_sum.h"
#include "wire.h"

/* Octets copied at a time; images have twice as many that may be read behind every answer. */
#define COPY_BLOCK_BYTES 32

/* What a response is made of, before it is written. */
struct shape {
	uint64_t counts; /* as vly_image_answer_counts() */
	uint16_t flags;
	uint16_t wire_len;
};

static inline uint64_t
counts_of(unsigned ancount, unsigned nscount, unsigned arcount)
{
	return (uint64_t)ancount << 32 | (uint64_t)nscount << 16 | arcount;
}

/* The last block ends with the answer, overlapping the one before: what lies behind it would have
 * to come from memory for nothing. */
static inline void
copy_blocks(uint8_t *to, const uint8_t *from, size_t bytes, size_t room)
{
	size_t at = 0;

	if (__builtin_expect(room < COPY_BLOCK_BYTES, 0)) {
		memcpy(to, from, bytes);
		return;
	}
	if (bytes < COPY_BLOCK_BYTES) {
		memcpy(to, from, COPY_BLOCK_BYTES);
		return;
	}
	for (; at + COPY_BLOCK_BYTES < bytes; at += COPY_BLOCK_BYTES)
		memcpy(to + at, from + at, COPY_BLOCK_BYTES);
	at = bytes - COPY_BLOCK_BYTES;
	memcpy(to + at, from + at, COPY_BLOCK_BYTES);
}

/* Adds delta to the pointers that lie within the first wire_len octets; returns what that adds to
 * the sum. */
static uint64_t
move_pointers(uint8_t *wire, const struct vly_image_answer *answer, unsigned wire_len,
	      unsigned delta)
{
	uint16_t even = __builtin_bswap16((uint16_t)delta);
	uint64_t sum = 0;

	for (unsigned i = 0; i < answer->fix_cnt && answer->fix[i] + 2u <= wire_len; i++) {
		uint8_t *pointer = wire + answer->fix[i];
		vly_write_u16(pointer, vly_read_u16(pointer) + delta);
		sum += answer->fix[i] & 1 ? delta : even;
	}
	return sum;
}

/* Steps over one RRset: records with the owner and type of the first. Returns how many, 0 when
 * malformed. */
static unsigned
skip_rrset(struct vly_cursor *cursor, unsigned record_max)
{
	struct vly_record first, next;
	struct vly_cursor ahead;
	unsigned cnt = 1;

	if (!vly_cursor_record(cursor, &first))
		return 0;
	size_t head = (size_t)(first.fixed + 2 - first.owner);
	for (ahead = *cursor; cnt < record_max && vly_cursor_record(&ahead, &next); cnt++) {
		if ((size_t)(next.fixed + 2 - next.owner) != head ||
		    memcmp(first.owner, next.owner, head) != 0)
			break;
		*cursor = ahead;
	}
	return cnt;
}

/*
 * Fits an answer into `space` octets. RRsets that need not be kept are left out from the end; if
 * that is not enough, everything goes and TC says so (RFC 2181 §9).
 */
__attribute__((cold, noinline)) static void
shorten(struct shape *shape, const struct vly_image_answer *answer, unsigned space)
{
	const uint8_t *wire = vly_image_answer_wire(answer);
	struct vly_cursor cursor = {wire + answer->keep_len, wire + answer->wire_len};
	unsigned arcount = vly_image_answer_keep_arcount(answer);

	if (answer->keep_len > space) {
		shape->flags |= VLY_FLAG_TC;
		shape->wire_len = 0;
		shape->counts = 0;
		return;
	}
	shape->wire_len = answer->keep_len;
	while (arcount < answer->arcount) {
		unsigned cnt = skip_rrset(&cursor, answer->arcount - arcount);
		if (cnt == 0 || (size_t)(cursor.at - wire) > space)
			break;
		shape->wire_len = (uint16_t)(cursor.at - wire);
		arcount += cnt;
	}
	shape->counts = counts_of(answer->ancount, answer->nscount, arcount);
}

/* Behind an OPT without options; returns the octets of both. */
__attribute__((noinline)) static unsigned
write_options(uint8_t *opt, const struct vly_query *query)
{
	uint8_t *to = opt + VLY_OPT_BYTES;

	vly_write_u16(to - 2, query->opt_bytes - VLY_OPT_BYTES);
	if (query->cookie_state >= VLY_COOKIE_NEW) {
		vly_write_u16(to, VLY_OPTION_COOKIE);
		vly_write_u16(to + 2, VLY_COOKIE_BYTES);
		memcpy(to + 4, query->cookie, VLY_COOKIE_BYTES);
		to += VLY_OPTION_HEAD_BYTES + VLY_COOKIE_BYTES;
	}
	if (query->asks_keepalive) {
		vly_write_u16(to, VLY_OPTION_KEEPALIVE);
		vly_write_u16(to + 2, sizeof(query->keepalive));
		vly_write_u16(to + 4, query->keepalive);
		to += VLY_OPTION_HEAD_BYTES + sizeof(query->keepalive);
	}
	if (query->asks_nsid) {
		vly_write_u16(to, VLY_OPTION_NSID);
		vly_write_u16(to + 2, vly_identity.nsid_len);
		memcpy(to + 4, vly_identity.nsid, vly_identity.nsid_len);
		to += VLY_OPTION_HEAD_BYTES + vly_identity.nsid_len;
	}
	if (query->ede != VLY_EDE_NONE) {
		vly_write_u16(to, VLY_OPTION_EDE);
		vly_write_u16(to + 2, sizeof(query->ede));
		vly_write_u16(to + 4, query->ede);
	}
	return query->opt_bytes;
}

/*
 * What was just written is summed from registers: reading it back in other widths than it was
 * written in would wait for the store buffer.
 */

/* RFC 6891 §6.1.2; the DO bit is copied (RFC 3225 §3). Returns the sum, as at an even offset. */
static inline uint64_t
write_opt(uint8_t *to, const struct vly_query *query)
{
	/* root, type, class, TTL, RDLENGTH */
	uint64_t head = (uint64_t)VLY_TYPE_OPT << 40 | (uint64_t)query->limit_max << 24 |
			(uint64_t)query->rcode_ext << 16 | (query->dnssec_ok ? 0x80 : 0);

	head = __builtin_bswap64(head);
	memcpy(to, &head, 8);
	memset(to + 8, 0, VLY_OPT_BYTES - 8);
	if (__builtin_expect(query->opt_bytes != VLY_OPT_BYTES, 0))
		return vly_sum_octets(to, write_options(to, query));
	return vly_sum_word(head);
}

/* Opcode, RD and CD come back as they were sent (RFC 1035 §4.1.1, RFC 4035 §3.1.6). Returns the
 * header's sum. */
static inline uint64_t
write_header(uint8_t *message, const struct shape *shape, bool has_question, bool has_opt)
{
	uint32_t head; /* id, flags */
	memcpy(&head, message, 4);
	head = __builtin_bswap32(head);
	head = (head & (0xffff0000 | VLY_FLAG_OPCODE | VLY_FLAG_RD | VLY_FLAG_CD)) | VLY_FLAG_QR |
	       shape->flags;
	head = __builtin_bswap32(head);
	uint64_t counts = ((uint64_t)has_question << 48 | shape->counts) + (unsigned)has_opt;

	counts = __builtin_bswap64(counts);
	memcpy(message, &head, 4);
	memcpy(message + 4, &counts, 8);
	return head + vly_sum_word(counts);
}

/* Begins with any of the records, as the query's ID has it: resolvers choose that at random (RFC
 * 5452 §4.3). */
static void
copy_rotated(uint8_t *to, const struct vly_image_answer *answer, unsigned id)
{
	const uint8_t *wire = vly_image_answer_wire(answer);
	unsigned first = (id * answer->ancount >> 16) * (answer->wire_len / answer->ancount);

	memcpy(to, wire + first, answer->wire_len - first);
	memcpy(to + answer->wire_len - first, wire, first);
}

/* Copies the answer behind the question; returns its one's complement sum, as at an even offset. */
static uint64_t
write_answer(uint8_t *to, unsigned room, const struct vly_query *query, const struct shape *shape)
{
	const struct vly_image_answer *answer = query->answer;
	unsigned delta = (unsigned)query->name.len - answer->anchor_len;

	if (__builtin_expect((answer->flags & VLY_ANSWER_ROTATES) && vly_identity.rotate, 0) &&
	    shape->wire_len != 0) {
		copy_rotated(to, answer, vly_read_u16(query->message));
		return answer->sum; /* whole words have changed places */
	}
	copy_blocks(to, vly_image_answer_wire(answer), shape->wire_len, room);
	if (__builtin_expect(shape->wire_len != answer->wire_len, 0)) {
		move_pointers(to, answer, shape->wire_len, delta);
		return vly_sum_octets(to, shape->wire_len);
	}
	if (delta == 0)
		return answer->sum;
	return answer->sum + move_pointers(to, answer, shape->wire_len, delta);
}

/* The counters of RCODEs stand in the order of their numbers. */
static_assert(offsetof(struct vly_lcore_counters, rcode_other) -
			      offsetof(struct vly_lcore_counters, rcode_noerror) ==
		      (VLY_RCODE_REFUSED + 1) * sizeof(uint64_t),
	      "NOERROR to REFUSED, then the others");

static inline void
count_rcode(unsigned rcode, struct vly_lcore_counters *counters)
{
	(&counters->rcode_noerror)[rcode <= VLY_RCODE_REFUSED ? rcode : VLY_RCODE_REFUSED + 1]++;
}

/* Ends a response of the rare kinds, whose sections, if any, end at `end`. */
__attribute__((cold, noinline)) static void
finish_rare(struct vly_query *query, const struct shape *shape, bool question, uint8_t *end,
	    struct vly_lcore_counters *counters)
{
	write_header(query->message, shape, question, query->has_opt);
	if (query->has_opt) {
		write_opt(end, query);
		end += query->opt_bytes;
	}
	query->response_len = (uint16_t)(end - query->message);
	query->response_sum = vly_sum_octets(query->message, query->response_len);
	counters->queries_edns += query->has_opt;
	counters->truncated += (shape->flags & VLY_FLAG_TC) != 0;
	count_rcode((shape->flags & VLY_FLAG_RCODE) | (unsigned)query->rcode_ext << 4, counters);
}

static bool
has_question(const struct vly_query *query)
{
	return query->fate != VLY_QUERY_HEADER && query->fate != VLY_QUERY_COOKIE;
}

/*
 * Instead of a response that is over its limit: nothing, or the question and an OPT, which is no
 * larger than the query was; BADCOOKIE may be, by the server cookie that the query lacked. What has
 * no question can't be asked again over TCP.
 */
__attribute__((noinline)) static void
write_limited(struct vly_query *query, enum vly_guard_verdict verdict,
	      struct vly_lcore_counters *counters)
{
	const unsigned cookie_bytes = VLY_OPTION_HEAD_BYTES + VLY_COOKIE_BYTES;
	unsigned len = VLY_DNS_HEADER_BYTES + query->question_bytes;
	struct shape shape = {.flags = VLY_FLAG_TC};

	query->response_len = 0;
	if (verdict == VLY_GUARD_DROP || !has_question(query))
		return;
	query->asks_nsid = false;
	query->ede = VLY_EDE_NONE;
	query->opt_bytes = query->has_opt ? VLY_OPT_BYTES : 0;
	query->rcode_ext = 0;
	if (verdict == VLY_GUARD_BADCOOKIE) {
		shape.flags = VLY_RCODE_BADCOOKIE & 15;
		query->rcode_ext = VLY_RCODE_BADCOOKIE >> 4;
		counters->badcookie++;
	} else {
		counters->slipped++;
		if (len + VLY_OPT_BYTES + cookie_bytes > query->message_len)
			query->cookie_state = VLY_COOKIE_NONE;
	}
	if (query->cookie_state >= VLY_COOKIE_NEW)
		query->opt_bytes = (uint8_t)(query->opt_bytes + cookie_bytes);
	finish_rare(query, &shape, true, query->message + len, counters);
}

/* Whether the guard has something else sent than the response, of `bytes` octets at most, that was
 * about to be written. */
static inline bool
is_held(struct vly_query *query, struct vly_guard *guard, enum vly_response_kind kind,
	unsigned bytes, struct vly_lcore_counters *counters)
{
	if (guard == NULL || guard->limits == NULL)
		return false;
	enum vly_guard_verdict verdict = vly_guard_judge(guard, query, kind, bytes, counters);
	if (verdict == VLY_GUARD_SEND)
		return false;
	write_limited(query, verdict, counters);
	return true;
}

static inline enum vly_response_kind
kind_of(unsigned rcode, bool is_referral)
{
	if (rcode == VLY_RCODE_NXDOMAIN)
		return VLY_RESPONSE_nxdomain;
	return is_referral ? VLY_RESPONSE_referral : VLY_RESPONSE_answer;
}

static void
write_error(struct vly_query *query, struct vly_guard *guard, struct vly_lcore_counters *counters)
{
	const struct shape shape = {.flags = query->rcode};
	unsigned len = VLY_DNS_HEADER_BYTES + (has_question(query) ? query->question_bytes : 0u);

	if (is_held(query, guard, VLY_RESPONSE_error, len + query->opt_bytes, counters))
		return;
	finish_rare(query, &shape, has_question(query), query->message + len, counters);
}

/* Octets for what stands between question and OPT: at least 512 - 12 - 259 - 17. */
static inline unsigned
space_for(const struct vly_query *query)
{
	unsigned limit = query->limit < query->room ? query->limit : query->room;

	return limit - VLY_DNS_HEADER_BYTES - query->question_bytes - query->opt_bytes;
}

/* Octets of a response that was looked up: exactly, unless some RRsets will be left out. */
static inline unsigned
found_bytes(const struct vly_query *query)
{
	unsigned wire_len = query->answer->wire_len;
	unsigned rest = VLY_DNS_HEADER_BYTES + query->question_bytes + query->opt_bytes;

	if (__builtin_expect(rest + wire_len > VLY_UDP_BYTES_MIN, 0) && wire_len > space_for(query))
		return rest + (query->answer->keep_len > space_for(query) ? 0 : space_for(query));
	return rest + wire_len;
}

static inline void
write_found(struct vly_query *query, struct vly_lcore_counters *counters)
{
	const struct vly_image_answer *answer = query->answer;
	uint8_t *message = query->message;
	unsigned len = VLY_DNS_HEADER_BYTES + query->question_bytes;
	unsigned space = space_for(query);
	struct shape shape = {
		.counts = vly_image_answer_counts(answer),
		.flags =
			(uint16_t)((answer->flags & VLY_ANSWER_RCODE) |
				   (answer->flags & VLY_ANSWER_AA) * (VLY_FLAG_AA / VLY_ANSWER_AA)),
		.wire_len = answer->wire_len,
	};

	if (__builtin_expect(answer->wire_len > space, 0)) {
		shorten(&shape, answer, space);
		counters->truncated += (shape.flags & VLY_FLAG_TC) != 0;
	}
	uint64_t sum = write_header(message, &shape, true, query->has_opt) +
		       vly_question_sum(message + VLY_DNS_HEADER_BYTES, query->question_bytes);
	sum += vly_sum_at(write_answer(message + len, query->room - len, query, &shape), len);
	len += shape.wire_len;
	if (query->has_opt) {
		sum += vly_sum_at(write_opt(message + len, query), len);
		len += query->opt_bytes;
		counters->queries_edns++;
	}
	query->response_len = (uint16_t)len;
	query->response_sum = sum;
	if (answer->flags & VLY_ANSWER_REFERRAL)
		counters->referrals++;
	count_rcode(answer->flags & VLY_ANSWER_RCODE, counters);
}

/* RFC 4892 §3.1: a TXT record of class CH. */
__attribute__((cold, noinline)) static void
write_chaos(struct vly_query *query, struct vly_guard *guard, struct vly_lcore_counters *counters)
{
	static const uint8_t head[] = {
		0xc0, VLY_DNS_HEADER_BYTES, 0, VLY_TYPE_TXT, 0, VLY_CLASS_CH, 0, 0, 0, 0};
	const char *text = vly_identity_chaos(&query->name);
	bool asks_text = query->qtype == VLY_TYPE_TXT || query->qtype == VLY_TYPE_ANY;

	if (text == NULL) {
		vly_query_refuse(query, VLY_EDE_NOT_AUTHORITATIVE);
		write_error(query, guard, counters);
		return;
	}
	size_t text_len = strlen(text);
	unsigned record_bytes = (unsigned)(sizeof(head) + 2 + 1 + text_len);
	struct shape shape = {.flags = VLY_FLAG_AA, .counts = counts_of(asks_text, 0, 0)};
	if (asks_text && record_bytes > space_for(query))
		shape = (struct shape){.flags = VLY_FLAG_AA | VLY_FLAG_TC};
	unsigned bytes = VLY_DNS_HEADER_BYTES + query->question_bytes + query->opt_bytes;
	if (is_held(query, guard, VLY_RESPONSE_answer,
		    bytes + (shape.counts > 0 ? record_bytes : 0), counters))
		return;
	uint8_t *to = query->message + VLY_DNS_HEADER_BYTES + query->question_bytes;
	if (shape.counts > 0) {
		memcpy(to, head, sizeof(head));
		vly_write_u16(to + sizeof(head), (unsigned)text_len + 1);
		to[sizeof(head) + 2] = (uint8_t)text_len;
		memcpy(to + sizeof(head) + 3, text, text_len);
		to += record_bytes;
	}
	finish_rare(query, &shape, true, to, counters);
}

__attribute__((cold, noinline)) static void
write_composed(struct vly_query *query, struct vly_guard *guard,
	       struct vly_lcore_counters *counters)
{
	uint8_t *to = query->message + VLY_DNS_HEADER_BYTES + query->question_bytes;
	struct vly_composed composed;

	vly_compose_dname(query, to, space_for(query), &composed);
	/* What is not overwritten of the query, for a sample. */
	if (to < query->message + query->message_len)
		query->message_len = (uint16_t)(to - query->message);
	if (is_held(query, guard, kind_of(composed.flags & VLY_FLAG_RCODE, composed.is_referral),
		    (unsigned)(to - query->message) + composed.wire_len + query->opt_bytes,
		    counters))
		return;
	const struct shape shape = {
		.flags = composed.flags,
		.counts = counts_of(composed.ancount, composed.nscount, composed.arcount),
	};
	counters->referrals += composed.is_referral;
	finish_rare(query, &shape, true, to + composed.wire_len, counters);
}

static inline void
write_one(struct vly_query *query, struct vly_guard *guard, struct vly_lcore_counters *counters)
{
	if (__builtin_expect(query->cookie_state != VLY_COOKIE_NONE, 0)) {
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
		write_error(query, guard, counters);
		break;
	case VLY_QUERY_LOOKUP:
		if (!is_held(query, guard,
			     kind_of(query->answer->flags & VLY_ANSWER_RCODE,
				     (query->answer->flags & VLY_ANSWER_REFERRAL) != 0),
			     found_bytes(query), counters))
			write_found(query, counters);
		break;
	case VLY_QUERY_CHAOS:
		write_chaos(query, guard, counters);
		break;
	case VLY_QUERY_COMPOSE:
		write_composed(query, guard, counters);
		break;
	}
}

void
vly_query_write(struct vly_query *query, struct vly_guard *guard,
		struct vly_lcore_counters *counters)
{
	write_one(query, guard, counters);
}

void
vly_query_answer(struct vly_query *query, unsigned cnt, const struct vly_table *table,
		 struct vly_guard *guard, struct vly_lcore_counters *counters)
{
	vly_query_look_up(query, cnt, table);
	for (unsigned i = 0; i < cnt; i++)
		write_one(&query[i], guard, counters);
}
