/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "steer_check.h"

#include <string.h>

#include <xxhash.h>

#include "client_map_check.h"

uint64_t
vly_steer_sum(const struct vly_steer_header *steer)
{
	return XXH3_64bits(steer + 1, steer->block_bytes - sizeof(*steer));
}

/* Whether `cnt` things of `size` octets, or less than 2^32 of them, are inside the block. */
static bool
has_part(const struct vly_steer_header *steer, uint64_t off, uint64_t cnt, uint64_t size)
{
	return off % VLY_STEER_ALIGN == 0 && off >= sizeof(*steer) && off <= steer->block_bytes &&
	       cnt <= (steer->block_bytes - off) / size;
}

static const char *
check_header(const struct vly_steer_header *steer, uint64_t bytes, uint64_t slot_bytes)
{
	if (bytes < sizeof(*steer) || steer->magic != VLY_STEER_MAGIC)
		return "not a steering block";
	if (steer->version != VLY_STEER_VERSION || steer->header_bytes != sizeof(*steer))
		return "a steering block of another version";
	if (steer->block_bytes != bytes || bytes % VLY_STEER_ALIGN != 0)
		return "the steering block has the wrong size";
	if (steer->checksum != vly_steer_sum(steer))
		return "the checksum of the steering block is wrong";
	if (slot_bytes != (uint64_t)steer->slot_cnt * sizeof(uint16_t))
		return "the slots have the wrong size";
	if (steer->ecs > 1 || (steer->reserved[0] | steer->reserved[1] | steer->reserved[2]) != 0)
		return "the steering block has unknown flags";
	if (steer->policy_slot_cnt == 0 || steer->policy_slot_cnt > VLY_STEER_POLICIES_MAX ||
	    (steer->policy_slot_cnt & (steer->policy_slot_cnt - 1)) != 0)
		return "the number of policies is not a power of two";
	if (!has_part(steer, steer->policy_off, steer->policy_slot_cnt,
		      sizeof(struct vly_steer_policy)) ||
	    !has_part(steer, steer->row_off, steer->row_cnt, sizeof(struct vly_steer_row)) ||
	    !has_part(steer, steer->map_off, steer->map_cnt, sizeof(struct vly_steer_map)))
		return "a part is outside the steering block";
	return NULL;
}

static const char *
check_maps(const struct vly_steer_header *steer)
{
	const struct vly_steer_map *map = vly_steer_maps(steer);
	uint64_t end = 0;

	/* Each is behind the one before, so that many maps do not make the check longer than the
	 * block. */
	for (uint32_t i = 0; i < steer->map_cnt; i++) {
		if (map[i].off < end || !has_part(steer, map[i].off, map[i].bytes, 1))
			return "a client map is outside its place in the steering block";
		end = map[i].off + map[i].bytes;
		const char *wrong =
			vly_client_map_check((const uint8_t *)steer + map[i].off, map[i].bytes);
		if (wrong != NULL)
			return wrong;
	}
	if (steer->resolver_map != VLY_STEER_NO_MAP && steer->resolver_map >= steer->map_cnt)
		return "the map of resolvers does not exist";
	return NULL;
}

static const char *
check_rows(const struct vly_steer_header *steer)
{
	const struct vly_steer_row *row = vly_steer_rows(steer);

	for (uint32_t i = 0; i < steer->row_cnt; i++) {
		if (row[i].bits > VLY_STEER_BITS_MAX || row[i].slot > steer->slot_cnt ||
		    UINT32_C(1) << row[i].bits > steer->slot_cnt - row[i].slot)
			return "a row is outside the slots";
		if (row[i].method >= VLY_STEER_METHOD_CNT)
			return "a row with an unknown method";
		if (row[i].sticky4_bits > 32 || row[i].sticky6_bits > 128 ||
		    (row[i].method != VLY_STEER_STICKY &&
		     (row[i].sticky4_bits | row[i].sticky6_bits) != 0))
			return "a row with an impossible prefix length";
	}
	return NULL;
}

static const char *
check_policy(const struct vly_steer_header *steer, const struct vly_steer_policy *policy)
{
	static const uint8_t zeros[sizeof(policy->reserved)];

	if ((policy->flags & ~VLY_STEER_USES_ECS) != 0 ||
	    memcmp(policy->reserved, zeros, sizeof(zeros)) != 0)
		return "a policy with unknown flags";
	if (policy->class_cnt == 0 || policy->class_cnt > VLY_CLIENT_CLASS_MAX ||
	    policy->row > steer->row_cnt || policy->class_cnt > steer->row_cnt - policy->row)
		return "a policy has no row for a class";
	if (policy->map == VLY_STEER_NO_MAP)
		return policy->class_cnt == 1 ? NULL : "a policy with classes and without a map";
	if (policy->map >= steer->map_cnt)
		return "the map of a policy does not exist";
	return vly_steer_map_at(steer, policy->map)->class_cnt <= policy->class_cnt
		       ? NULL
		       : "a policy has no row for a class of its map";
}

/* Each is found by its key, so that none is there twice. */
static const char *
check_policies(const struct vly_steer_header *steer)
{
	const struct vly_steer_policy *policy = vly_steer_policies(steer);
	uint32_t used_cnt = 0;

	for (uint32_t i = 0; i < steer->policy_slot_cnt; i++) {
		if (policy[i].key == 0)
			continue;
		const char *wrong = check_policy(steer, &policy[i]);
		if (wrong == NULL && vly_steer_policy_find(steer, policy[i].key) != &policy[i])
			wrong = "a policy is not found by its key";
		if (wrong != NULL)
			return wrong;
		used_cnt++;
	}
	return used_cnt < steer->policy_slot_cnt ? NULL : "no policy entry is free";
}

const char *
vly_steer_check(const void *block, uint64_t bytes, uint64_t slot_bytes)
{
	const struct vly_steer_header *steer = block;
	const char *wrong = check_header(steer, bytes, slot_bytes);

	if (wrong == NULL)
		wrong = check_maps(steer);
	if (wrong == NULL)
		wrong = check_rows(steer);
	return wrong != NULL ? wrong : check_policies(steer);
}
