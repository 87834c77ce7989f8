/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maps the dataplane's counters read-only, after a check of their layout and size. The dataplane
 * writes them meanwhile, so their values are never trusted as an index. Any thread; no function
 * blocks. */
#ifndef VLY_CONTROL_COUNTERS_MAP_H
#define VLY_CONTROL_COUNTERS_MAP_H

#include <volley/counters.h>

/* Maps the counters in the memfd `fd` (untrusted; stays the caller's). Returns them, to be given to
 * vly_counters_unmap(); or NULL with a sentence in *reason. */
__attribute__((nonnull, warn_unused_result)) struct vly_counters *
vly_counters_map(int fd, const char **reason);

void vly_counters_unmap(struct vly_counters *counters);

#endif
