/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>

#include "living/serial.h"
#include "random.h"

/* 2026-11-30 12:00:00 UTC */
#define NOON INT64_C(1796040000)

Test(serial, increments_and_passes_over_zero)
{
	cr_expect_eq(vly_serial_next(VLY_SERIAL_INCREMENT, 1, NOON), 2);
	cr_expect_eq(vly_serial_next(VLY_SERIAL_INCREMENT, UINT32_MAX, NOON), 1);
}

Test(serial, is_the_time)
{
	cr_expect_eq(vly_serial_next(VLY_SERIAL_UNIXTIME, 1, NOON), NOON);
	cr_expect_eq(vly_serial_next(VLY_SERIAL_UNIXTIME, (uint32_t)NOON, NOON), NOON + 1);
	cr_expect_eq(vly_serial_next(VLY_SERIAL_UNIXTIME, (uint32_t)NOON + 9, NOON), NOON + 10);
}

Test(serial, is_the_date)
{
	cr_expect_eq(vly_serial_next(VLY_SERIAL_DATESERIAL, 1, NOON), 2026113000);
	cr_expect_eq(vly_serial_next(VLY_SERIAL_DATESERIAL, 2026113000, NOON), 2026113001);
	cr_expect_eq(vly_serial_next(VLY_SERIAL_DATESERIAL, 2026113099, NOON), 2026113100);
}

Test(serial, larger_is_as_rfc_1982_has_it)
{
	cr_expect(vly_serial_is_larger(1, UINT32_MAX));
	cr_expect_not(vly_serial_is_larger(UINT32_MAX, 1));
	cr_expect_not(vly_serial_is_larger(7, 7));
	cr_expect_not(vly_serial_is_larger(UINT32_C(0x80000000), 0));
	cr_expect_not(vly_serial_is_larger(0, UINT32_C(0x80000000)));
}

Test(serial, never_goes_back)
{
	struct vly_test_random random = {UINT64_C(20261130)};

	for (unsigned i = 0; i < 100000; i++) {
		uint32_t serial = (uint32_t)vly_test_random_next(&random);
		enum vly_config_serial policy = vly_test_random_below(&random, 3);
		int64_t now = (int64_t)(vly_test_random_next(&random) >> 30);
		uint32_t next = vly_serial_next(policy, serial, now);
		cr_assert(vly_serial_is_larger(next, serial), "%u after %u", next, serial);
		cr_assert_neq(next, 0);
	}
}
