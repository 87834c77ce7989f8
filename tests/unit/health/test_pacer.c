/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>

#include "pacer.h"

Test(pacer, no_more_run_at_a_time_than_allowed)
{
	struct vly_pacer pacer = {.running_max = 2, .rate = 1000000};

	vly_pacer_start(&pacer, 1000000);
	vly_pacer_start(&pacer, 1000000);
	cr_expect_eq(vly_pacer_wait_us(&pacer, 5000000), UINT64_MAX);
	vly_pacer_end(&pacer);
	cr_expect_eq(vly_pacer_wait_us(&pacer, 5000000), 0);
}

/* As many as may be, at any time: never more than the rate and one burst in any second. */
Test(pacer, no_more_begin_in_a_second_than_allowed)
{
	struct vly_pacer pacer = {.running_max = 1000000, .rate = 500};
	unsigned started = 0;

	for (uint64_t now_us = 10000000; now_us < 13000000; now_us += 700)
		while (vly_pacer_wait_us(&pacer, now_us) == 0) {
			vly_pacer_start(&pacer, now_us);
			started++;
		}
	cr_expect_geq(started, 1500 - 2);
	cr_expect_leq(started, 1500 + VLY_PACER_BURST_US * 500 / 1000000 + 2);
}

Test(pacer, a_long_rest_does_not_make_a_large_burst)
{
	struct vly_pacer pacer = {.running_max = 1000000, .rate = 1000};
	unsigned started = 0;

	vly_pacer_start(&pacer, 1000000);
	while (vly_pacer_wait_us(&pacer, 900000000) == 0) {
		vly_pacer_start(&pacer, 900000000);
		started++;
	}
	cr_expect_leq(started, VLY_PACER_BURST_US / 1000 + 1);
	cr_expect_leq(vly_pacer_wait_us(&pacer, 900000000), 1000);
}
