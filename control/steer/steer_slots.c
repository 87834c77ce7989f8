/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "steer_slots.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Slots for each member: 64 hold equal weights to 1.6 % of a member's share. */
#define SLOT_BITS_EACH 6

/* Bits of a row whose members have different weights: enough for 1 in 1000. */
#define SLOT_BITS_WEIGHTS 12

static unsigned
log2_up(unsigned number)
{
	return number <= 1 ? 0 : 32 - (unsigned)__builtin_clz(number - 1);
}

static bool
has_weights(const struct vly_config_steer_pool *pool, const struct vly_steer_part *part)
{
	for (unsigned i = 1; i < part->has_cnt; i++)
		if (pool->members[part->has[i]].weight_number !=
		    pool->members[part->has[0]].weight_number)
			return true;
	return false;
}

/* Whether all members that are up are given at once. */
static bool
gives_all(const struct vly_config_steer_pool *pool, const struct vly_steer_part *part)
{
	return part->has_cnt <= pool->answer_max;
}

/* Slots that a pool of a kind needs. */
static unsigned
bits_for(const struct vly_config_steer_pool *pool, const struct vly_steer_part *part)
{
	if (gives_all(pool, part))
		return 0;
	unsigned bits = log2_up(part->has_cnt) + SLOT_BITS_EACH;
	if (pool->pick_id != VLY_STEER_PICK_ROTATE && has_weights(pool, part))
		bits = SLOT_BITS_WEIGHTS;
	return bits < VLY_STEER_BITS_MAX ? bits : VLY_STEER_BITS_MAX;
}

/* Pools of a class are picked alike (config_steer_policy.c), but for those that give all they have. */
static void
widen_row(const struct vly_steer_model *model, const struct vly_steer_kind *kind, unsigned idx,
	  struct vly_steer_row *row)
{
	const struct vly_config_steer_pool *pool = &model->config->pools[idx];
	const unsigned bits = bits_for(pool, vly_steer_part_of(kind, idx));

	if (bits == 0)
		return;
	if (bits > row->bits)
		row->bits = (uint8_t)bits;
	row->method = pool->pick_id == VLY_STEER_PICK_ROTATE   ? VLY_STEER_ROTATE
		      : pool->pick_id == VLY_STEER_PICK_STICKY ? VLY_STEER_STICKY
							       : VLY_STEER_RANDOM;
	if (row->method != VLY_STEER_STICKY)
		return;
	row->sticky4_bits = pool->sticky4_bits;
	row->sticky6_bits = pool->sticky6_bits;
}

struct vly_steer_row
vly_steer_row_of(const struct vly_steer_model *model, const struct vly_steer_kind *kind,
		 uint32_t class)
{
	const struct vly_config_steer_policy *policy = &model->config->policies[kind->policy];
	const struct vly_steer_way *way = &model->policy[kind->policy].way[class];
	struct vly_steer_row row = {0};

	for (unsigned i = 0; i < way->cnt; i++)
		widen_row(model, kind, way->pool[i], &row);
	if (policy->fallback_id == VLY_STEER_FALLBACK_POOL)
		widen_row(model, kind, policy->fallback_pool, &row);
	return row;
}

enum vly_steer_pool_state
vly_steer_pool_state(const struct vly_steer_model *model, unsigned pool, const uint8_t *flags)
{
	unsigned up_cnt = 0;
	unsigned drained_cnt = 0;

	for (unsigned i = model->first_member[pool]; i < model->first_member[pool + 1]; i++) {
		up_cnt += (flags[i] & VLY_STEER_MEMBER_UP) != 0;
		drained_cnt += (flags[i] & VLY_STEER_MEMBER_UP) != 0 &&
			       (flags[i] & VLY_STEER_MEMBER_DRAINED) != 0;
	}
	if (up_cnt < model->config->pools[pool].min_up)
		return VLY_STEER_POOL_DOWN;
	return drained_cnt == up_cnt ? VLY_STEER_POOL_DRAINED : VLY_STEER_POOL_UP;
}

static bool
all_held(const struct vly_steer_model *model, unsigned pool, const uint8_t *flags)
{
	for (unsigned i = model->first_member[pool]; i < model->first_member[pool + 1]; i++)
		if (!(flags[i] & VLY_STEER_MEMBER_HELD))
			return false;
	return true;
}

/* All members of a pool, whatever their state: but those that an operator holds, if there are others. */
static struct vly_steer_outcome
take_all(const struct vly_steer_model *model, unsigned pool, const uint8_t *flags)
{
	return (struct vly_steer_outcome){
		.source = VLY_STEER_FROM_FALLBACK,
		.pool = pool,
		.ignores_state = true,
		.ignores_held = all_held(model, pool, flags),
	};
}

static struct vly_steer_outcome
fall_back(const struct vly_steer_model *model, const struct vly_config_steer_policy *policy,
	  const struct vly_steer_way *way, const uint8_t *flags)
{
	switch (policy->fallback_id) {
	case VLY_STEER_FALLBACK_NOTHING:
		return (struct vly_steer_outcome){VLY_STEER_FROM_FALLBACK, UINT_MAX, false, false};
	case VLY_STEER_FALLBACK_LAST_KNOWN:
		return (struct vly_steer_outcome){VLY_STEER_FROM_LAST_KNOWN, way->pool[0], false,
						  false};
	case VLY_STEER_FALLBACK_POOL:
		if (vly_steer_pool_state(model, policy->fallback_pool, flags) !=
		    VLY_STEER_POOL_DOWN)
			return (struct vly_steer_outcome){VLY_STEER_FROM_FALLBACK,
							  policy->fallback_pool, false, false};
		return take_all(model, policy->fallback_pool, flags);
	default:
		return take_all(model, way->pool[0], flags);
	}
}

struct vly_steer_outcome
vly_steer_decide(const struct vly_steer_model *model, unsigned policy, uint32_t class,
		 const uint8_t *flags)
{
	const struct vly_steer_way *way = &model->policy[policy].way[class];

	for (int wanted = VLY_STEER_POOL_UP; wanted >= VLY_STEER_POOL_DRAINED; wanted--)
		for (unsigned i = 0; i < way->cnt; i++)
			if ((int)vly_steer_pool_state(model, way->pool[i], flags) >= wanted)
				return (struct vly_steer_outcome){i == 0 ? VLY_STEER_FROM_FIRST
									 : VLY_STEER_FROM_NEXT,
								  way->pool[i], false, false};
	return fall_back(model, &model->config->policies[policy], way, flags);
}

static bool
is_given(const struct vly_steer_outcome *outcome, uint8_t flags)
{
	if (outcome->ignores_state)
		return outcome->ignores_held || !(flags & VLY_STEER_MEMBER_HELD);
	return flags & VLY_STEER_MEMBER_UP;
}

unsigned
vly_steer_choose(const struct vly_steer_model *model, const struct vly_steer_part *part,
		 const struct vly_steer_outcome *outcome, const uint8_t *flags, uint16_t *member)
{
	const uint8_t *own = flags + model->first_member[part->pool];
	unsigned cnt = 0;

	for (unsigned i = 0; i < part->has_cnt; i++)
		if (is_given(outcome, own[part->has[i]]) &&
		    !(own[part->has[i]] & VLY_STEER_MEMBER_DRAINED))
			member[cnt++] = (uint16_t)i;
	for (unsigned i = 0; cnt == 0 && i < part->has_cnt; i++)
		if (is_given(outcome, own[part->has[i]])) { /* all that are left are drained */
			for (; i < part->has_cnt; i++)
				if (is_given(outcome, own[part->has[i]]))
					member[cnt++] = (uint16_t)i;
		}
	return cnt;
}

/* A row at hand. */
struct filling {
	const struct vly_steer_kind *kind;
	const struct vly_steer_part *part;
	const struct vly_config_steer_pool *pool;
	const uint64_t *hash; /* of the pool's members */
	const uint16_t *member;
	unsigned member_cnt;
	unsigned answer_cnt; /* members in an answer */
	unsigned slot_cnt;
	bool failed_over;
	bool has_weights;
	uint16_t *slot;
};

static void
put(const struct filling *filling, unsigned slot, uint64_t set_or_place)
{
	unsigned number =
		vly_steer_number(filling->kind, filling->part, set_or_place, filling->failed_over);

	__atomic_store_n(&filling->slot[slot], (uint16_t)number, __ATOMIC_RELAXED);
}

static uint64_t
weight_of(const struct filling *filling, unsigned idx)
{
	return filling->pool->members[filling->part->has[filling->member[idx]]].weight_number;
}

/* The member to which the largest remainder belongs among those that have not got it yet; the first of equal
 * ones. */
static unsigned
largest_remainder(const uint64_t *remainder, unsigned cnt)
{
	unsigned best = 0;

	for (unsigned i = 1; i < cnt; i++)
		if (remainder[i] > remainder[best])
			best = i;
	return best;
}

/* One member in each slot, by weight: the quotient of each, then one more for the largest remainders. Members
 * are no more than slots (VLY_STEER_MEMBERS_MAX), so that none gets nothing if weights are equal. */
static void
fill_weighted(const struct filling *filling)
{
	uint64_t remainder[VLY_STEER_MEMBERS_MAX];
	uint32_t share[VLY_STEER_MEMBERS_MAX];
	uint64_t total = 0;
	unsigned given = 0;

	for (unsigned i = 0; i < filling->member_cnt; i++)
		total += weight_of(filling, i);
	for (unsigned i = 0; i < filling->member_cnt; i++) {
		uint64_t product = weight_of(filling, i) * filling->slot_cnt;
		share[i] = (uint32_t)(product / total);
		remainder[i] = product % total + 1;
		given += share[i];
	}
	for (; given < filling->slot_cnt; given++) {
		unsigned best = largest_remainder(remainder, filling->member_cnt);
		share[best]++;
		remainder[best] = 0;
	}
	for (unsigned i = 0, slot = 0; i < filling->member_cnt; i++)
		for (uint32_t n = 0; n < share[i]; n++)
			put(filling, slot++, filling->member[i]);
}

/* `answer_cnt` members from `first` on, the first one behind the last. */
static void
fill_rotating(const struct filling *filling)
{
	for (unsigned slot = 0; slot < filling->slot_cnt; slot++) {
		uint64_t set = 0;
		for (unsigned i = 0; i < filling->answer_cnt; i++)
			set |= UINT64_C(1)
			       << (filling->member[(slot + i) % filling->member_cnt] & 63);
		put(filling, slot,
		    filling->part->is_sets ? set : filling->member[slot % filling->member_cnt]);
	}
}

static uint64_t
mix(uint64_t hash)
{
	hash ^= hash >> 32;
	hash *= UINT64_C(0xd6e8feb86659fd93);
	hash ^= hash >> 32;
	hash *= UINT64_C(0xd6e8feb86659fd93);
	return hash ^ hash >> 32;
}

/* How a member stands for a slot: the smallest number wins. With weights w, the time of an exponential
 * distribution with rate w: the first of several is each with probability w / total. */
static double
score_of(const struct filling *filling, unsigned idx, unsigned slot)
{
	const uint64_t own = filling->hash[filling->part->has[filling->member[idx]]];
	const double hash =
		((double)(mix(own + slot * UINT64_C(0x9e3779b97f4a7c15)) >> 11) + 0.5) * 0x1p-53;

	return filling->has_weights ? -log(hash) / (double)weight_of(filling, idx) : hash;
}

/* Puts a member among the best so far, which are in order. */
static void
insert(double *best, unsigned *who, unsigned cnt, double score, unsigned idx)
{
	if (score >= best[cnt - 1])
		return;
	unsigned at = cnt - 1;
	for (; at > 0 && best[at - 1] > score; at--) {
		best[at] = best[at - 1];
		who[at] = who[at - 1];
	}
	best[at] = score;
	who[at] = idx;
}

static void
fill_by_rendezvous(const struct filling *filling)
{
	for (unsigned slot = 0; slot < filling->slot_cnt; slot++) {
		double best[VLY_STEER_SET_MEMBERS_MAX];
		unsigned who[VLY_STEER_SET_MEMBERS_MAX] = {0};
		uint64_t set = 0;
		for (unsigned i = 0; i < filling->answer_cnt; i++)
			best[i] = INFINITY;
		for (unsigned i = 0; i < filling->member_cnt; i++)
			insert(best, who, filling->answer_cnt, score_of(filling, i, slot), i);
		for (unsigned i = 0; i < filling->answer_cnt; i++)
			set |= UINT64_C(1) << (filling->member[who[i]] & 63);
		put(filling, slot, filling->part->is_sets ? set : filling->member[who[0]]);
	}
}

/* The same answer in all slots. */
static void
fill_same(const struct filling *filling)
{
	uint64_t set = 0;

	for (unsigned i = 0; i < filling->member_cnt; i++)
		set |= UINT64_C(1) << (filling->member[i] & 63);
	for (unsigned slot = 0; slot < filling->slot_cnt; slot++)
		put(filling, slot, filling->part->is_sets ? set : filling->member[0]);
}

static void
fill_members(const struct vly_steer_model *model, const struct vly_steer_kind *kind,
	     const struct vly_steer_outcome *outcome, unsigned bits, const uint8_t *flags,
	     uint16_t *slot)
{
	const struct vly_steer_part *part = vly_steer_part_of(kind, outcome->pool);
	uint16_t member[VLY_STEER_MEMBERS_MAX];
	struct filling filling = {
		.kind = kind,
		.part = part,
		.pool = &model->config->pools[outcome->pool],
		.hash = model->member_hash + model->first_member[outcome->pool],
		.member = member,
		.member_cnt = vly_steer_choose(model, part, outcome, flags, member),
		.slot_cnt = 1u << bits,
		.failed_over = outcome->source != VLY_STEER_FROM_FIRST,
		.slot = slot,
	};

	filling.has_weights = has_weights(filling.pool, part);
	filling.answer_cnt = filling.pool->answer_max < filling.member_cnt
				     ? filling.pool->answer_max
				     : filling.member_cnt;
	if (filling.member_cnt ==
	    0) /* the pool has no such records, or those that have some are down */
		for (unsigned i = 0; i < filling.slot_cnt; i++)
			__atomic_store_n(&slot[i], (uint16_t)vly_steer_nothing(kind),
					 __ATOMIC_RELAXED);
	else if (filling.answer_cnt == filling.member_cnt)
		fill_same(&filling);
	else if (filling.pool->pick_id == VLY_STEER_PICK_ROTATE)
		fill_rotating(&filling);
	else if (filling.pool->pick_id == VLY_STEER_PICK_WEIGHTED && filling.answer_cnt == 1)
		fill_weighted(&filling);
	else
		fill_by_rendezvous(&filling);
}

/* The answers stay, with the TTL of a failover. */
static void
keep(const struct vly_steer_kind *kind, unsigned bits, uint16_t *slot)
{
	for (unsigned i = 0; kind->has_two_ttls && i < 1u << bits; i++)
		if (slot[i] < kind->half_cnt)
			__atomic_store_n(&slot[i], (uint16_t)(slot[i] + kind->half_cnt),
					 __ATOMIC_RELAXED);
}

struct vly_steer_outcome
vly_steer_row_fill(const struct vly_steer_model *model, const struct vly_steer_kind *kind,
		   uint32_t class, unsigned bits, const uint8_t *flags, bool is_new, uint16_t *slot)
{
	struct vly_steer_outcome outcome = vly_steer_decide(model, kind->policy, class, flags);

	if (outcome.source == VLY_STEER_FROM_LAST_KNOWN && is_new)
		outcome = take_all(model, outcome.pool, flags);
	if (outcome.source == VLY_STEER_FROM_LAST_KNOWN)
		keep(kind, bits, slot);
	else if (outcome.pool != UINT_MAX)
		fill_members(model, kind, &outcome, bits, flags, slot);
	else
		for (unsigned i = 0; i < 1u << bits; i++)
			__atomic_store_n(&slot[i], (uint16_t)vly_steer_nothing(kind),
					 __ATOMIC_RELAXED);
	return outcome;
}
