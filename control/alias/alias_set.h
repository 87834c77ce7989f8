/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sets of addresses of one family, sorted, without duplicates. Values. Pure. */
#ifndef VLY_CONTROL_ALIAS_SET_H
#define VLY_CONTROL_ALIAS_SET_H

#include <stdbool.h>
#include <stdint.h>

/* Addresses of one family that an ALIAS may have. More: each client gets them all in one answer, which no
 * longer fits into a datagram. */
#define VLY_ALIAS_ADDRESSES_MAX 64

/* IPv4 and IPv6, in this order, wherever both are in an array. */
#define VLY_ALIAS_FAMILIES 2

struct vly_alias_set {
	uint16_t cnt;
	uint8_t octets;                               /* 4 or 16; 0: empty */
	uint8_t address[VLY_ALIAS_ADDRESSES_MAX][16]; /* in the first `octets` of each */
};

/* Adds an address; false: there is no room for it, or it is of another family. */
__attribute__((nonnull, warn_unused_result)) bool
vly_alias_set_add(struct vly_alias_set *set, const uint8_t *address, unsigned octets);

__attribute__((nonnull)) bool vly_alias_set_has(const struct vly_alias_set *set,
						const uint8_t *address);

__attribute__((nonnull)) bool vly_alias_set_equals(const struct vly_alias_set *left,
						   const struct vly_alias_set *right);

#endif
