/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Slots: which alternatives a class of clients gets, as members are up and down. Each row of a kind has
 * slots, and a client gets the alternative of one of them (volley/steer.h).
 *
 * - weighted: as many slots as the member's weight, to the nearest slot, so that all add up.
 * - rotate: the members in turn.
 * - sticky, and sets at random: in each slot the members that win it by rendezvous hashing. So when one goes,
 *   only its own slots change, and they change back when it returns.
 *
 * Pure; any thread; a row takes up to some milliseconds.
 */
#ifndef VLY_CONTROL_STEER_SLOTS_H
#define VLY_CONTROL_STEER_SLOTS_H

#include <volley/steer.h>

#include "steer_model.h"

enum vly_steer_member_flag {
	VLY_STEER_MEMBER_UP = 1,
	VLY_STEER_MEMBER_DRAINED = 2, /* no new clients, as long as another one of its pool is up */
	VLY_STEER_MEMBER_HELD = 4,    /* an operator has said that it is down */
};

/* What a row gives its clients. */
enum vly_steer_source {
	VLY_STEER_FROM_FIRST,      /* the first pool of the class */
	VLY_STEER_FROM_NEXT,       /* another one, as those before it are down */
	VLY_STEER_FROM_FALLBACK,   /* the policy's fallback, as all are down */
	VLY_STEER_FROM_LAST_KNOWN, /* the slots stay as they were */
};

/* What decides about a row. */
struct vly_steer_outcome {
	enum vly_steer_source source;
	unsigned pool;      /* UINT_MAX: nothing, on purpose */
	bool ignores_state; /* the members count as up, but for held ones */
	bool ignores_held;  /* those, too: all are held */
};

/* The row of a kind for a class, without its first slot. */
__attribute__((nonnull)) struct vly_steer_row vly_steer_row_of(const struct vly_steer_model *model,
							       const struct vly_steer_kind *kind,
							       uint32_t class);

enum vly_steer_pool_state {
	VLY_STEER_POOL_DOWN,    /* too few members are up */
	VLY_STEER_POOL_DRAINED, /* all that are up are drained: another pool is better */
	VLY_STEER_POOL_UP,
};

/* flags: enum vly_steer_member_flag for all members. */
__attribute__((nonnull)) enum vly_steer_pool_state
vly_steer_pool_state(const struct vly_steer_model *model, unsigned pool, const uint8_t *flags);

__attribute__((nonnull)) struct vly_steer_outcome
vly_steer_decide(const struct vly_steer_model *model, unsigned policy, uint32_t class,
		 const uint8_t *flags);

/* The members of a part that an outcome gives, in order, to member[has_cnt]: their places in part->has.
 * Returns how many. */
__attribute__((nonnull)) unsigned vly_steer_choose(const struct vly_steer_model *model,
						   const struct vly_steer_part *part,
						   const struct vly_steer_outcome *outcome,
						   const uint8_t *flags, uint16_t *member);

/*
 * Writes the slots of a row, `slot` [1 << bits], which other threads may read. With the source
 * VLY_STEER_FROM_LAST_KNOWN they stay, but for their TTL; if the row has never been written (`is_new`), it is
 * as if the fallback were everything. Returns the outcome.
 */
__attribute__((nonnull)) struct vly_steer_outcome
vly_steer_row_fill(const struct vly_steer_model *model, const struct vly_steer_kind *kind,
		   uint32_t class, unsigned bits, const uint8_t *flags, bool is_new,
		   uint16_t *slot);

#endif
