/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include <criterion/criterion.h>

#include "base/address.h"

static struct vly_addresses addresses;

static bool
have4(unsigned a, unsigned b, unsigned c, unsigned d)
{
	uint8_t wire[] = {(uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d};

	struct vly_address address = vly_address_from_ipv4(wire);

	return vly_addresses_have(&addresses, &address);
}

Test(address, none_is_any)
{
	cr_expect(have4(192, 0, 2, 1));
}

Test(address, malformed)
{
	cr_expect_eq(vly_addresses_add(&addresses, ""), VLY_ADDRESSES_MALFORMED);
	cr_expect_eq(vly_addresses_add(&addresses, "192.0.2"), VLY_ADDRESSES_MALFORMED);
	cr_expect_eq(vly_addresses_add(&addresses, "2001:db8::1%eth0"), VLY_ADDRESSES_MALFORMED);
	cr_expect_eq(addresses.cnt, 0);
}

Test(address, both_versions)
{
	static const uint8_t ipv6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};

	cr_assert_eq(vly_addresses_add(&addresses, "192.0.2.1"), VLY_ADDRESSES_OK);
	cr_assert_eq(vly_addresses_add(&addresses, "192.0.2.1"), VLY_ADDRESSES_OK);
	cr_assert_eq(vly_addresses_add(&addresses, "2001:db8::1"), VLY_ADDRESSES_OK);
	cr_expect_eq(addresses.cnt, 2);
	cr_expect(have4(192, 0, 2, 1));
	cr_expect_not(have4(192, 0, 2, 2));
	struct vly_address address = vly_address_from_ipv6(ipv6);
	cr_expect(vly_addresses_have(&addresses, &address));
	address.octet[15]++;
	cr_expect_not(vly_addresses_have(&addresses, &address));
}

Test(address, full)
{
	char text[32];

	for (unsigned i = 0; i < VLY_ADDRESSES_MAX; i++) {
		snprintf(text, sizeof(text), "10.0.%u.%u", i / 16, i % 16);
		cr_assert_eq(vly_addresses_add(&addresses, text), VLY_ADDRESSES_OK);
	}
	cr_expect_eq(vly_addresses_add(&addresses, "10.1.0.0"), VLY_ADDRESSES_FULL);
	for (unsigned i = 0; i < 65536; i++)
		cr_assert_eq(have4(10, 0, i / 256, i % 256), i / 256 < 16 && i % 256 < 16);
}
