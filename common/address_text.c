/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "address_text.h"

#include <arpa/inet.h>

unsigned
vly_address_read(const char *text, struct vly_address *address)
{
	uint8_t wire[16];

	if (inet_pton(AF_INET, text, wire) == 1) {
		*address = vly_address_from_ipv4(wire);
		return 32;
	}
	if (inet_pton(AF_INET6, text, wire) == 1) {
		*address = vly_address_from_ipv6(wire);
		return 128;
	}
	return 0;
}
