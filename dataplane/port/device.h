/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The DPDK device behind a port: makes virtual ones, finds PCI ones. Start-up only. */
#ifndef VLY_DATAPLANE_DEVICE_H
#define VLY_DATAPLANE_DEVICE_H

#include "setup/options.h"

/*
 * Creates or finds the device of `spec`, the port_idx-th port.
 * Returns 0 and DPDK's port id, or -1 with the error logged.
 */
__attribute__((nonnull(1, 4), warn_unused_result)) int
vly_device_create(const struct vly_port_spec *spec, unsigned port_idx, const char *xdp_program,
		  uint16_t *port_id);

/* The reason, with what DPDK said of it, when `what` failed for the port. Logs it; returns -1. */
__attribute__((nonnull)) int vly_device_failed(const struct vly_port_spec *spec, const char *what,
					       int error);

#endif
