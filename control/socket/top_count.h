/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sums by name, to find the largest: zones and sources in samples. NULL is an empty sum;
 * vly_top_json() or vly_top_free() frees it. Any one thread; no function blocks.
 */
#ifndef VLY_CONTROL_TOP_COUNT_H
#define VLY_CONTROL_TOP_COUNT_H

#include <jansson.h>
#include <stdint.h>

struct vly_top;

/* Adds to the sum of `name` (copied). Without memory the name is left out. */
__attribute__((nonnull)) void vly_top_add(struct vly_top **top, const char *name, uint64_t weight);

/* The `max` largest, largest first: [{KEY: name, "per_s": sum / seconds}]. Frees the sums. */
__attribute__((nonnull)) json_t *vly_top_json(struct vly_top **top, const char *key, size_t max,
					      double seconds);

__attribute__((nonnull)) void vly_top_free(struct vly_top **top);

#endif
