/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What follows from an attempt to resolve the target of an ALIAS: whether its addresses are replaced, kept
 * or dropped, and when it is tried again. Time and randomness are parameters. Pure.
 *
 *     good       the addresses are those of the target; again when its TTL has passed, within bounds
 *     missing    the target does not exist, or has no addresses: they are kept for a time, then dropped
 *     failed     nobody knows: they are kept, however long it takes; again after a pause that grows
 *
 * The TTL with which we answer is that of the ALIAS, within the same bounds: the target's would differ with each
 * attempt, and each would be a change of the zone.
 */
#ifndef VLY_CONTROL_ALIAS_PLAN_H
#define VLY_CONTROL_ALIAS_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/* The first pause behind a failure. Shorter: a resolver that is ill is asked more often. */
#define VLY_ALIAS_RETRY_MS 2000

struct vly_alias_policy {
	uint32_t ttl_min_s;
	uint32_t ttl_max_s;
	uint32_t keep_missing_s;
};

enum vly_alias_outcome {
	VLY_ALIAS_GOOD,
	VLY_ALIAS_MISSING,
	VLY_ALIAS_FAILED,
};

/* What is remembered about an ALIAS. Seconds since 1970; 0: never. */
struct vly_alias_past {
	uint64_t good_s;     /* the last time that the target had addresses */
	uint64_t missing_s;  /* since then it has none */
	uint32_t failed_cnt; /* attempts since it was good or missing */
};

struct vly_alias_plan {
	bool replaces; /* the addresses found are those of the ALIAS now */
	bool drops;    /* it has none any more */
	uint64_t pause_ms;
};

/* Updates *past. ttl_s: of the target, if it is good. `random`: any number. */
__attribute__((nonnull)) struct vly_alias_plan
vly_alias_plan_next(struct vly_alias_past *past, const struct vly_alias_policy *policy,
		    enum vly_alias_outcome outcome, uint32_t ttl_s, uint64_t now_s,
		    uint32_t random);

/* The TTL of the answers. */
__attribute__((nonnull)) uint32_t vly_alias_ttl(const struct vly_alias_policy *policy,
						uint32_t record_ttl_s);

/* How many attempts may begin at a time: a bucket of tokens that holds those of a second. Zeroes: empty at
 * time 0. */
struct vly_alias_rate {
	uint64_t filled_ms;
	uint64_t thousandths; /* of tokens */
};

/* Takes a token. 0, or the milliseconds after which there is one. */
__attribute__((nonnull)) uint64_t vly_alias_rate_take(struct vly_alias_rate *rate, uint32_t per_s,
						      uint64_t now_ms);

#endif
