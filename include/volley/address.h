/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The set of addresses on which we answer. Native code, and the XDP program, which has it in a map,
 * search it for every packet.
 *
 * Use: a zeroed set; vly_addresses_add() (dataplane/base/address.h) at start-up; afterwards
 * vly_addresses_have() in any thread. An empty set stands for every address. Pure.
 */
#ifndef VLY_ADDRESS_H
#define VLY_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include <volley/octets.h>

/* Addresses in --listen: more than a POP announces from one machine. */
#define VLY_ADDRESSES_MAX 256

/* IPv4 as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2), in network order. */
struct vly_address {
	union {
		uint8_t octet[16];
		uint64_t half[2];
	};
};

/* An address is in one of the VLY_ADDRESSES_PROBES slots from its hash on. With eight slots per
 * address that rarely fails; if it does, another factor for the hash is tried. Few probes keep the
 * work of the BPF verifier small. */
#define VLY_ADDRESSES_SLOT_BITS 11
#define VLY_ADDRESSES_SLOT_CNT  (1 << VLY_ADDRESSES_SLOT_BITS)
#define VLY_ADDRESSES_PROBES    8

struct vly_addresses {
	uint64_t cnt;
	uint64_t factor; /* odd */
	struct vly_address address[VLY_ADDRESSES_MAX];
	uint16_t slot[VLY_ADDRESSES_SLOT_CNT]; /* 0: free, else index into address[] + 1 */
};

#define VLY_ADDRESS_INLINE static inline __attribute__((always_inline))

VLY_ADDRESS_INLINE struct vly_address
vly_address_from_ipv4(const uint8_t *wire)
{
	return (struct vly_address){
		.half = {0, VLY_BE(64, UINT64_C(0xffff00000000) | vly_be32(wire))}};
}

VLY_ADDRESS_INLINE struct vly_address
vly_address_from_ipv6(const uint8_t *wire)
{
	return (struct vly_address){
		.half = {VLY_OCTETS_LOAD(64, wire), VLY_OCTETS_LOAD(64, wire + 8)}};
}

/* The first slot of a search. The operator chooses the addresses, not a client: no key is
 * needed. */
VLY_ADDRESS_INLINE unsigned
vly_address_slot(const struct vly_address *address, uint64_t factor)
{
	return (unsigned)(((address->half[0] ^ address->half[1]) * factor) >>
			  (64 - VLY_ADDRESSES_SLOT_BITS));
}

VLY_ADDRESS_INLINE bool
vly_address_equals(const struct vly_address *a, const struct vly_address *b)
{
	return ((a->half[0] ^ b->half[0]) | (a->half[1] ^ b->half[1])) == 0;
}

/* Whether the address is in a set that is not empty. */
VLY_ADDRESS_INLINE bool
vly_addresses_list(const struct vly_addresses *addresses, const struct vly_address *address)
{
	unsigned first = vly_address_slot(address, addresses->factor);

	for (unsigned i = 0; i < VLY_ADDRESSES_PROBES; i++) {
		unsigned slot = addresses->slot[(first + i) % VLY_ADDRESSES_SLOT_CNT];
		if (slot == 0)
			return false;
		if (vly_address_equals(&addresses->address[(slot - 1) % VLY_ADDRESSES_MAX],
				       address))
			return true;
	}
	return false;
}

/* Whether we answer on `address`. */
VLY_ADDRESS_INLINE bool
vly_addresses_have(const struct vly_addresses *addresses, const struct vly_address *address)
{
	return addresses->cnt == 0 || vly_addresses_list(addresses, address);
}

#endif
