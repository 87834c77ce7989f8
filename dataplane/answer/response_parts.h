/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of writing a response: header, OPT, counting, the guard. response.c writes compiled
 * answers with them, response_fit.c those for which there is no room, response_proved.c those with
 * pieces, and response_rare.c all other responses.
 *
 * Threads and RCU: as vly_query_write(). Each response is written in place of its query, so a part
 * of the query that is needed must be read before the part that covers it is written.
 */
#ifndef VLY_DATAPLANE_RESPONSE_PARTS_H
#define VLY_DATAPLANE_RESPONSE_PARTS_H

#include <assert.h>
#include <stddef.h>

#include <volley/checksum.h>

#include "base/wire.h"
#include "guard.h"
#include "pieces.h"

/* A response before it is written. */
struct vly_response_shape {
	uint64_t counts; /* as vly_image_answer_counts() */
	uint16_t flags;
	uint16_t wire_len;
};

static inline uint64_t
vly_response_counts(unsigned ancount, unsigned nscount, unsigned arcount)
{
	return (uint64_t)ancount << 32 | (uint64_t)nscount << 16 | arcount;
}

/* Writes the options behind the OPT record at `opt`; returns the octets of record and options. */
unsigned vly_response_options(uint8_t *opt, const struct vly_query *query);

/*
 * Checksums of octets that were just written are made from registers: reading them back in another
 * width than they were written would wait for the store buffer.
 */

/* Writes the OPT record (RFC 6891 §6.1.2); DO is copied from the query (RFC 3225 §3). Returns its
 * one's complement sum, as at an even offset. */
static inline uint64_t
vly_response_opt(uint8_t *to, const struct vly_query *query, unsigned rcode_ext)
{
	/* root, type, class, TTL, RDLENGTH */
	uint64_t head = (uint64_t)VLY_TYPE_OPT << 40 | (uint64_t)query->limit_max << 24 |
			(uint64_t)rcode_ext << 16 | (query->dnssec_ok ? 0x80 : 0);

	head = __builtin_bswap64(head);
	/* one store of four octets, of which head overwrites the first */
	memset(to + 7, 0, VLY_OPT_BYTES - 7);
	memcpy(to, &head, 8);
	if (__builtin_expect(query->opt_bytes != VLY_OPT_BYTES, 0))
		return vly_sum_octets(to, vly_response_options(to, query));
	return vly_sum_word(head);
}

/* Writes the header. Id, opcode, RD and CD are those of the query (RFC 1035 §4.1.1, RFC 4035
 * §3.1.6). Returns its one's complement sum. */
static inline uint64_t
vly_response_header(uint8_t *message, const struct vly_response_shape *shape, bool has_question,
		    bool has_opt)
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

/* The counters of RCODEs are in the order of their numbers. */
static_assert(offsetof(struct vly_lcore_counters, rcode_other) -
			      offsetof(struct vly_lcore_counters, rcode_noerror) ==
		      VLY_RCODE_YXDOMAIN * sizeof(uint64_t),
	      "NOERROR to REFUSED, then the others");

/* `rcode` is at most YXDOMAIN, which is counted as rcode_other: answers in images have no
 * higher. */
static inline void
vly_response_count(unsigned rcode, struct vly_lcore_counters *counters)
{
	(&counters->rcode_noerror)[rcode]++;
}

/* Octets for the sections between question and OPT: at least 512 - 12 - 259 - 217, the last for the
 * largest OPT. */
static inline unsigned
vly_response_space(const struct vly_query *query)
{
	unsigned limit = query->limit < query->room ? query->limit : query->room;

	return limit - VLY_DNS_HEADER_BYTES - query->question_bytes - query->opt_bytes;
}

/* Writes the response that is sent instead of one over its limit, if any. */
void vly_response_limited(struct vly_query *query, enum vly_guard_verdict verdict,
			  struct vly_lcore_counters *counters);

/* Asks the guard about a response of at most `bytes` octets before it is written. Returns true if
 * the guard decided otherwise: the query then is done. */
static inline bool
vly_response_is_held(struct vly_query *query, struct vly_guard *guard, enum vly_response_kind kind,
		     unsigned bytes, struct vly_lcore_counters *counters)
{
	if (!vly_guard_has_limits(guard))
		return false;
	enum vly_guard_verdict verdict = vly_guard_judge(guard, query, kind, bytes, counters);
	if (verdict == VLY_GUARD_SEND)
		return false;
	vly_response_limited(query, verdict, counters);
	return true;
}

static inline enum vly_response_kind
vly_response_kind_of(unsigned rcode, bool is_referral)
{
	if (rcode == VLY_RCODE_NXDOMAIN)
		return VLY_RESPONSE_nxdomain;
	return is_referral ? VLY_RESPONSE_referral : VLY_RESPONSE_answer;
}

/* The shape of a response with all of an answer. */
static inline struct vly_response_shape
vly_response_whole(const struct vly_image_answer *answer)
{
	/* the RCODE has the same bits in both; AA has another */
	const unsigned move = 1 + VLY_FLAG_AA / VLY_ANSWER_AA;

	return (struct vly_response_shape){
		.counts = vly_image_answer_counts(answer),
		.flags = (answer->flags * move) & (VLY_FLAG_AA | VLY_ANSWER_RCODE),
		.wire_len = answer->wire_len,
	};
}

/* The EDE of an answer with VLY_ANSWER_FAILS. */
static inline enum vly_ede
vly_response_ede(const struct vly_image_answer *answer)
{
	return answer->sum == VLY_EDE_NONE ? VLY_EDE_INVALID_DATA : (enum vly_ede)answer->sum;
}

static inline enum vly_response_kind
vly_response_found_kind(const struct vly_query *query)
{
	unsigned flags = query->answer->flags;

	return vly_response_kind_of(flags & VLY_ANSWER_RCODE, (flags & VLY_ANSWER_REFERRAL) != 0);
}

/*
 * Copies the part of query->answer that fits into `space` octets behind the question: the octets
 * that must be kept, with `pieces` (NULL: none), and each further RRset for which there is room. If
 * there is no room for what must be kept, the sections are empty and TC is set (RFC 2181 §9).
 * `shape` is that of the whole answer; returns what it became.
 */
__attribute__((cold)) struct vly_response_shape vly_response_fit(const struct vly_query *query,
								 struct vly_response_shape shape,
								 unsigned space,
								 const struct vly_pieces *pieces);

/* Completes a response with query->answer whose sections have been written: `sum` is theirs, as at
 * an even offset. */
void vly_response_end(struct vly_query *query, const struct vly_response_shape *shape, uint64_t sum,
		      struct vly_lcore_counters *counters);

/* Each writes one kind of response, unless the guard decides otherwise. */
void vly_response_error(struct vly_query *query, struct vly_guard *guard,
			struct vly_lcore_counters *counters);
__attribute__((cold)) void vly_response_chaos(struct vly_query *query, struct vly_guard *guard,
					      struct vly_lcore_counters *counters);
__attribute__((cold)) void vly_response_composed(struct vly_query *query, struct vly_guard *guard,
						 struct vly_lcore_counters *counters);
void vly_response_proved(struct vly_query *query, struct vly_guard *guard,
			 struct vly_lcore_counters *counters);

#endif
