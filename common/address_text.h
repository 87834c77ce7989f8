/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads IPv4 and IPv6 addresses from text, which is not trusted. No state; any thread. */
#ifndef VLY_COMMON_ADDRESS_TEXT_H
#define VLY_COMMON_ADDRESS_TEXT_H

#include <volley/address.h>

/* Returns the bits of an address of its family, 32 or 128, with the address in *address; or 0 when
 * the whole text is not an address, and *address is as it was. */
__attribute__((nonnull, warn_unused_result)) unsigned vly_address_read(const char *text,
								       struct vly_address *address);

#endif
