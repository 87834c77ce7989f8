/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inner maps of the XDP program: arrays of one element, in memory that the kernel and we share.
 *
 * Use, in any thread: vly_xdp_map_create(), put its descriptor into the outer map and close it,
 * munmap() when the element is no longer of interest; the map is gone with the last of all three.
 */
#ifndef VLY_DATAPLANE_XDP_MAP_H
#define VLY_DATAPLANE_XDP_MAP_H

#include <stddef.h>

/* Makes a map whose element has as many octets, not 0, all zero, and is `*element`. Returns its
 * descriptor, the caller's, or a negative errno. */
__attribute__((nonnull, warn_unused_result)) int vly_xdp_map_create(const char *name, size_t bytes,
								    void **element);

#endif
