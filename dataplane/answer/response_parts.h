/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts that responses are written from: header, OPT, counting, and what the guard has to say.
 * For response.c, which writes what was looked up, and response_rare.c, which writes all else.
 */
#ifndef VLY_DATAPLANE_RESPONSE_PARTS_H
#define VLY_DATAPLANE_RESPONSE_PARTS_H

#include <assert.h>
#include <stddef.h>

#include <volley/checksum.h>

#include "base/wire.h"
#include "guard.h"

/* What a response is made of, before it is written. */
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

/* Options behind an OPT without any; returns the octets of both. */
unsigned vly_response_options(uint8_t *opt, const struct vly_query *query);

/*
 * What was just written is summed from registers: reading it back in other widths than it was
 * written in would wait for the store buffer.
 */

/* RFC 6891 §6.1.2; the DO bit is copied (RFC 3225 §3). Returns the sum, as at an even offset. */
static inline uint64_t
vly_response_opt(uint8_t *to, const struct vly_query *query, unsigned rcode_ext)
{
	/* root, type, class, TTL, RDLENGTH */
	uint64_t head = (uint64_t)VLY_TYPE_OPT << 40 | (uint64_t)query->limit_max << 24 |
			(uint64_t)rcode_ext << 16 | (query->dnssec_ok ? 0x80 : 0);

	head = __builtin_bswap64(head);
	memset(to + 7, 0, VLY_OPT_BYTES - 7); /* one store of four octets, the first to be head's */
	memcpy(to, &head, 8);
	if (__builtin_expect(query->opt_bytes != VLY_OPT_BYTES, 0))
		return vly_sum_octets(to, vly_response_options(to, query));
	return vly_sum_word(head);
}

/* Opcode, RD and CD come back as they were sent (RFC 1035 §4.1.1, RFC 4035 §3.1.6). Returns the
 * header's sum. */
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

/* The counters of RCODEs stand in the order of their numbers. */
static_assert(offsetof(struct vly_lcore_counters, rcode_other) -
			      offsetof(struct vly_lcore_counters, rcode_noerror) ==
		      VLY_RCODE_YXDOMAIN * sizeof(uint64_t),
	      "NOERROR to REFUSED, then the others");

/* `rcode` is at most YXDOMAIN, the first of the others, as of answers from an image. */
static inline void
vly_response_count(unsigned rcode, struct vly_lcore_counters *counters)
{
	(&counters->rcode_noerror)[rcode]++;
}

/* Octets for what stands between question and OPT: at least 512 - 12 - 259 - 183. */
static inline unsigned
vly_response_space(const struct vly_query *query)
{
	unsigned limit = query->limit < query->room ? query->limit : query->room;

	return limit - VLY_DNS_HEADER_BYTES - query->question_bytes - query->opt_bytes;
}

/* Writes what goes out instead of a response that is over its limit, if anything. */
void vly_response_limited(struct vly_query *query, enum vly_guard_verdict verdict,
			  struct vly_lcore_counters *counters);

/* Whether the guard has something else sent than the response, of `bytes` octets at most, that was
 * about to be written. */
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

/* Each writes one kind of response, unless the guard has something else sent. */
void vly_response_error(struct vly_query *query, struct vly_guard *guard,
			struct vly_lcore_counters *counters);
__attribute__((cold)) void vly_response_chaos(struct vly_query *query, struct vly_guard *guard,
					      struct vly_lcore_counters *counters);
__attribute__((cold)) void vly_response_composed(struct vly_query *query, struct vly_guard *guard,
						 struct vly_lcore_counters *counters);

#endif
