/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers of the kernel to system calls, for the checks. Checks read /proc and /sys themselves.
 */
#ifndef VLY_PREFLIGHT_FACTS_H
#define VLY_PREFLIGHT_FACTS_H

#include <sched.h>

#include "preflight.h"

/* Of the "netdev" netlink family, which Debian 12's headers do not have yet. */
#define VLY_PREFLIGHT_XDP_BASIC    UINT64_C(1)
#define VLY_PREFLIGHT_XDP_REDIRECT UINT64_C(2)
#define VLY_PREFLIGHT_XDP_ZEROCOPY UINT64_C(8)

enum vly_preflight_offload {
	VLY_PREFLIGHT_OFF,
	VLY_PREFLIGHT_ON,
	VLY_PREFLIGHT_FIXED, /* on, and can't be changed from here */
};

/* The interface of a port; zeros for ports that have none. */
struct vly_preflight_nic {
	unsigned index; /* 0: there is no such interface */
	bool up;
	bool running; /* has a carrier */
	unsigned mtu;
	char driver[32]; /* "": unknown */
	char bus[32];    /* PCI address; something else, or "", for other devices */

	bool has_combined;     /* the driver has combined channels */
	unsigned queue_cnt;    /* that DPDK can serve */
	unsigned rx_queue_cnt; /* that packets arrive on */
	unsigned rx_ring;      /* 0: the driver does not say */
	unsigned rx_ring_max;
	uint64_t hashed[2]; /* fields of UDP over IPv4 and IPv6 (RXH_*), 0: unknown */
	enum vly_preflight_offload lro;
	enum vly_preflight_offload gro_hw;

	bool has_xdp_features; /* Linux 6.3 and later */
	uint64_t xdp_features;
	uint32_t xdp_id;   /* of the attached program; 0: none */
	char xdp_name[16]; /* "": unknown */
};

struct vly_preflight_facts {
	char release[65]; /* of the kernel */
	int bpf_error;    /* of bpf(2); 0: it is there */
	int af_xdp_error; /* of an AF_XDP socket */
	uint64_t capabilities;
	uint64_t memlock_bytes; /* UINT64_MAX: no limit */
	cpu_set_t allowed;      /* of the first 1,024 CPUs, which are what DPDK knows */
	int nft_rule_cnt;       /* -1: unknown; VLY_PREFLIGHT_RULES_MAX or more */
	int iptables_rule_cnt;
	struct vly_preflight_nic nic[VLY_PORTS_MAX];
};

/* Rules are not counted further. */
#define VLY_PREFLIGHT_RULES_MAX 1000

/* Asks about the interface of that name. */
__attribute__((nonnull)) void vly_preflight_ask_nic(struct vly_preflight_nic *nic,
						    const char *name);

/* Asks by netlink which kinds of XDP the interface's driver offers, and which program runs on
 * it. */
__attribute__((nonnull)) void vly_preflight_ask_xdp(struct vly_preflight_nic *nic);

/* Counts nftables' rules, and those of iptables' own tables. */
__attribute__((nonnull)) void vly_preflight_ask_firewall(struct vly_preflight_facts *facts);

#endif
