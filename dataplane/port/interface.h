/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The properties of a network interface. Any thread; each call makes system calls. */
#ifndef VLY_DATAPLANE_INTERFACE_H
#define VLY_DATAPLANE_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

struct vly_interface {
	unsigned index;
	unsigned mtu;
	unsigned queue_cnt;    /* queues that DPDK can serve: combined channels, or 1 without any */
	unsigned rx_queue_cnt; /* queues on which packets arrive */
	uint8_t mac[8];        /* six octets, then zeros */
	bool combined;         /* the driver has combined channels */
	bool up;
	bool running;          /* has a carrier */
	bool strips_vlan_tags; /* the NIC removes tags before XDP sees them */
	bool partial_sums; /* senders on this machine, or on its host, may leave checksums to it */
};

/* Reads the properties of interface `name`. Returns 0, or a negative errno: -ENODEV if there is no
 * such interface. */
__attribute__((nonnull, warn_unused_result)) int
vly_interface_query(const char *name, struct vly_interface *interface);

#endif
