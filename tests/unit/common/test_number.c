/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "common/number.h"

static void
expect(const char *text, uint64_t min, uint64_t max, uint64_t wanted)
{
	uint64_t value = wanted + 1;

	cr_expect(vly_number_is(text, strlen(text), min, max, &value), "%s", text);
	cr_expect_eq(value, wanted, "%s", text);
}

static void
expect_refused(const char *text, uint64_t min, uint64_t max)
{
	uint64_t value = 77;

	cr_expect_not(vly_number_is(text, strlen(text), min, max, &value), "%s", text);
}

Test(number, numbers)
{
	expect("0", 0, 0, 0);
	expect("007", 0, 7, 7);
	expect("64", 1, 64, 64);
	expect("18446744073709551615", 0, UINT64_MAX, UINT64_MAX);
}

Test(number, anything_else)
{
	static const char *const wrong[] = {"", "-1", "+1", " 1", "1 ", "1x", "0x1", "x"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_refused(wrong[i], 0, UINT64_MAX);
	expect_refused("9", 10, 20);
	expect_refused("21", 10, 20);
	expect_refused("200", 10, 20);
	expect_refused("18446744073709551616", 0, UINT64_MAX);
	expect_refused("99999999999999999999999999", 0, UINT64_MAX);
}

/* The octets behind `len` are not looked at. */
Test(number, ends)
{
	static const char text[] = "12-345";
	uint64_t value = 0;

	cr_expect_eq(vly_number_read(text, 6, 0, 99, &value), text + 2);
	cr_expect_eq(value, 12);
	cr_expect_eq(vly_number_read(text + 3, 2, 0, 99, &value), text + 5);
	cr_expect_eq(value, 34);
	cr_expect_null(vly_number_read(text + 3, 3, 0, 99, &value));
	cr_expect_null(vly_number_read(text, 0, 0, 99, &value));
	cr_expect_eq(value, 34);
}
