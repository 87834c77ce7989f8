/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Picks an alternative of a steered name for a client, as volley/steer.h describes it, in steps that
 * prefetch.
 *
 * Use, in a thread that answers, with one struct vly_steering of its own:
 *   1. vly_steering_start() once, vly_steering_begin() for each burst;
 *   2. for each steered type: vly_pick_note(), vly_pick_begin(), any number of vly_pick_step(),
 *      vly_pick_finish(), with time between them; or vly_pick() at once.
 *
 * Threads and RCU: one thread; from vly_steering_begin() until the end of the burst inside one read
 * side. Nothing blocks or allocates. The block was checked, and so was the choice; slots are checked
 * here.
 */
#ifndef VLY_DATAPLANE_PICK_H
#define VLY_DATAPLANE_PICK_H

#include <volley/counters.h>
#include <volley/image.h>

#include "steer.h"

/* Rotation counts in so many places, by policy and type: two that share one are each in turn, but may
 * skip a slot. 4 KiB for each thread. */
#define VLY_STEERING_TURNS 1024

struct vly_steering {
	const struct vly_steer *live; /* of this burst; NULL: none */
	struct vly_lcore_counters *counters;
	uint64_t random; /* not 0 */
	uint32_t turn[VLY_STEERING_TURNS];
};

/* Who asks. */
struct vly_steer_client {
	uint64_t word[2]; /* as vly_steer_sticky_idx() has them */
	bool is_ipv4;
};

/* A choice between two steps. */
struct vly_pick {
	const struct vly_image_choice *choice;
	const struct vly_steer_policy *policy; /* NULL: alternative 0 */
	struct vly_steer_client client;
	struct vly_client_cursor cursor;
};

/* The result. */
struct vly_picked {
	vly_image_ref answer;
	uint8_t scope; /* for a client of the family at hand */
};

/* `counters` stay the caller's; `seed`: any number that other threads do not have. */
static inline void
vly_steering_start(struct vly_steering *steering, struct vly_lcore_counters *counters,
		   uint64_t seed)
{
	*steering = (struct vly_steering){.counters = counters,
					  .random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1};
}

/* `live` is vly_steer_live(). */
static inline void
vly_steering_begin(struct vly_steering *steering, const struct vly_steer *live)
{
	steering->live = live;
}

/* Whether the live steering reads client subnets, and the resolver (NULL: of unknown address) may send
 * one. `steering` may be NULL. */
__attribute__((nonnull(2))) bool vly_steering_takes_ecs(const struct vly_steering *steering,
							const struct vly_steer_client *resolver);

/* Notes the choice, and prefetches it. */
static inline void
vly_pick_note(struct vly_pick *pick, const struct vly_image_choice *choice)
{
	pick->choice = choice;
	__builtin_prefetch(choice, 0, 3);
}

/* Whether the policy of the noted choice, if there is one, goes by the client subnet. Finds it, and
 * sets pick->policy. `steering` may be NULL. */
__attribute__((nonnull(2))) bool vly_pick_policy(struct vly_steering *steering,
						 struct vly_pick *pick);

/* Begins for a client, after vly_pick_policy(). */
__attribute__((nonnull)) void vly_pick_begin(const struct vly_steering *steering,
					     struct vly_pick *pick,
					     const struct vly_steer_client *client);

/* Reads what was prefetched. Harmless when there is nothing left. */
static inline void
vly_pick_step(const struct vly_steering *steering, struct vly_pick *pick)
{
	if (pick->policy != NULL && pick->policy->map != VLY_STEER_NO_MAP)
		(void)vly_client_map_step(
			vly_steer_map_at(steering->live->block, pick->policy->map), &pick->cursor);
}

/* The alternative, whose answer is not prefetched. `steering` may be NULL, as it was before. */
__attribute__((nonnull(2))) struct vly_picked vly_pick_finish(struct vly_steering *steering,
							      struct vly_pick *pick);

#endif
