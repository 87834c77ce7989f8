/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An address and a port, as octets of a hash table's key. Without gaps. Pure. */
#ifndef VLY_CONTROL_ENDPOINT_H
#define VLY_CONTROL_ENDPOINT_H

#include <stdint.h>

#include <sys/socket.h>

struct vly_endpoint {
	uint8_t octets[16];
	uint16_t port;
	uint16_t family;
};

/* Of an address that is unset, all zeros. */
__attribute__((nonnull, warn_unused_result)) struct vly_endpoint
vly_endpoint_make(const struct sockaddr_storage *address);

#endif
