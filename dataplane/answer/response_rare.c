/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes responses that are not compiled: errors, class CH, DNAME, and those over a limit. */
#include "compose.h"
#include "identity.h"
#include "response_parts.h"
#include "subnet.h"
#include "version.h"

unsigned
vly_response_options(uint8_t *opt, const struct vly_query *query)
{
	uint8_t *to = opt + VLY_OPT_BYTES;

	vly_put_be16(to - 2, query->opt_bytes - VLY_OPT_BYTES);
	if (query->cookie_state >= VLY_COOKIE_NEW) {
		vly_put_be16(to, VLY_OPTION_COOKIE);
		vly_put_be16(to + 2, VLY_COOKIE_BYTES);
		memcpy(to + 4, query->cookie, VLY_COOKIE_BYTES);
		to += VLY_OPTION_HEAD_BYTES + VLY_COOKIE_BYTES;
	}
	if (query->asks & VLY_ASKS_KEEPALIVE) {
		vly_put_be16(to, VLY_OPTION_KEEPALIVE);
		vly_put_be16(to + 2, sizeof(query->keepalive));
		vly_put_be16(to + 4, query->keepalive);
		to += VLY_OPTION_HEAD_BYTES + sizeof(query->keepalive);
	}
	if (query->asks & VLY_ASKS_NSID) {
		vly_put_be16(to, VLY_OPTION_NSID);
		vly_put_be16(to + 2, vly_identity.nsid_len);
		memcpy(to + 4, vly_identity.nsid, vly_identity.nsid_len);
		to += VLY_OPTION_HEAD_BYTES + vly_identity.nsid_len;
	}
	if (query->asks & VLY_ASKS_SUBNET)
		to += vly_subnet_write(to, query);
	if (query->asks & VLY_ASKS_VERSION)
		to += vly_version_write(to, query);
	if (query->ede != VLY_EDE_NONE) {
		vly_put_be16(to, VLY_OPTION_EDE);
		vly_put_be16(to + 2, sizeof(query->ede));
		vly_put_be16(to + 4, query->ede);
	}
	return query->opt_bytes;
}

/* Completes a response whose sections, if any, end at `end`. */
static void
finish_rare(struct vly_query *query, const struct vly_response_shape *shape, bool question,
	    uint8_t *end, struct vly_lcore_counters *counters)
{
	bool has_opt = query->opt_bytes != 0;

	vly_response_header(query->message, shape, question, has_opt);
	if (has_opt) {
		vly_response_opt(end, query, query->rcode_ext);
		end += query->opt_bytes;
	}
	query->response_len = (uint16_t)(end - query->message);
	query->response_sum = vly_sum_octets(query->message, query->response_len);
	counters->queries_edns += has_opt;
	counters->truncated += (shape->flags & VLY_FLAG_TC) != 0;
	unsigned rcode = (shape->flags & VLY_FLAG_RCODE) | (unsigned)query->rcode_ext << 4;
	vly_response_count(rcode < VLY_RCODE_YXDOMAIN ? rcode : VLY_RCODE_YXDOMAIN, counters);
}

static bool
has_question(const struct vly_query *query)
{
	return query->fate != VLY_QUERY_HEADER && query->fate != VLY_QUERY_COOKIE;
}

/*
 * Writes the replacement of a response that is over its limit: nothing, or question and OPT, which
 * are no larger than the query. BADCOOKIE may be larger by the server cookie that the query lacked.
 * A query without a question gets nothing, since it can't be repeated over TCP.
 */
void
vly_response_limited(struct vly_query *query, enum vly_guard_verdict verdict,
		     struct vly_lcore_counters *counters)
{
	const unsigned cookie_bytes = VLY_OPTION_HEAD_BYTES + VLY_COOKIE_BYTES;
	unsigned len = VLY_DNS_HEADER_BYTES + query->question_bytes;
	struct vly_response_shape shape = {.flags = VLY_FLAG_TC};

	query->response_len = 0;
	if (verdict == VLY_GUARD_DROP || !has_question(query))
		return;
	query->asks = 0;
	query->ede = VLY_EDE_NONE;
	query->opt_bytes = query->opt_bytes != 0 ? VLY_OPT_BYTES : 0;
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

void
vly_response_error(struct vly_query *query, struct vly_guard *guard,
		   struct vly_lcore_counters *counters)
{
	const struct vly_response_shape shape = {.flags = query->rcode};
	unsigned len = VLY_DNS_HEADER_BYTES + (has_question(query) ? query->question_bytes : 0u);

	if (vly_response_is_held(query, guard, VLY_RESPONSE_error, len + query->opt_bytes,
				 counters))
		return;
	finish_rare(query, &shape, has_question(query), query->message + len, counters);
}

/* Writes a TXT record of class CH (RFC 4892 §3.1). */
void
vly_response_chaos(struct vly_query *query, struct vly_guard *guard,
		   struct vly_lcore_counters *counters)
{
	static const uint8_t head[] = {
		0xc0, VLY_DNS_HEADER_BYTES, 0, VLY_TYPE_TXT, 0, VLY_CLASS_CH, 0, 0, 0, 0};
	const char *text = vly_identity_chaos(&query->name);
	bool asks_text = query->qtype == VLY_TYPE_TXT || query->qtype == VLY_TYPE_ANY;

	if (text == NULL) {
		vly_query_refuse(query, VLY_EDE_NOT_AUTHORITATIVE);
		vly_response_error(query, guard, counters);
		return;
	}
	size_t text_len = strlen(text);
	unsigned record_bytes = (unsigned)(sizeof(head) + 2 + 1 + text_len);
	struct vly_response_shape shape = {.flags = VLY_FLAG_AA,
					   .counts = vly_response_counts(asks_text, 0, 0)};
	if (asks_text && record_bytes > vly_response_space(query))
		shape = (struct vly_response_shape){.flags = VLY_FLAG_AA | VLY_FLAG_TC};
	unsigned bytes = VLY_DNS_HEADER_BYTES + query->question_bytes + query->opt_bytes;
	if (vly_response_is_held(query, guard, VLY_RESPONSE_answer,
				 bytes + (shape.counts > 0 ? record_bytes : 0), counters))
		return;
	uint8_t *to = query->message + VLY_DNS_HEADER_BYTES + query->question_bytes;
	if (shape.counts > 0) {
		memcpy(to, head, sizeof(head));
		vly_put_be16(to + sizeof(head), (unsigned)text_len + 1);
		to[sizeof(head) + 2] = (uint8_t)text_len;
		memcpy(to + sizeof(head) + 3, text, text_len);
		to += record_bytes;
	}
	finish_rare(query, &shape, true, to, counters);
}

/*
 * Charges the client for the work of composing, and asks the guard about the result. Returns true
 * if the guard decided otherwise. An answer was judged before, as one of `paid` octets; other kinds
 * have limits of their own.
 */
static bool
is_composed_held(struct vly_query *query, struct vly_guard *guard,
		 const struct vly_composed *composed, unsigned paid,
		 struct vly_lcore_counters *counters)
{
	const unsigned work_bytes = composed->work * VLY_COMPOSE_WORK_OCTETS;
	const unsigned bytes = paid + composed->wire_len;
	const enum vly_response_kind kind =
		vly_response_kind_of(composed->flags & VLY_FLAG_RCODE, composed->is_referral);

	if (!vly_guard_has_limits(guard))
		return false;
	if (kind == VLY_RESPONSE_answer) {
		vly_guard_charge(guard, query, kind, paid, bytes + work_bytes);
		return false;
	}
	vly_guard_charge(guard, query, VLY_RESPONSE_answer, paid, paid + work_bytes);
	return vly_response_is_held(query, guard, kind, bytes, counters);
}

/* The kind of a composed response is known only afterwards. So that no client above its limit
 * causes the work, it is judged as an answer without records before. */
void
vly_response_composed(struct vly_query *query, struct vly_guard *guard,
		      struct vly_lcore_counters *counters)
{
	uint8_t *to = query->message + VLY_DNS_HEADER_BYTES + query->question_bytes;
	const unsigned paid = VLY_DNS_HEADER_BYTES + query->question_bytes + query->opt_bytes;
	struct vly_composed composed;

	if (vly_response_is_held(query, guard, VLY_RESPONSE_answer, paid, counters))
		return;
	vly_compose(query, to, vly_response_space(query), &composed);
	if (query->asks & VLY_ASKS_SUBNET)
		vly_subnet_set_scope(query, composed.scope);
	/* The octets of the query that are not overwritten, for a sample. */
	if (to < query->message + query->message_len)
		query->message_len = (uint16_t)(to - query->message);
	if (is_composed_held(query, guard, &composed, paid, counters))
		return;
	if (composed.flags == VLY_RCODE_SERVFAIL)
		vly_query_fail(query, VLY_EDE_INVALID_DATA);
	const struct vly_response_shape shape = {
		.flags = composed.flags,
		.counts = vly_response_counts(composed.ancount, composed.nscount, composed.arcount),
	};
	counters->referrals += composed.is_referral;
	finish_rare(query, &shape, true, to + composed.wire_len, counters);
}
