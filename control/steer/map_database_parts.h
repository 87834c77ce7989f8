/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between map_database.c (files), map_database_tree.c (the search tree) and map_database_record.c
 * (what a record says). */
#ifndef VLY_CONTROL_MAP_DATABASE_PARTS_H
#define VLY_CONTROL_MAP_DATABASE_PARTS_H

#include <maxminddb.h>

#include "map_database.h"
#include "number_table.h"

/* A place as a point on a globe with radius 1. */
struct vly_map_point {
	double x;
	double y;
	double z;
};

struct vly_map_walk {
	MMDB_s db;
	const char *file;
	const struct vly_map_choice *choice;
	struct vly_map_point *point; /* of the places */
	struct vly_region_list *list;
	struct vly_number_table region; /* of the records that were read, by offset; plus 1 */
	uint64_t visits_left;
	char *reason; /* VLY_REASON_BYTES */
};

/* Writes the reason. Returns -1. */
__attribute__((nonnull, cold, format(printf, 2, 3))) int
vly_map_walk_refuse(struct vly_map_walk *walk, const char *format, ...);

/* Computes the points of the places. Returns 0, or -1 with the reason. */
__attribute__((nonnull, warn_unused_result)) int vly_map_walk_points(struct vly_map_walk *walk);

/* The region of a record, 0 for none. Returns 0, or -1 with the reason. */
__attribute__((nonnull, warn_unused_result)) int
vly_map_walk_region(struct vly_map_walk *walk, MMDB_entry_s *entry, uint32_t *region);

/* Appends all networks of the tree to the list. Returns 0, or -1 with the reason. */
__attribute__((nonnull, warn_unused_result)) int vly_map_walk_tree(struct vly_map_walk *walk);

#endif
