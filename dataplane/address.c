/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "address.h"

#include <arpa/inet.h>
#include <assert.h>

static_assert(2 * VLY_ADDRESSES_MAX == 1 << (64 - 55), "vly_address_slot() keeps as many bits");

enum vly_addresses_result
vly_addresses_add(struct vly_addresses *addresses, const char *text)
{
	uint8_t wire[16];
	unsigned version = 4;

	if (inet_pton(AF_INET, text, wire) != 1) {
		if (inet_pton(AF_INET6, text, wire) != 1)
			return VLY_ADDRESSES_MALFORMED;
		version = 6;
	}
	if (addresses->cnt > 0 && vly_addresses_have(addresses, wire, version))
		return VLY_ADDRESSES_OK;
	if (addresses->cnt == VLY_ADDRESSES_MAX)
		return VLY_ADDRESSES_FULL;

	struct vly_address *address = &addresses->address[addresses->cnt++];
	*address = vly_address_from_wire(wire, version);
	unsigned i = vly_address_slot(address);
	while (addresses->slot[i % (2 * VLY_ADDRESSES_MAX)] != 0)
		i++;
	addresses->slot[i % (2 * VLY_ADDRESSES_MAX)] = (uint16_t)addresses->cnt;
	return VLY_ADDRESSES_OK;
}
