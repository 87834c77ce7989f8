/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>

#include "common/address_text.h"

Test(address_text, both_families)
{
	static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 192, 0, 2, 53};
	static const uint8_t wide[16] = {0x20, 1, 0xd, 0xb8, [15] = 0x53};
	struct vly_address address;

	cr_expect_eq(vly_address_read("192.0.2.53", &address), 32);
	cr_expect_arr_eq(address.octet, mapped, sizeof(mapped));
	cr_expect_eq(vly_address_read("2001:db8::53", &address), 128);
	cr_expect_arr_eq(address.octet, wide, sizeof(wide));
}

Test(address_text, anything_else_is_refused_and_changes_nothing)
{
	static const char *const texts[] = {
		"",     "192.0.2", "192.0.2.256", "192.0.2.1 ", "2001:db8::1/64", "2001:db8:::1",
		"host",
	};
	struct vly_address address = {.half = {1, 2}};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(vly_address_read(texts[i], &address), 0, "%s", texts[i]);
	cr_expect_eq(address.half[0], 1);
	cr_expect_eq(address.half[1], 2);
}
