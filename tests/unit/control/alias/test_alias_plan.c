/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "alias/alias_plan.h"

#include <criterion/criterion.h>

static const struct vly_alias_policy policy = {
	.ttl_min_s = 30, .ttl_max_s = 3600, .keep_missing_s = 600};

static struct vly_alias_plan
next(struct vly_alias_past *past, enum vly_alias_outcome outcome, uint32_t ttl_s, uint64_t now_s)
{
	return vly_alias_plan_next(past, &policy, outcome, ttl_s, now_s, 0);
}

Test(alias_plan, a_good_target_is_asked_again_after_its_ttl_within_bounds)
{
	static const struct {
		uint32_t ttl_s, pause_s;
	} cases[] = {{0, 30}, {29, 30}, {300, 300}, {3600, 3600}, {3601, 3600}, {UINT32_MAX, 3600}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vly_alias_past past = {.missing_s = 5, .failed_cnt = 7};
		struct vly_alias_plan plan = next(&past, VLY_ALIAS_GOOD, cases[i].ttl_s, 1000);
		cr_assert(plan.replaces && !plan.drops);
		cr_assert_eq(plan.pause_ms, cases[i].pause_s * 1000);
		cr_assert_eq(past.good_s, 1000);
		cr_assert_eq(past.missing_s, 0);
		cr_assert_eq(past.failed_cnt, 0);
	}
}

Test(alias_plan, chance_takes_a_tenth_at_most)
{
	bool differs = false;

	for (uint32_t random = 0; random < 100000; random += 77) {
		struct vly_alias_past past = {0};
		struct vly_alias_plan plan = vly_alias_plan_next(&past, &policy, VLY_ALIAS_GOOD,
								 300, 1000, random * 40503u);
		cr_assert_leq(plan.pause_ms, 300000);
		cr_assert_geq(plan.pause_ms, 270000);
		differs |= plan.pause_ms != 300000;
	}
	cr_assert(differs);
}

Test(alias_plan, failures_keep_the_addresses_and_pauses_grow_up_to_the_bound)
{
	struct vly_alias_past past = {.good_s = 500};
	uint64_t before = 0;

	for (unsigned i = 0; i < 50; i++) {
		struct vly_alias_plan plan = next(&past, VLY_ALIAS_FAILED, 0, 1000 + 100000 * i);
		cr_assert(!plan.replaces && !plan.drops);
		cr_assert_geq(plan.pause_ms, before);
		cr_assert_leq(plan.pause_ms, 3600 * 1000);
		before = plan.pause_ms;
		cr_assert_eq(past.good_s, 500);
		cr_assert_eq(past.failed_cnt, i + 1);
	}
	cr_assert_gt(before, VLY_ALIAS_RETRY_MS);
	cr_assert_eq(next(&past, VLY_ALIAS_GOOD, 60, 9000).pause_ms, 60000);
	cr_assert_eq(next(&past, VLY_ALIAS_FAILED, 0, 9000).pause_ms, VLY_ALIAS_RETRY_MS);
}

Test(alias_plan, a_short_bound_holds_for_failures_too)
{
	const struct vly_alias_policy hasty = {.ttl_min_s = 1, .ttl_max_s = 1};
	struct vly_alias_past past = {.failed_cnt = UINT32_MAX};

	cr_assert_eq(vly_alias_plan_next(&past, &hasty, VLY_ALIAS_FAILED, 0, 1, 0).pause_ms, 1000);
}

Test(alias_plan, missing_addresses_are_kept_for_a_time_and_then_dropped)
{
	struct vly_alias_past past = {.good_s = 900};
	uint64_t now_ms = 1000 * 1000;
	bool dropped = false;

	for (unsigned i = 0; i < 100 && !dropped; i++) {
		struct vly_alias_plan plan = next(&past, VLY_ALIAS_MISSING, 0, now_ms / 1000);
		cr_assert(!plan.replaces);
		cr_assert_eq(past.missing_s, 1000);
		cr_assert_eq(past.good_s, 900);
		cr_assert_eq(plan.drops, now_ms >= 1600 * 1000, "at %llu",
			     (unsigned long long)now_ms);
		dropped = plan.drops;
		cr_assert_gt(plan.pause_ms, 0);
		if (!dropped) /* it is not dropped later than it should be */
			cr_assert_leq(now_ms + plan.pause_ms, 1600 * 1000);
		now_ms += plan.pause_ms;
	}
	cr_assert(dropped);
	cr_assert(next(&past, VLY_ALIAS_MISSING, 0, 5000).drops);
	cr_assert(next(&past, VLY_ALIAS_GOOD, 60, 5001).replaces);
	cr_assert_not(next(&past, VLY_ALIAS_MISSING, 0, 5002).drops, "the time begins anew");
}

Test(alias_plan, a_clock_that_was_set_back_begins_anew)
{
	struct vly_alias_past past = {.missing_s = 100000};

	cr_assert_not(next(&past, VLY_ALIAS_MISSING, 0, 50).drops);
	cr_assert_eq(past.missing_s, 50);
}

Test(alias_plan, without_a_time_to_keep_them_they_are_dropped_at_once)
{
	const struct vly_alias_policy none = {.ttl_min_s = 30, .ttl_max_s = 60};
	struct vly_alias_past past = {0};

	cr_assert(vly_alias_plan_next(&past, &none, VLY_ALIAS_MISSING, 0, 1000, 0).drops);
}

Test(alias_plan, answers_have_the_ttl_of_the_alias_within_bounds)
{
	cr_assert_eq(vly_alias_ttl(&policy, 0), 30);
	cr_assert_eq(vly_alias_ttl(&policy, 300), 300);
	cr_assert_eq(vly_alias_ttl(&policy, 86400), 3600);
}

/* How many tokens a bucket yields up to a time, if it is asked whenever it says. */
static unsigned
tokens(struct vly_alias_rate *rate, uint32_t per_s, uint64_t from_ms, uint64_t to_ms)
{
	unsigned cnt = 0;

	for (uint64_t now_ms = from_ms; now_ms < to_ms;) {
		uint64_t wait_ms = vly_alias_rate_take(rate, per_s, now_ms);
		cnt += wait_ms == 0;
		now_ms += wait_ms;
	}
	return cnt;
}

Test(alias_plan, the_rate_holds_and_a_pause_saves_one_second_at_most)
{
	static const uint32_t rates[] = {1, 3, 100, 10000};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct vly_alias_rate rate = {0};
		const uint32_t per_s = rates[i];
		unsigned cnt = tokens(&rate, per_s, 1000, 11000); /* and the second before */
		cr_assert_leq(cnt, 11 * per_s + 1);
		cr_assert_geq(cnt, 9 * per_s);
		cnt = tokens(&rate, per_s, 100000, 101000);
		cr_assert_leq(cnt, 2 * per_s + 1);
		cr_assert_geq(cnt, per_s);
	}
}
