/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every reference in an image, followed: what makes lookups safe without bounds checks of their
 * own. Every node that a lookup can reach is in a bucket, is an apex, or is a wildcard of one of
 * them.
 *
 * Buckets have nodes in the order of their hashes, where each would be a miss of cache and TLB; so
 * they are mapped first, a bit for each place of the heap, and checked in the heap's order:
 *   1. vly_image_check_buckets() for each part of the buckets
 *   2. vly_image_check_heap() for each part of the heap, when all of those are done
 * Parts can be checked in any order and by any thread. No state. The content is not trusted, header
 * and sections are.
 */
#ifndef VLY_IMAGE_IMAGE_CHECK_H
#define VLY_IMAGE_IMAGE_CHECK_H

#include "image.h"

/* Writes the reason; returns -1. */
__attribute__((nonnull, format(printf, 2, 3), cold)) int
vly_image_refuse(struct vly_image_error *error, const char *format, ...);

/* The words of a map. */
__attribute__((nonnull)) uint64_t vly_image_map_words(const struct vly_image *image);

/* Checks a part (0..part_cnt-1) of the buckets and adds their nodes to a map, zero at first, which
 * no other thread writes. Returns 0, or -1 with the reason. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_check_buckets(const struct vly_image *image, unsigned part, unsigned part_cnt,
			uint64_t *map, struct vly_image_error *error);

/* Checks a part of the zones, and of the nodes that any of the maps has. Returns 0, or -1 with the
 * reason. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_check_heap(const struct vly_image *image, unsigned part, unsigned part_cnt,
		     uint64_t *const *map, unsigned map_cnt, struct vly_image_error *error);

#endif
