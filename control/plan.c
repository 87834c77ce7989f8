/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan.h"

#include <stdbool.h>

static uint32_t
fill_groups(const uint64_t *file_bytes, uint32_t zone_cnt, uint64_t own_min, uint64_t shared_max,
	    uint32_t *group)
{
	uint32_t group_cnt = 0;
	uint32_t shared = 0; /* the group being filled, when shared_open */
	uint64_t shared_bytes = 0;
	bool shared_open = false;

	for (uint32_t i = 0; i < zone_cnt; i++) {
		if (file_bytes[i] >= own_min) {
			group[i] = group_cnt++;
			continue;
		}
		uint64_t cost = file_bytes[i] + VLY_PLAN_ZONE_BYTES;
		if (!shared_open || shared_bytes + cost > shared_max) {
			shared = group_cnt++;
			shared_bytes = 0;
			shared_open = true;
		}
		group[i] = shared;
		shared_bytes += cost;
	}
	return group_cnt;
}

uint32_t
vly_plan_groups(const uint64_t *file_bytes, uint32_t zone_cnt, uint32_t group_max, uint32_t *group)
{
	uint64_t own_min = VLY_PLAN_OWN_IMAGE_BYTES;
	uint64_t shared_max = VLY_PLAN_SHARED_IMAGE_BYTES;
	uint32_t group_cnt = fill_groups(file_bytes, zone_cnt, own_min, shared_max, group);

	while (group_cnt > group_max) {
		own_min = own_min > UINT64_MAX / 2 ? UINT64_MAX : own_min * 2;
		shared_max = shared_max > UINT64_MAX / 2 ? UINT64_MAX : shared_max * 2;
		group_cnt = fill_groups(file_bytes, zone_cnt, own_min, shared_max, group);
	}
	return group_cnt;
}
