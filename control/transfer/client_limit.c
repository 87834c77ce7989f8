/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "client_limit.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

void
vly_network_prefix(uint8_t prefix[VLY_NETWORK_BYTES], const uint8_t address[16])
{
	const bool is_ipv4 = memcmp(address, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;

	memset(prefix, 0, VLY_NETWORK_BYTES);
	memcpy(prefix, address, is_ipv4 ? 15 : 7);
}

struct vly_network *
vly_network_find(struct vly_network *networks, const uint8_t address[16])
{
	uint8_t prefix[VLY_NETWORK_BYTES];
	struct vly_network *network;

	vly_network_prefix(prefix, address);
	HASH_FIND(hh, networks, prefix, VLY_NETWORK_BYTES, network);
	return network;
}

struct vly_network *
vly_network_largest(struct vly_network *networks)
{
	struct vly_network *largest = networks;

	for (struct vly_network *at = networks; at != NULL; at = at->hh.next)
		if (at->spare_cnt > largest->spare_cnt)
			largest = at;
	return largest;
}

struct vly_network *
vly_network_join(struct vly_network **networks, const uint8_t address[16])
{
	struct vly_network *network = vly_network_find(*networks, address);

	if (network != NULL) {
		network->client_cnt++;
		return network;
	}
	network = calloc(1, sizeof(*network));
	if (network == NULL)
		return NULL;
	vly_network_prefix(network->prefix, address);
	network->client_cnt = 1;
	HASH_ADD(hh, *networks, prefix, VLY_NETWORK_BYTES, network);
	if (network->hh.tbl != NULL)
		return network;
	free(network);
	return NULL;
}

void
vly_network_leave(struct vly_network **networks, struct vly_network *network)
{
	if (--network->client_cnt > 0)
		return;
	HASH_DEL(*networks, network);
	free(network);
}

bool
vly_handshake_meter_take(struct vly_handshake_meter *meter, const uint8_t address[16],
			 uint64_t now_ms)
{
	uint8_t prefix[VLY_NETWORK_BYTES];

	if (meter->second != now_ms / 1000) {
		meter->second = now_ms / 1000;
		meter->cnt = 0;
		memset(meter->taken, 0, sizeof(meter->taken));
	}
	vly_network_prefix(prefix, address);
	uint16_t *taken = &meter->taken[XXH3_64bits_withSeed(prefix, sizeof(prefix), meter->seed) %
					VLY_HANDSHAKE_PLACES];
	if (meter->cnt >= VLY_HANDSHAKES_MAX || *taken >= VLY_NETWORK_HANDSHAKES_MAX)
		return false;
	meter->cnt++;
	(*taken)++;
	return true;
}
