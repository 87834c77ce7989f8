/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which frames that go to the kernel can do without the others: a flood of one class must not cost
 * those of another. Use: vly_exception_classify(). Any thread.
 */
#ifndef VLY_DATAPLANE_EXCEPTION_CLASS_H
#define VLY_DATAPLANE_EXCEPTION_CLASS_H

#include <stdint.h>

/* In the order in which the kernel gets them. */
enum vly_exception_class {
	VLY_EXCEPTION_LINK,    /* ARP, ND, and what is neither IPv4 nor IPv6, such as LLDP */
	VLY_EXCEPTION_ROUTING, /* BGP, BFD, OSPF, VRRP */
	VLY_EXCEPTION_TCP,
	VLY_EXCEPTION_OTHER, /* ping, UDP, fragments */
	VLY_EXCEPTION_CLASS_CNT,
};

/* The class of a frame whose first `bytes` octets are at `frame` (untrusted). */
__attribute__((nonnull, pure)) enum vly_exception_class vly_exception_classify(const uint8_t *frame,
									       unsigned bytes);

#endif
