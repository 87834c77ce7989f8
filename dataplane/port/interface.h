/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel knows of a network interface. Any thread; the kernel is asked each time. */
#ifndef VLY_DATAPLANE_INTERFACE_H
#define VLY_DATAPLANE_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

struct vly_interface {
	unsigned index;
	unsigned mtu;
	unsigned queue_cnt;    /* that DPDK can serve: combined channels, or the first if none */
	unsigned rx_queue_cnt; /* that packets arrive on */
	uint8_t mac[8];        /* six octets, then zeros */
	bool combined;         /* the driver has combined channels */
	bool up;
	bool running;          /* has a carrier */
	bool strips_vlan_tags; /* the NIC takes tags off before XDP could see them */
	bool partial_sums; /* senders on this machine, or on its host, may leave checksums to it */
};

/* Asks about `name`. Returns 0, or a negative errno: -ENODEV when there is none of that name. */
__attribute__((nonnull, warn_unused_result)) int
vly_interface_query(const char *name, struct vly_interface *interface);

#endif
