/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is next: work for many servers, of which a number is under way at a time. Each server has a lane, in which its
 * work waits; the lanes take turns, and one of them has at most its share of the places. So a server that is
 * dead, slow or has much to do does not hold up the others.
 *
 * Use:
 *   1. zeroes; set place_max and share_max, at any time;
 *   2. vly_lanes_push() for what is to be done;
 *   3. as long as vly_lanes_pop() returns an entry: vly_lanes_hold() a place for it, then vly_lanes_release();
 *   4. vly_lanes_settle() when a maximum has changed.
 * There is nothing to free when nothing waits and no place is held.
 *
 * A lane is there as long as something waits in it or holds a place. Each function costs the same whatever waits.
 * Pure, but for memory; one thread at a time.
 */
#ifndef VLY_CONTROL_LANES_H
#define VLY_CONTROL_LANES_H

#include <stdbool.h>
#include <stdint.h>

struct vly_lane;

/* Embed it in what waits. Zeroes: it does not wait. */
struct vly_lane_entry {
	struct vly_lane *lane; /* NULL: it does not wait */
	struct vly_lane_entry *prev, *next;
};

/* A place that is held. Zeroes: none. */
struct vly_lane_place {
	struct vly_lane *lane; /* NULL: none, or of no server */
	bool is_held;
};

struct vly_lanes {
	uint32_t place_max; /* of all servers */
	uint32_t share_max; /* of one */
	/* private, but for reading */
	uint32_t place_cnt;   /* held */
	uint32_t waiting_cnt; /* entries */
	struct vly_lane *by_name;
	struct vly_lane *ready; /* those with entries and places, in their turn */
};

/* Appends an entry to the lane of a server. Returns false without memory. */
__attribute__((nonnull, warn_unused_result)) bool
vly_lanes_push(struct vly_lanes *lanes, const char *server, struct vly_lane_entry *entry);

/* Removes an entry, if it waits. */
__attribute__((nonnull)) void vly_lanes_remove(struct vly_lanes *lanes,
					       struct vly_lane_entry *entry);

/* Takes the next entry out that there is a place for; NULL: there is none. */
__attribute__((nonnull, warn_unused_result)) struct vly_lane_entry *
vly_lanes_pop(struct vly_lanes *lanes);

/* Whether one more place may be held for a server. */
__attribute__((nonnull)) bool vly_lanes_has_place(const struct vly_lanes *lanes,
						  const char *server);

/* Holds a place for a server (NULL: for none), whether there is one or not. Without memory it counts for
 * no server. */
__attribute__((nonnull(1, 3))) void vly_lanes_hold(struct vly_lanes *lanes, const char *server,
						   struct vly_lane_place *place);

/* Gives a place back, if it is held. */
__attribute__((nonnull)) void vly_lanes_release(struct vly_lanes *lanes,
						struct vly_lane_place *place);

/* After place_max or share_max has changed. */
__attribute__((nonnull)) void vly_lanes_settle(struct vly_lanes *lanes);

#endif
