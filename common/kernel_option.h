/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The options of a port about its interface to the kernel: kernel=NAME, kernel=off and
 * address=ADDRESS/LENGTH.
 *
 * Use: vly_port_spec_read() reads them; vly_kernel_option_complete() when the port's place among
 * all ports is known.
 */
#ifndef VLY_COMMON_KERNEL_OPTION_H
#define VLY_COMMON_KERNEL_OPTION_H

#include "port_spec.h"

/* What stands behind kernel=. Returns NULL, or what is wrong with it. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_kernel_option_name(struct vly_port_spec *spec, const char *text, size_t len);

/* What stands behind address=. Returns NULL, or what is wrong with it. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_kernel_option_address(struct vly_port_spec *spec, const char *text, size_t len);

/* Whether the port has such an interface: a pci port has one unless it is switched off, an
 * af_packet port when it is named. */
__attribute__((nonnull, pure)) bool vly_kernel_option_is_on(const struct vly_port_spec *spec);

/* Names the interface of the port_idx-th port, if it has one without a name. */
__attribute__((nonnull)) void vly_kernel_option_complete(struct vly_port_spec *spec,
							 unsigned port_idx);

#endif
