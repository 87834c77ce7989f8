/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guard.h"

#include <assert.h>
#include <stddef.h>

#include <volley/prefix.h>

static unsigned
address_bytes(const struct vly_query *query)
{
	return query->client_is_ipv4 ? 4 : 16;
}

static void
count_cookie(enum vly_cookie cookie, struct vly_lcore_counters *counters)
{
	counters->cookies_new += cookie == VLY_COOKIE_NEW;
	counters->cookies_invalid += cookie == VLY_COOKIE_INVALID;
	counters->cookies_valid += cookie == VLY_COOKIE_VALID;
}

void
vly_guard_take_cookie(const struct vly_guard *guard, struct vly_query *query,
		      struct vly_lcore_counters *counters)
{
	if (guard->cookies == NULL) {
		query->cookie_state = VLY_COOKIE_NONE;
		return;
	}
	enum vly_cookie found = vly_cookie_take(
		guard->cookies, query->message + query->cookie_off, query->cookie_bytes,
		query->client, address_bytes(query), guard->clock.unix_s, query->cookie);
	count_cookie(found, counters);
	query->cookie_state = (uint8_t)found;
	if (found == VLY_COOKIE_MALFORMED) { /* RFC 7873 §5.2.2 */
		if (query->fate != VLY_QUERY_HEADER && query->fate != VLY_QUERY_COOKIE)
			query->fate = VLY_QUERY_ERROR;
		vly_query_set_rcode(query, VLY_RCODE_FORMERR);
		if (query->ede != VLY_EDE_NONE) /* set for another error */
			query->opt_bytes -= VLY_OPTION_HEAD_BYTES + sizeof(query->ede);
		query->ede = VLY_EDE_NONE;
		return;
	}
	query->opt_bytes += VLY_OPTION_HEAD_BYTES + VLY_COOKIE_BYTES;
	if (query->fate == VLY_QUERY_COOKIE) /* RFC 7873 §5.4 */
		vly_query_set_rcode(query, found == VLY_COOKIE_INVALID ? VLY_RCODE_BADCOOKIE
								       : VLY_RCODE_NOERROR);
}

/* The counters of limited responses are in the order of their kinds. */
static_assert(offsetof(struct vly_lcore_counters, limited_answer) +
			      VLY_RESPONSE_error * sizeof(uint64_t) ==
		      offsetof(struct vly_lcore_counters, limited_error),
	      "answer, referral, nxdomain, error");

static void
sample_limited(struct vly_guard *guard, const struct vly_query *query, enum vly_response_kind kind)
{
	unsigned cause = VLY_SAMPLE_LIMITED + kind;
	uint32_t now = guard->clock.units;

	if (guard->sampler == NULL || !vly_sampler_wants(guard->sampler, cause, 1, now))
		return;
	uint16_t frame_len =
		query->frame_off == 0 ? 0 : (uint16_t)(query->frame_off + query->message_len);
	vly_sampler_keep(guard->sampler, cause, query->message - query->frame_off, frame_len, now);
}

static bool
is_allowed(const struct vly_guard *guard, const struct vly_query *query)
{
	const struct vly_prefix_table *prefixes = &guard->defence->rules.prefixes;

	return (query->client_is_ipv4
			? vly_prefix_find4(prefixes, vly_be32(query->client))
			: vly_prefix_find6(prefixes, vly_be64(query->client),
					   vly_be64(query->client + 8))) == VLY_PREFIX_ALLOW;
}

enum vly_guard_verdict
vly_guard_judge(struct vly_guard *guard, const struct vly_query *query, enum vly_response_kind kind,
		unsigned bytes, struct vly_lcore_counters *counters)
{
	const struct vly_response_limits *limits = guard->limits;

	if (query->cookie_state == VLY_COOKIE_VALID ||
	    vly_limiter_spend(guard->limiter, limits, query->limit_hash, kind, bytes,
			      guard->clock.units) ||
	    is_allowed(guard, query))
		return VLY_GUARD_SEND;
	(&counters->limited_answer)[kind]++;
	sample_limited(guard, query, kind);
	if (limits->mode == VLY_LIMIT_DRY_RUN)
		return VLY_GUARD_SEND;
	if (!vly_limiter_slips(guard->limiter, limits->slip))
		return VLY_GUARD_DROP;
	if (limits->badcookie && query->cookie_state >= VLY_COOKIE_NEW)
		return VLY_GUARD_BADCOOKIE;
	return VLY_GUARD_TRUNCATE;
}

void
vly_guard_charge(struct vly_guard *guard, const struct vly_query *query,
		 enum vly_response_kind kind, unsigned paid, unsigned bytes)
{
	const unsigned rest = VLY_RESPONSE_UNIT_BYTES - 1;
	const unsigned paid_units = (paid + rest) >> VLY_RESPONSE_UNIT_SHIFT;
	const unsigned units = (bytes + rest) >> VLY_RESPONSE_UNIT_SHIFT;

	if (query->cookie_state != VLY_COOKIE_VALID && units > paid_units)
		vly_limiter_charge(guard->limiter, guard->limits, query->limit_hash, kind,
				   (units - paid_units) << VLY_RESPONSE_UNIT_SHIFT,
				   guard->clock.units);
}
