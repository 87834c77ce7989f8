/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inner maps of the XDP program: arrays of one element, in memory shared with the kernel.
 *
 * Use: vly_xdp_map_create(), put the descriptor into the outer map and close it, munmap() the
 * element when it is no longer needed. The kernel frees the map after the last of the three. Any
 * thread.
 */
#ifndef VLY_DATAPLANE_XDP_MAP_H
#define VLY_DATAPLANE_XDP_MAP_H

#include <stddef.h>

/* Creates a map with one zeroed element of `bytes` octets (not 0), mapped at *element. Returns its
 * descriptor, the caller's, or a negative errno. */
__attribute__((nonnull, warn_unused_result)) int vly_xdp_map_create(const char *name, size_t bytes,
								    void **element);

#endif
