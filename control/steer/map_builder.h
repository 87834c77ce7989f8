/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Builds a client map (volley/client_map.h) from a partition.
 *
 * Use: vly_client_map_build(); vly_built_map_bytes(), and vly_built_map_write() to a place of that
 * size in the steering block; vly_built_map_free(). Any thread; no state; not for the loop, as a
 * million prefixes take tenths of a second.
 *
 * Regions with the same class become one before the tree is made, so each leaf is the widest
 * prefix around its addresses in which all have that class.
 */
#ifndef VLY_CONTROL_MAP_BUILDER_H
#define VLY_CONTROL_MAP_BUILDER_H

#include <volley/client_map.h>

#include "partition.h"

/* The parts of a block while it is built. */
struct vly_built_map {
	uint32_t class_cnt;
	uint32_t *root[VLY_FAMILY_CNT];
	struct vly_client_branch *branch;
	struct vly_client_path *path;
	uint32_t *spill;
	uint32_t branch_cnt;
	uint32_t branch_room;
	uint32_t path_cnt;
	uint32_t path_room;
	uint32_t spill_cnt;
	uint32_t spill_room;
};

/*
 * Builds the map in which the class of a region is class_of[region], below `class_cnt` (1 ..
 * VLY_CLIENT_CLASS_MAX). Returns 0, or -1 without memory, with more nodes than a map can have, or of a
 * partition whose boundaries are not as partition.h says, and nothing to free.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_client_map_build(struct vly_built_map *map, const struct vly_partition *partition,
		     const uint32_t *class_of, uint32_t class_cnt);

/* The octets of the block. */
__attribute__((nonnull, pure)) uint64_t vly_built_map_bytes(const struct vly_built_map *map);

/* Writes the block to `to`, aligned to 64 octets, with room for all of it. */
__attribute__((nonnull)) void vly_built_map_write(const struct vly_built_map *map, void *to);

__attribute__((nonnull)) void vly_built_map_free(struct vly_built_map *map);

#endif
