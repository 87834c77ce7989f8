/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A port as --port and the key dataplane.ports spell it: kind:target,option,option. Whether the
 * interface, file or device exists is not looked at here.
 */
#ifndef VLY_COMMON_PORT_SPEC_H
#define VLY_COMMON_PORT_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include <volley/address.h>
#include <volley/dataplane_options.h>

/* Of a port's interface to the kernel, beside those of --listen. A link has one or two. */
#define VLY_PORT_ADDRESSES_MAX 8

struct vly_port_address {
	struct vly_address address;
	unsigned prefix_bits; /* of the link's network, 1 to 32 or 128 */
};

/* The least that IPv6 needs (RFC 8200 §5): room for the responses of 1,232 octets that most
 * resolvers ask for, behind IPv6 and UDP headers. */
#define VLY_MTU_MIN 1280u
/* The most that XDP can have in one page: 4096 octets, less 256 of headroom, 320 behind the frame,
 * and Ethernet and VLAN headers. */
#define VLY_XDP_MTU_MAX 3498u

struct vly_port_spec {
	enum vly_port_kind kind;
	char name[64];   /* kind:target as given, without the options */
	char target[64]; /* interface, PCI address; empty for ring and null */
	char file[512];  /* pcap: what is read */
	char out[512];   /* pcap: where responses go; empty: nowhere */
	bool loop;       /* pcap: the file over and over */
	unsigned queue_cnt;
	char kernel[16]; /* the port's interface to the kernel; empty: not named, or none */
	bool kernel_off; /* this port gets no such interface */
	struct vly_port_address address[VLY_PORT_ADDRESSES_MAX]; /* of that interface */
	unsigned address_cnt;
};

/* Reads a port from text, which is not trusted. Returns 0; or -1 with what the value must be in
 * `reason`, and the spec is then of no use. */
__attribute__((nonnull, warn_unused_result)) int
vly_port_spec_read(struct vly_port_spec *spec, const char *text, char *reason, size_t reason_bytes);

#endif
