/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The options of a port about its interface to the kernel: kernel=NAME, kernel=off and
 * address=ADDRESS/LENGTH, behind a port that DPDK owns alone.
 *
 * Use, for options.c: vly_kernel_option_parse() each option for which vly_kernel_option_is() holds,
 * and vly_kernel_option_complete() when there are no more.
 */
#ifndef VLY_DATAPLANE_KERNEL_OPTION_H
#define VLY_DATAPLANE_KERNEL_OPTION_H

#include "options.h"

/* Whether it is one of these, and the port may have it. */
__attribute__((nonnull, pure)) bool vly_kernel_option_is(const struct vly_port_spec *spec,
							 const char *option, size_t len);

/* Returns NULL, or what is wrong with it. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_kernel_option_parse(struct vly_port_spec *spec, const char *option, size_t len);

/* Names the interface of a pci port, the port_idx-th one of all, that has got none. Returns NULL,
 * or what is wrong with all options together. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_kernel_option_complete(struct vly_port_spec *spec, unsigned port_idx);

#endif
