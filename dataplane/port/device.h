/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The DPDK device of a port: creates virtual devices, finds PCI devices. Start-up, main thread; may
 * block on the kernel. */
#ifndef VLY_DATAPLANE_DEVICE_H
#define VLY_DATAPLANE_DEVICE_H

#include "setup/options.h"

/*
 * Creates or finds the device of `spec`, the port number port_idx (from 0).
 * Returns 0 and DPDK's port id, or -1 with the error logged.
 */
__attribute__((nonnull(1, 4), warn_unused_result)) int
vly_device_create(const struct vly_port_spec *spec, unsigned port_idx, const char *xdp_program,
		  uint16_t *port_id);

/* Logs that `what` failed for the port, with `error` (a negative errno), the message of the kernel
 * or of DPDK, and a hint what to do. Returns -1. */
__attribute__((nonnull)) int vly_device_failed(const struct vly_port_spec *spec, const char *what,
					       int error);

#endif
