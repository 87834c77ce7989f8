/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Follows every reference in an image, so that lookups are safe without bounds checks. Every node
 * that a lookup can reach is in a bucket, is an apex, or is the wildcard of one of these.
 *
 * In the order of the buckets, each node would be a cache and TLB miss. So nodes are first marked
 * in a map with one bit for each place of the heap, and then checked in the heap's order:
 *   1. vly_image_check_buckets() for each part of the buckets;
 *   2. vly_image_check_heap() for each part of the heap, after all parts of step 1;
 *   3. vly_image_check_denial() for each part of what signed zones deny names with.
 * The parts of a step can be checked in any order and by any thread. No state; nothing blocks.
 *
 * Trust: the content of the sections is untrusted; header and section table were checked.
 */
#ifndef VLY_IMAGE_IMAGE_CHECK_H
#define VLY_IMAGE_IMAGE_CHECK_H

#include "image.h"

/* Writes the reason to *error; returns -1. */
__attribute__((nonnull, format(printf, 2, 3), cold)) int
vly_image_refuse(struct vly_image_error *error, const char *format, ...);

/* The number of 64-bit words of a map. */
__attribute__((nonnull)) uint64_t vly_image_map_words(const struct vly_image *image);

/* Checks a part (0..part_cnt-1) of the buckets, and marks their nodes in `map`, zeroed at first,
 * which no other thread may write. Returns 0, or -1 with the reason. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_check_buckets(const struct vly_image *image, unsigned part, unsigned part_cnt,
			uint64_t *map, struct vly_image_error *error);

/* Checks a part of the zones, and of the nodes that are marked in any of the maps. Returns 0, or -1
 * with the reason. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_check_heap(const struct vly_image *image, unsigned part, unsigned part_cnt,
		     uint64_t *const *map, unsigned map_cnt, struct vly_image_error *error);

/* Checks the denial of a part of the zones, and a part of each large one. Returns 0, or -1 with the
 * reason. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_check_denial(const struct vly_image *image, unsigned part, unsigned part_cnt,
		       struct vly_image_error *error);

#endif
