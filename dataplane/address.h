/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The addresses we answer on, for native code; the XDP program has its own copy in a map.
 *
 * Use: vly_addresses_add() each at start-up; afterwards any thread asks vly_addresses_have(). An
 * empty set stands for every address.
 */
#ifndef VLY_DATAPLANE_ADDRESS_H
#define VLY_DATAPLANE_ADDRESS_H

#include <stdbool.h>
#include <string.h>

#include <volley/xdp.h>

struct vly_addresses {
	unsigned cnt;
	struct vly_address address[VLY_ADDRESSES_MAX];
	/* open addressing, at most half full; 0: free, else index into address[] + 1 */
	uint16_t slot[2 * VLY_ADDRESSES_MAX];
};

enum vly_addresses_result {
	VLY_ADDRESSES_OK,
	VLY_ADDRESSES_MALFORMED, /* neither IPv4 nor IPv6 text */
	VLY_ADDRESSES_FULL,      /* VLY_ADDRESSES_MAX are in */
};

/* Adds the address in `text`; one that is in already counts once. */
__attribute__((nonnull, warn_unused_result)) enum vly_addresses_result
vly_addresses_add(struct vly_addresses *addresses, const char *text);

/* Chosen by us at start-up, not by strangers: no key needed. */
static inline unsigned
vly_address_slot(const struct vly_address *address)
{
	uint64_t half[2];

	memcpy(half, address->octet, sizeof(half));
	return (unsigned)(((half[0] ^ half[1]) * UINT64_C(0x9e3779b97f4a7c15)) >> 55);
}

static inline struct vly_address
vly_address_from_wire(const uint8_t *wire, unsigned version)
{
	struct vly_address address = {{[10] = 0xff, [11] = 0xff}};

	if (version == 4)
		memcpy(address.octet + 12, wire, 4);
	else
		memcpy(address.octet, wire, 16);
	return address;
}

/* Whether we answer on the address of `version` (4 or 6) at `wire`: the policy's question. */
static inline bool
vly_addresses_have(const void *context, const uint8_t *wire, unsigned version)
{
	const struct vly_addresses *addresses = context;

	if (addresses->cnt == 0)
		return true;
	struct vly_address address = vly_address_from_wire(wire, version);
	for (unsigned i = vly_address_slot(&address);; i++) {
		unsigned slot = addresses->slot[i % (2 * VLY_ADDRESSES_MAX)];
		if (slot == 0)
			return false;
		if (memcmp(&addresses->address[slot - 1], &address, sizeof(address)) == 0)
			return true;
	}
}

#endif
