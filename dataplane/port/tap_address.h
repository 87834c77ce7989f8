/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The addresses of a port's interface to the kernel. For tap.c. */
#ifndef VLY_DATAPLANE_TAP_ADDRESS_H
#define VLY_DATAPLANE_TAP_ADDRESS_H

#include "setup/options.h"

/* Gives spec->kernel the spec's addresses, and those of `listen` with the longest prefix. Returns 0,
 * or -1 with the error logged. */
__attribute__((nonnull, warn_unused_result)) int
vly_tap_add_addresses(const struct vly_port_spec *spec, const struct vly_addresses *listen);

#endif
