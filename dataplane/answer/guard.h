/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What stands between an answer and its sending: DNS cookies and response limits, as the defence in
 * force has them.
 *
 * Use, one per thread that answers:
 *   1. vly_guard_start(), with a limiter where responses are to be limited: not for streams, whose
 *      clients have shown that they are where they say;
 *   2. per burst, inside its RCU read side, vly_guard_begin() with the live defence;
 *   3. vly_query_answer() with the guard and queries whose `client` is set: it asks what is below.
 * Tests set `clock` themselves and call vly_guard_set().
 */
#ifndef VLY_DATAPLANE_GUARD_H
#define VLY_DATAPLANE_GUARD_H

#include <volley/octets.h>

#include "base/clock.h"
#include "guard/limit.h"
#include "guard/sample.h"
#include "query.h"

struct vly_guard {
	struct vly_clock clock;
	struct vly_limiter *limiter; /* NULL: nothing is limited */
	struct vly_sampler *sampler; /* NULL: nothing is kept */
	/* of this burst */
	const struct vly_defence *defence;
	const struct vly_cookie_secrets *cookies; /* NULL: off */
	const struct vly_response_limits *limits; /* NULL: off */
};

/* What to do with a response. */
enum vly_guard_verdict {
	VLY_GUARD_SEND,
	VLY_GUARD_DROP,
	VLY_GUARD_TRUNCATE,  /* nothing but TC=1: real clients ask again over TCP */
	VLY_GUARD_BADCOOKIE, /* the client comes back with the cookie that it is sent */
};

/* `limiter` and `sampler` stay the caller's; tsc_hz are cycles of rte_rdtsc() in a second. */
static inline void
vly_guard_start(struct vly_guard *guard, struct vly_limiter *limiter, struct vly_sampler *sampler,
		uint64_t tsc_hz)
{
	*guard = (struct vly_guard){.limiter = limiter, .sampler = sampler};
	vly_clock_start(&guard->clock, tsc_hz);
}

/* Makes `defence` the burst's. */
static inline void
vly_guard_set(struct vly_guard *guard, const struct vly_defence *defence)
{
	bool limits = guard->limiter != NULL && defence->responses.mode != VLY_LIMIT_OFF;

	guard->defence = defence;
	guard->cookies = defence->cookies.enabled ? &defence->cookies : NULL;
	guard->limits = limits ? &defence->responses : NULL;
}

/* Finds the limits of the burst's clients. */
static inline void
vly_guard_find(struct vly_guard *guard, struct vly_query *query, unsigned cnt)
{
	struct vly_limiter *limiter = guard->limiter;
	const struct vly_response_limits *limits = guard->limits;

	if (limits == NULL)
		return;
	for (unsigned i = 0; i < cnt; i++) {
		bool ipv4 = query[i].client_is_ipv4;
		query[i].limit_hash = vly_limiter_find(
			limiter, limits,
			ipv4 ? vly_be32(query[i].client) : vly_be64(query[i].client), ipv4);
	}
}

static inline void
vly_guard_begin(struct vly_guard *guard, const struct vly_defence *defence, uint64_t tsc)
{
	vly_clock_tick(&guard->clock, tsc);
	vly_guard_set(guard, defence);
	if (guard->limits != NULL && vly_limiter_is_due(guard->limiter, guard->clock.units))
		vly_limiter_sweep(guard->limiter, guard->clock.units);
}

/* Looks at the cookie of a parsed query that has one: it then is in the response's OPT, or the
 * query's fate is an error. Counts it. */
__attribute__((nonnull)) void vly_guard_take_cookie(const struct vly_guard *guard,
						    struct vly_query *query,
						    struct vly_lcore_counters *counters);

/* Whether responses are limited; `guard` may be NULL. */
static inline bool
vly_guard_has_limits(const struct vly_guard *guard)
{
	return guard != NULL && guard->limits != NULL;
}

/* Where they are: whether one of `bytes` octets at most may be sent, as far as a glance tells; it
 * is then spent. False means to ask vly_guard_judge(). */
static inline bool
vly_guard_admits(struct vly_guard *guard, const struct vly_query *query,
		 enum vly_response_kind kind, unsigned bytes)
{
	return vly_limiter_spend_first(guard->limiter, guard->limits, query->limit_hash, kind,
				       bytes, guard->clock.units);
}

/* Where they are: charges a response that vly_guard_judge() let pass as one of `paid` octets, and
 * that came to cost as much as one of `bytes`. */
__attribute__((nonnull)) void vly_guard_charge(struct vly_guard *guard,
					       const struct vly_query *query,
					       enum vly_response_kind kind, unsigned paid,
					       unsigned bytes);

/* What becomes of a response of `bytes` octets at most, where limits are on. Counts one that is
 * over its client's limit, and samples the query. */
__attribute__((nonnull, warn_unused_result)) enum vly_guard_verdict
vly_guard_judge(struct vly_guard *guard, const struct vly_query *query, enum vly_response_kind kind,
		unsigned bytes, struct vly_lcore_counters *counters);

#endif
