/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "transfer/client_limit.h"

static void
ipv4(uint8_t address[16], uint8_t third, uint8_t last)
{
	memcpy(address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0", 14);
	address[14] = third;
	address[15] = last;
}

Test(client_limit, networks)
{
	struct vly_network *networks = NULL;
	uint8_t one[16], neighbour[16], other[16];
	uint8_t six[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 1, 2, 3},
		near[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 1};
	uint8_t far[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 2};

	ipv4(one, 2, 1);
	ipv4(neighbour, 2, 200);
	ipv4(other, 3, 1);
	struct vly_network *network = vly_network_join(&networks, one);
	cr_assert_not_null(network);
	cr_expect_eq(vly_network_join(&networks, neighbour), network);
	cr_expect_null(vly_network_find(networks, other));
	struct vly_network *wide = vly_network_join(&networks, six);
	cr_expect_eq(vly_network_find(networks, near), wide);
	cr_expect_null(vly_network_find(networks, far));
	wide->spare_cnt = 1;
	cr_expect_eq(vly_network_largest(networks), wide);
	network->spare_cnt = 2;
	cr_expect_eq(vly_network_largest(networks), network);
	vly_network_leave(&networks, network);
	cr_expect_eq(vly_network_find(networks, one), network);
	vly_network_leave(&networks, network);
	cr_expect_null(vly_network_find(networks, one));
	vly_network_leave(&networks, wide);
	cr_expect_null(networks);
}

Test(client_limit, one_network_does_not_take_the_handshakes_of_others)
{
	struct vly_handshake_meter meter = {.seed = 1};
	uint8_t address[16];
	unsigned cnt = 0;

	ipv4(address, 2, 0);
	for (unsigned i = 0; i < 1000; i++) {
		address[15] = (uint8_t)i;
		cnt += vly_handshake_meter_take(&meter, address, 5500);
	}
	cr_expect_eq(cnt, VLY_NETWORK_HANDSHAKES_MAX);
	ipv4(address, 3, 0);
	cr_expect(vly_handshake_meter_take(&meter, address, 5999));
	ipv4(address, 2, 0);
	cr_expect_not(vly_handshake_meter_take(&meter, address, 5999));
	cr_expect(vly_handshake_meter_take(&meter, address, 6000));
}

Test(client_limit, handshakes_of_all)
{
	struct vly_handshake_meter meter = {.seed = 1};
	uint8_t address[16];
	unsigned cnt = 0;

	for (unsigned i = 0; i < 100000; i++) {
		ipv4(address, (uint8_t)i, 1);
		cnt += vly_handshake_meter_take(&meter, address, 5500);
	}
	cr_expect_eq(cnt, VLY_HANDSHAKES_MAX);
}
