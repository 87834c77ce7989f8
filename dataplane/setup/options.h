/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command line of volley-dataplane.
 *
 * Use: vly_options_parse() once. Strings in the options point into argv. Whether interfaces,
 * files and devices exist is not looked at here.
 */
#ifndef VLY_DATAPLANE_OPTIONS_H
#define VLY_DATAPLANE_OPTIONS_H

#include <stddef.h>

#include "answer/identity.h"
#include "base/address.h"
#include "common/log.h"

/* DPDK's limit on ports in one process is 32. */
#define VLY_PORTS_MAX 32
/* DPDK's limit is 128 lcores, one of which is the main thread. */
#define VLY_LCORES_MAX 127

/* More than any machine's share of TCP; each has buffers and sockets of its own. */
#define VLY_STREAM_THREADS_MAX 64

/* An idle lcore comes back each 50 ms, a stream thread each 100 ms: below this, a busy machine
 * would look like a fault. */
#define VLY_WATCHDOG_MS_MIN 500
#define VLY_WATCHDOG_MS_MAX 60000

#define VLY_SOCKET_DEFAULT "/run/volley/dataplane.sock"

enum vly_port_kind {
	VLY_PORT_AF_XDP,
	VLY_PORT_PCI,
	VLY_PORT_PCAP,
	VLY_PORT_AF_PACKET,
	VLY_PORT_TAP,
	VLY_PORT_RING,
	VLY_PORT_NULL,
};

/* Of a port's interface to the kernel, beside those of --listen: a link has one or two. */
#define VLY_PORT_ADDRESSES_MAX 8

struct vly_port_address {
	struct vly_address address;
	unsigned prefix_bits; /* of the link's network, 1 to 32 or 128 */
};

struct vly_port_spec {
	enum vly_port_kind kind;
	char name[64];   /* kind:target as given, without the options */
	char target[64]; /* interface, PCI address; empty for ring and null */
	char file[512];  /* pcap: what is read */
	char out[512];   /* pcap: where responses go; empty: nowhere */
	bool loop;       /* pcap: the file over and over */
	unsigned queue_cnt;
	char kernel[16]; /* the port's interface to the kernel; empty: none */
	bool kernel_off; /* although this kind of port has one */
	struct vly_port_address address[VLY_PORT_ADDRESSES_MAX]; /* of that interface */
	unsigned address_cnt;
};

struct vly_stream_options {
	unsigned thread_cnt;
	unsigned connections_max; /* of all threads */
	unsigned per_client_max;
	unsigned idle_s;
	unsigned read_s;  /* from a message's first octet to its last */
	unsigned write_s; /* until the client has taken the responses that wait for it */
	unsigned memory_mib;
};

enum vly_options_result {
	VLY_OPTIONS_RUN,
	VLY_OPTIONS_HELP,
	VLY_OPTIONS_VERSION,
	VLY_OPTIONS_BAD, /* `error` says what is wrong */
};

struct vly_options {
	struct vly_port_spec port[VLY_PORTS_MAX];
	unsigned port_cnt;
	uint16_t cpu[VLY_LCORES_MAX];
	unsigned cpu_cnt; /* 0: not given */
	struct vly_addresses addresses;
	const char *socket_path;
	const char *xdp_program; /* NULL: not given */
	const char *state_dir;   /* NULL: not given */
	unsigned watchdog_ms;    /* 0: off */
	bool spin;
	bool huge_pages;
	unsigned memory_mib; /* 0: by the queues */
	unsigned udp_payload_max;
	struct vly_identity identity;
	struct vly_stream_options stream;
	enum vly_log_level log_level;
	char error[200];
};

__attribute__((nonnull, warn_unused_result)) enum vly_options_result
vly_options_parse(struct vly_options *options, int argc, char **argv);

/* Sum of the ports' queues: the number of lcores wanted. */
__attribute__((nonnull, pure)) unsigned vly_options_queue_cnt(const struct vly_options *options);

extern const char vly_options_help[];

#endif
