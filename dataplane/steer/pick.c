/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pick.h"

#include <stddef.h>

static void
begin_map(const struct vly_client_map *map, const struct vly_steer_client *client,
	  struct vly_client_cursor *cursor)
{
	if (client->is_ipv4)
		vly_client_map_begin4(map, (uint32_t)(client->word[0] >> 32), cursor);
	else
		vly_client_map_begin6(map, client->word[0], client->word[1], cursor);
}

bool
vly_steering_takes_ecs(const struct vly_steering *steering, const struct vly_steer_client *resolver)
{
	struct vly_client_cursor cursor;

	if (steering == NULL || steering->live == NULL || !steering->live->block->ecs)
		return false;
	const struct vly_steer_header *block = steering->live->block;
	if (block->resolver_map == VLY_STEER_NO_MAP)
		return true;
	const struct vly_client_map *map = vly_steer_map_at(block, block->resolver_map);
	begin_map(map, resolver, &cursor);
	return VLY_CLIENT_LEAF_CLASS(vly_client_map_finish(map, &cursor)) == 1;
}

bool
vly_pick_policy(struct vly_steering *steering, struct vly_pick *pick)
{
	const uint64_t key = pick->choice->policy;

	pick->policy = NULL;
	if (key == 0)
		return false;
	if (steering == NULL)
		return false;
	steering->counters->steered++;
	if (steering->live != NULL)
		pick->policy = vly_steer_policy_find(steering->live->block, key);
	steering->counters->steer_unknown += pick->policy == NULL;
	return pick->policy != NULL && (pick->policy->flags & VLY_STEER_USES_ECS);
}

void
vly_pick_begin(const struct vly_steering *steering, struct vly_pick *pick,
	       const struct vly_steer_client *client)
{
	if (pick->policy == NULL)
		return;
	pick->client = *client;
	if (pick->policy->map != VLY_STEER_NO_MAP)
		begin_map(vly_steer_map_at(steering->live->block, pick->policy->map), client,
			  &pick->cursor);
}

/* xorshift64: its upper bits are good enough for weights. */
static uint32_t
draw(struct vly_steering *steering, unsigned bits)
{
	uint64_t random = steering->random;

	random ^= random << 13;
	random ^= random >> 7;
	random ^= random << 17;
	steering->random = random;
	return (uint32_t)(random >> 32) >> (32 - bits);
}

/* The types of a policy's names, and their classes, have each a turn of their own, as resolvers ask
 * for several types of a name one after the other. */
static uint32_t
take_turn(struct vly_steering *steering, const struct vly_pick *pick, uint32_t row_idx)
{
	uint64_t mix = ((uint64_t)(uintptr_t)pick->choice ^ (uint64_t)row_idx << 40) *
		       UINT64_C(0x9e3779b97f4a7c15);

	return steering->turn[(mix >> 32) % VLY_STEERING_TURNS]++;
}

/* The number of the slot in its row. */
static uint32_t
pick_slot(struct vly_steering *steering, const struct vly_pick *pick,
	  const struct vly_steer_row *row, uint32_t row_idx)
{
	const struct vly_steer_client *client = &pick->client;

	if (row->bits == 0)
		return 0;
	if (row->method == VLY_STEER_RANDOM)
		return draw(steering, row->bits);
	if (row->method == VLY_STEER_ROTATE)
		return take_turn(steering, pick, row_idx) & ((UINT32_C(1) << row->bits) - 1);
	return vly_steer_sticky_idx(
		steering->live->block->sticky_key, client->word, client->is_ipv4,
		client->is_ipv4 ? row->sticky4_bits : row->sticky6_bits, row->bits);
}

struct vly_picked
vly_pick_finish(struct vly_steering *steering, struct vly_pick *pick)
{
	const struct vly_image_choice *choice = pick->choice;
	const struct vly_steer_policy *policy = pick->policy;
	struct vly_picked picked = {choice->alt[0], 0};
	uint32_t leaf = VLY_CLIENT_LEAF(0, 0);

	if (policy == NULL)
		return picked;
	const struct vly_steer_header *block = steering->live->block;
	if (policy->map != VLY_STEER_NO_MAP)
		leaf = vly_client_map_finish(vly_steer_map_at(block, policy->map), &pick->cursor);
	const uint32_t row_idx = policy->row + VLY_CLIENT_LEAF_CLASS(leaf);
	const struct vly_steer_row *row = &vly_steer_rows(block)[row_idx];
	const uint32_t slot = row->slot + pick_slot(steering, pick, row, row_idx);
	const uint16_t alt = __atomic_load_n(&steering->live->slot[slot], __ATOMIC_RELAXED);
	if (__builtin_expect(alt < choice->alt_cnt, 1))
		picked.answer = choice->alt[alt];
	else
		steering->counters->steer_bad_slot++;
	if (!(policy->flags & VLY_STEER_USES_ECS))
		return picked;
	const unsigned sticky = pick->client.is_ipv4 ? row->sticky4_bits : row->sticky6_bits;
	const unsigned leaf_bits = VLY_CLIENT_LEAF_BITS(leaf);
	picked.scope = (uint8_t)(row->bits > 0 && sticky > leaf_bits ? sticky : leaf_bits);
	return picked;
}
