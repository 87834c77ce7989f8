/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the XDP program and volley-dataplane must agree on: names, and the contents of the maps.
 *
 * The program passes every frame to the kernel until volley-dataplane has written its
 * configuration, and again once that is cleared or the sockets are gone: a dead dataplane cuts
 * nobody off.
 */
#ifndef VLY_XDP_H
#define VLY_XDP_H

#include <stdint.h>

/* The kernel keeps 15 octets of a name. */
#define VLY_XDP_PROGRAM   "volley_xdp"
#define VLY_XDP_CONFIG    "vly_config"
#define VLY_XDP_ADDRESSES "vly_addresses"
#define VLY_XDP_VERDICTS  "vly_verdicts"

/* Addresses in --listen: more than a POP announces from one machine; 16 KiB of map. */
#define VLY_ADDRESSES_MAX 256

enum vly_xdp_mode {
	VLY_XDP_PASS = 0, /* not configured: leave everything to the kernel */
	VLY_XDP_LISTED,   /* serve the listed addresses */
	VLY_XDP_ANY,      /* serve every address */
};

struct vly_xdp_config {
	uint32_t mode; /* enum vly_xdp_mode */
};

/* IPv4 as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2). */
struct vly_address {
	uint8_t octet[16];
};

#endif
