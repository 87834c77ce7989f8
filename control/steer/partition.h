/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A partition of all client addresses into regions: for each family, the addresses at which another
 * region begins, in order. Of nested prefixes, the longest decides.
 *
 * Use: vly_partition_make() from a settled list; vly_partition_renumber() when only classes of the
 * regions matter; vly_partition_product() of two, when a client's answer depends on both;
 * vly_client_map_build() (map_builder.h). vly_partition_free() frees what it points to.
 *
 * n prefixes make at most 2n + 1 boundaries of 24 octets. Pure functions; any thread; nothing
 * blocks but the CPU: a million prefixes take tenths of a second, so not for the loop.
 */
#ifndef VLY_CONTROL_PARTITION_H
#define VLY_CONTROL_PARTITION_H

#include "region_list.h"

/* From this address to the next boundary, the region is `region`. Numbers as in struct
 * vly_region_prefix. */
struct vly_boundary {
	uint64_t high;
	uint64_t low;
	uint32_t region;
};

struct vly_part {
	struct vly_boundary
		*boundary; /* the first one is at 0; neighbours have different regions */
	size_t cnt;        /* 1 .. */
};

struct vly_partition {
	struct vly_part part[VLY_FAMILY_CNT];
	uint32_t region_cnt; /* regions are below it */
};

/* The regions of a product: region n of it is region a of the one and region b of the other
 * partition. */
struct vly_region_pair {
	uint32_t a;
	uint32_t b;
};

/* Makes the partition of a settled list, which it does not change. Returns 0; or -1 with errno ENOMEM, or
 * EINVAL when the list is not settled, or has a prefix with bits behind its length, with an impossible
 * length, or of a region that the list has not. Then there is nothing to free. */
__attribute__((nonnull, warn_unused_result)) int
vly_partition_make(struct vly_partition *partition, const struct vly_region_list *list);

/* Replaces each region by number[region], which is below `region_cnt`. Neighbours that are equal
 * then become one. */
__attribute__((nonnull)) void vly_partition_renumber(struct vly_partition *partition,
						     const uint32_t *number, uint32_t region_cnt);

/*
 * Makes the partition whose regions are pairs of regions: those of `a` and `b` at the same address.
 * *pair gets the pairs by their numbers, product->region_cnt of them, the caller's to free(). Only
 * pairs that occur have a number. Returns 0; or -1 with errno ENOMEM, or E2BIG when there are more
 * than VLY_REGION_MAX pairs, and nothing to free.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_partition_product(struct vly_partition *product, struct vly_region_pair **pair,
		      const struct vly_partition *a, const struct vly_partition *b);

/* The region of an address. For tests and for explanations: lookups are made in client maps. */
__attribute__((nonnull, pure)) uint32_t vly_partition_region(const struct vly_partition *partition,
							     enum vly_family family, uint64_t high,
							     uint64_t low);

__attribute__((nonnull)) void vly_partition_free(struct vly_partition *partition);

#endif
