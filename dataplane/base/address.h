/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fills the set of addresses on which we answer (volley/address.h). Start-up, main thread. */
#ifndef VLY_DATAPLANE_ADDRESS_H
#define VLY_DATAPLANE_ADDRESS_H

#include <string.h>

#include <volley/address.h>

enum vly_addresses_result {
	VLY_ADDRESSES_OK,
	VLY_ADDRESSES_MALFORMED, /* neither IPv4 nor IPv6 text */
	VLY_ADDRESSES_FULL,      /* there are VLY_ADDRESSES_MAX already */
};

/* Adds the address in `text` (untrusted). An address that is there already is not added again. */
__attribute__((nonnull, warn_unused_result)) enum vly_addresses_result
vly_addresses_add(struct vly_addresses *addresses, const char *text);

#endif
