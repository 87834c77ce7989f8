/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Applies DNS cookies and response limits between an answer and its sending, by the defence in
 * force.
 *
 * Use, one per thread that answers:
 *   1. vly_guard_start(), with a limiter unless the thread answers streams only: their clients have
 *      proven their address;
 *   2. vly_guard_begin() with the live defence for each burst;
 *   3. vly_query_answer() with the guard, and with `client` set in the queries: it calls the
 *      functions below.
 * Tests set `clock` themselves and call vly_guard_set().
 *
 * Threads and RCU: one thread; from vly_guard_begin() until the end of the burst inside one read
 * side, since `defence`, `cookies` and `limits` point into the live block. Nothing blocks or
 * allocates. Cookies and addresses are the client's; everything else is trusted.
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
	struct vly_limiter *limiter; /* NULL: no limits */
	struct vly_sampler *sampler; /* NULL: no samples */
	/* of this burst */
	const struct vly_defence *defence;
	const struct vly_cookie_secrets *cookies; /* NULL: off */
	const struct vly_response_limits *limits; /* NULL: off */
};

/* The decision about a response. */
enum vly_guard_verdict {
	VLY_GUARD_SEND,
	VLY_GUARD_DROP,
	VLY_GUARD_TRUNCATE,  /* send only TC=1: a real client asks again over TCP */
	VLY_GUARD_BADCOOKIE, /* send BADCOOKIE: a real client asks again with the cookie in it */
};

/* `limiter` and `sampler` stay the caller's. tsc_hz: cycles of rte_rdtsc() in a second. */
static inline void
vly_guard_start(struct vly_guard *guard, struct vly_limiter *limiter, struct vly_sampler *sampler,
		uint64_t tsc_hz)
{
	*guard = (struct vly_guard){.limiter = limiter, .sampler = sampler};
	vly_clock_start(&guard->clock, tsc_hz);
}

/* Uses `defence` for the burst. */
static inline void
vly_guard_set(struct vly_guard *guard, const struct vly_defence *defence)
{
	bool limits = guard->limiter != NULL && defence->responses.mode != VLY_LIMIT_OFF;

	guard->defence = defence;
	guard->cookies = defence->cookies.enabled ? &defence->cookies : NULL;
	guard->limits = limits ? &defence->responses : NULL;
}

/* Finds the limiter's cells of the clients, and prefetches them. */
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

/* Begins a burst at `tsc`, a reading of the time stamp counter. `defence` is vly_defence_live(). */
static inline void
vly_guard_begin(struct vly_guard *guard, const struct vly_defence *defence, uint64_t tsc)
{
	vly_clock_tick(&guard->clock, tsc);
	vly_guard_set(guard, defence);
	if (guard->limits != NULL && vly_limiter_is_due(guard->limiter, guard->clock.units))
		vly_limiter_sweep(guard->limiter, guard->clock.units);
}

/* Checks the COOKIE option of a parsed query that has one, and counts it. Afterwards the response's
 * OPT has room for the cookie, or the query's fate is an error. */
__attribute__((nonnull)) void vly_guard_take_cookie(const struct vly_guard *guard,
						    struct vly_query *query,
						    struct vly_lcore_counters *counters);

/* Whether responses are limited; `guard` may be NULL. */
static inline bool
vly_guard_has_limits(const struct vly_guard *guard)
{
	return guard != NULL && guard->limits != NULL;
}

/* If responses are limited: whether a response of at most `bytes` octets may be sent, by a look at
 * one cell only; it is then charged. If false, call vly_guard_judge(). */
static inline bool
vly_guard_admits(struct vly_guard *guard, const struct vly_query *query,
		 enum vly_response_kind kind, unsigned bytes)
{
	return vly_limiter_spend_first(guard->limiter, guard->limits, query->limit_hash, kind,
				       bytes, guard->clock.units);
}

/* If responses are limited: charges the difference for a response that was charged as one of `paid`
 * octets and turned out to cost as much as one of `bytes`. */
__attribute__((nonnull)) void vly_guard_charge(struct vly_guard *guard,
					       const struct vly_query *query,
					       enum vly_response_kind kind, unsigned paid,
					       unsigned bytes);

/* If responses are limited: decides about a response of at most `bytes` octets, and charges it if
 * it is sent. Counts a response that is over its client's limit, and samples its query. */
__attribute__((nonnull, warn_unused_result)) enum vly_guard_verdict
vly_guard_judge(struct vly_guard *guard, const struct vly_query *query, enum vly_response_kind kind,
		unsigned bytes, struct vly_lcore_counters *counters);

#endif
