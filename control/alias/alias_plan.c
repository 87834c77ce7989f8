/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "alias_plan.h"

/* Of a pause that is left to chance: names that began together do not stay together. More: TTLs are used up
 * less. */
#define JITTER_PART 10

/* Doublings of the first pause: then ttl-max, or 17 minutes, bounds it. */
#define DOUBLINGS_MAX 9

static uint32_t
clamp(const struct vly_alias_policy *policy, uint32_t ttl_s)
{
	return ttl_s < policy->ttl_min_s   ? policy->ttl_min_s
	       : ttl_s > policy->ttl_max_s ? policy->ttl_max_s
					   : ttl_s;
}

uint32_t
vly_alias_ttl(const struct vly_alias_policy *policy, uint32_t record_ttl_s)
{
	return clamp(policy, record_ttl_s);
}

/* From nine tenths of the pause to all of it. */
static uint64_t
shake(uint64_t pause_ms, uint32_t random)
{
	const uint64_t part = pause_ms / JITTER_PART;

	return pause_ms - (part > 0 ? random % (part + 1) : 0);
}

static uint64_t
failure_pause(const struct vly_alias_past *past, const struct vly_alias_policy *policy)
{
	const uint32_t doublings =
		past->failed_cnt > DOUBLINGS_MAX ? DOUBLINGS_MAX : past->failed_cnt;
	const uint64_t pause_ms = (uint64_t)VLY_ALIAS_RETRY_MS << doublings;
	const uint64_t max_ms = policy->ttl_max_s * UINT64_C(1000);

	return pause_ms < max_ms ? pause_ms : max_ms;
}

struct vly_alias_plan
vly_alias_plan_next(struct vly_alias_past *past, const struct vly_alias_policy *policy,
		    enum vly_alias_outcome outcome, uint32_t ttl_s, uint64_t now_s, uint32_t random)
{
	struct vly_alias_plan plan = {0};

	if (outcome == VLY_ALIAS_FAILED) {
		plan.pause_ms = shake(failure_pause(past, policy), random);
		past->failed_cnt++;
		return plan;
	}
	past->failed_cnt = 0;
	if (outcome == VLY_ALIAS_GOOD) {
		*past = (struct vly_alias_past){.good_s = now_s};
		plan.replaces = true;
		plan.pause_ms = shake(clamp(policy, ttl_s) * UINT64_C(1000), random);
		return plan;
	}
	/* a clock that was set back begins anew */
	if (past->missing_s == 0 || past->missing_s > now_s)
		past->missing_s = now_s;
	const uint64_t missing_s = now_s - past->missing_s;
	plan.drops = missing_s >= policy->keep_missing_s;
	uint64_t pause_ms = policy->ttl_min_s * UINT64_C(1000);
	const uint64_t left_ms =
		plan.drops ? 0 : (policy->keep_missing_s - missing_s) * UINT64_C(1000);
	plan.pause_ms = plan.drops || left_ms > pause_ms ? shake(pause_ms, random) : left_ms;
	return plan;
}

uint64_t
vly_alias_rate_take(struct vly_alias_rate *rate, uint32_t per_s, uint64_t now_ms)
{
	const uint64_t full = per_s * UINT64_C(1000);
	const uint64_t passed_ms = now_ms - rate->filled_ms;

	rate->thousandths += passed_ms < 1000 ? passed_ms * per_s : full;
	if (rate->thousandths > full)
		rate->thousandths = full;
	rate->filled_ms = now_ms;
	if (rate->thousandths >= 1000) {
		rate->thousandths -= 1000;
		return 0;
	}
	return (1000 - rate->thousandths + per_s - 1) / per_s;
}
