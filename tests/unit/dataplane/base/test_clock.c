/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "base/clock.h"
#include "guard/judge.h"
#include "guard/limit.h"

#define HZ UINT64_C(2000000000)

/* As far as a virtual machine's counter may go back when it moves. */
static const uint64_t steps_back[] = {1,  HZ / 1000, HZ / 20, HZ / 2,
				      HZ, 10 * HZ,   30 * HZ, 3600 * HZ};

#define CNT(array) (sizeof(array) / sizeof((array)[0]))

Test(clock, goes_on_from_where_it_stood)
{
	uint64_t tsc = 7200 * HZ;
	struct vly_clock clock;

	vly_clock_start(&clock, HZ);
	vly_clock_tick(&clock, tsc);
	for (size_t i = 0; i < CNT(steps_back); i++) {
		uint32_t before = clock.units;
		tsc -= steps_back[i];
		vly_clock_tick(&clock, tsc);
		cr_expect_eq(clock.units - before, 0);
		tsc += HZ;
		vly_clock_tick(&clock, tsc);
		cr_expect_leq(clock.units - before - (VLY_RATE_UNITS_PER_S - 1), 2);
		tsc += steps_back[i];
		vly_clock_tick(&clock, tsc);
	}
}

/* A client that sends in gusts, within its rate, is served all the same: what it had spent before
 * does not come back. */
Test(clock, nobody_is_limited_when_the_counter_goes_back)
{
	struct vly_response_limits limits = {.prefix4_bits = 24, .prefix6_bits = 56};
	struct vly_policy_rules *rules = calloc(1, sizeof(*rules));
	const struct vly_rate rate[VLY_SOURCE_LEVEL_CNT] = {
		vly_rate_make(100, 1000), vly_rate_make(100, 1000), vly_rate_make(100, 1000)};
	struct vly_packet packet = {.ip_version = 4, .source_low = 0xc0000201, .source_port = 5353};

	cr_assert_not_null(rules);
	limits.rate[VLY_RESPONSE_answer] = vly_rate_make(100, 1000);
	rules->source_mode = VLY_LIMIT_ON;
	rules->source = vly_sketch_rates(rate);
	for (size_t i = 0; i < CNT(steps_back); i++) {
		struct vly_limiter *limiter = vly_limiter_create();
		struct vly_policy_state *state = vly_judge_state_create();
		uint32_t hash = vly_limiter_hash(limiter, &limits, 0xc0000201, true);
		uint64_t tsc = 7200 * HZ;
		struct vly_clock clock;
		vly_clock_start(&clock, HZ);
		for (unsigned ms = 0; ms < 12000; ms++, tsc += HZ / 1000) {
			if (ms == 3001)
				tsc -= steps_back[i];
			vly_clock_tick(&clock, tsc); /* there are other clients */
			if (vly_limiter_is_due(limiter, clock.units))
				vly_limiter_sweep(limiter, clock.units);
			for (unsigned packets = 0; ms % 600 == 0 && packets < 50; packets++) {
				cr_assert(vly_limiter_spend(limiter, &limits, hash,
							    VLY_RESPONSE_answer, 100, clock.units),
					  "response, step %zu", i);
				cr_assert_eq(vly_policy_admit(&packet, rules, state, clock.units),
					     VLY_VERDICT_serve, "packet, step %zu", i);
			}
		}
		vly_limiter_destroy(limiter);
		free(state);
	}
	free(rules);
}
