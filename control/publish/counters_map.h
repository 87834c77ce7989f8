/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dataplane's counters, mapped read-only after checking that all of them are there. Any one
 * thread. */
#ifndef VLY_CONTROL_COUNTERS_MAP_H
#define VLY_CONTROL_COUNTERS_MAP_H

#include <volley/counters.h>

/* Maps the counters of `fd` (untrusted; stays the caller's). Returns them, or NULL with the
 * reason in *reason. vly_counters_unmap() gives them back. */
__attribute__((nonnull, warn_unused_result)) struct vly_counters *
vly_counters_map(int fd, const char **reason);

void vly_counters_unmap(struct vly_counters *counters);

#endif
