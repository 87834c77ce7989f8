/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan.h"

#include <volley/image.h>

#include "zone/domain.h"

/* Less than one zone in so many may have too few labels to have a slice with others. */
#define SHALLOW_PART 10

struct limits {
	uint64_t own_min;
	uint64_t shared_max;
};

static void
scan_name(const char *text, struct vly_name *name)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};

	(void)vly_name_scan(name, wire, vly_domain_wire(text, wire));
}

/* How many last labels make a slice: as many as nearly all zones that share have. */
static unsigned
choose_labels(const struct vly_plan_zone *zone, uint32_t zone_cnt, const struct limits *limits)
{
	uint32_t with_labels[VLY_NAME_LABELS_MAX + 1] = {0};
	uint32_t shared_cnt = 0;
	uint64_t cnt = 0;
	struct vly_name name;

	for (uint32_t i = 0; i < zone_cnt; i++) {
		if (zone[i].file_bytes >= limits->own_min)
			continue;
		scan_name(zone[i].name, &name);
		with_labels[name.label_cnt]++;
		shared_cnt++;
	}
	for (unsigned labels = 0; labels < VLY_NAME_LABELS_MAX; labels++) {
		cnt += with_labels[labels];
		if (cnt * SHALLOW_PART >= shared_cnt)
			return labels;
	}
	return VLY_NAME_LABELS_MAX;
}

static uint32_t
slice_of(const struct vly_plan_zone *zone, const struct vly_hash_key *key, unsigned labels)
{
	struct vly_name name;

	scan_name(zone->name, &name);
	vly_name_hash(&name, key);
	return vly_image_slice(name.hash[vly_name_last_labels(&name, labels)]);
}

/* Turns the costs of slices into the numbers of their groups. */
static uint32_t
group_slices(uint64_t slice[VLY_IMAGE_SLICES], uint64_t shared_max)
{
	uint32_t group_cnt = 0;
	uint64_t bytes = 0;

	for (unsigned i = 0; i < VLY_IMAGE_SLICES; i++) {
		if (slice[i] == 0)
			continue;
		if (group_cnt == 0 || bytes + slice[i] > shared_max) {
			group_cnt++;
			bytes = 0;
		}
		bytes += slice[i];
		slice[i] = group_cnt - 1;
	}
	return group_cnt;
}

static uint32_t
fill_groups(const struct vly_plan_zone *zone, uint32_t zone_cnt, const struct vly_hash_key *key,
	    const struct limits *limits, uint32_t *group)
{
	const unsigned labels = choose_labels(zone, zone_cnt, limits);
	uint64_t slice[VLY_IMAGE_SLICES] = {0};

	for (uint32_t i = 0; i < zone_cnt; i++) {
		if (zone[i].file_bytes >= limits->own_min)
			continue;
		group[i] = slice_of(&zone[i], key, labels);
		slice[group[i]] += zone[i].file_bytes + VLY_PLAN_ZONE_BYTES;
	}
	uint32_t group_cnt = group_slices(slice, limits->shared_max);
	for (uint32_t i = 0; i < zone_cnt; i++)
		group[i] = zone[i].file_bytes >= limits->own_min ? group_cnt++
								 : (uint32_t)slice[group[i]];
	return group_cnt;
}

static uint64_t
twice(uint64_t bytes)
{
	return bytes > UINT64_MAX / 2 ? UINT64_MAX : bytes * 2;
}

uint32_t
vly_plan_groups(const struct vly_plan_zone *zone, uint32_t zone_cnt, const struct vly_hash_key *key,
		uint32_t group_max, uint32_t *group)
{
	struct limits limits = {VLY_PLAN_OWN_IMAGE_BYTES, VLY_PLAN_SHARED_IMAGE_BYTES};
	uint32_t group_cnt = fill_groups(zone, zone_cnt, key, &limits, group);

	while (group_cnt > group_max) {
		limits.own_min = twice(limits.own_min);
		limits.shared_max = twice(limits.shared_max);
		group_cnt = fill_groups(zone, zone_cnt, key, &limits, group);
	}
	return group_cnt;
}
