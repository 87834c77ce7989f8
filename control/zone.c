/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "zone.h"

#define FIRST_NODES 64

static bool
node_is(const struct vly_zone *zone, uint32_t idx, uint64_t hash, const uint8_t *lower,
	unsigned len)
{
	unsigned node_len;

	if (zone->node[idx].hash != hash)
		return false;
	const uint8_t *name = vly_zone_node_name(zone, idx, &node_len);
	return node_len == len && memcmp(name, lower, len) == 0;
}

static void
place(struct vly_zone *zone, uint32_t idx)
{
	uint32_t at = (uint32_t)zone->node[idx].hash & zone->slot_mask;

	while (zone->slot[at] != VLY_ZONE_NONE)
		at = (at + 1) & zone->slot_mask;
	zone->slot[at] = idx;
}

static int
grow(struct vly_zone *zone)
{
	uint32_t size = zone->node_size == 0 ? FIRST_NODES : zone->node_size * 2;
	struct vly_zone_node *node = realloc(zone->node, size * sizeof(*node));

	if (node == NULL)
		return -1;
	zone->node = node;
	uint32_t *slot = malloc(2 * size * sizeof(*slot));
	if (slot == NULL)
		return -1;
	memset(slot, 0xff, 2 * size * sizeof(*slot)); /* VLY_ZONE_NONE */
	free(zone->slot);
	zone->slot = slot;
	zone->slot_mask = 2 * size - 1;
	zone->node_size = size;
	for (uint32_t i = 0; i < zone->node_cnt; i++)
		place(zone, i);
	return 0;
}

static uint32_t
add_node(struct vly_zone *zone, const struct vly_name *name, unsigned label_idx, uint32_t parent)
{
	unsigned len = vly_name_suffix_len(name, label_idx);
	unsigned label_cnt = name->label_cnt - label_idx;

	if (zone->node_cnt == zone->node_size && grow(zone) != 0)
		return VLY_ZONE_NONE;
	uint64_t off = vly_arena_append(&zone->arena, len + 1, VLY_ARENA_REF_BYTES);
	if (off == 0)
		return VLY_ZONE_NONE;
	zone->arena.base[off] = (uint8_t)len;
	memcpy(zone->arena.base + off + 1, name->lower + name->start[label_idx], len);
	uint32_t idx = zone->node_cnt++;
	zone->node[idx] = (struct vly_zone_node){
		.hash = name->hash[label_idx],
		.name = (vly_arena_ref)(off / VLY_ARENA_REF_BYTES),
		.parent = parent,
		.wildcard = VLY_ZONE_NONE,
		.label_cnt = (uint8_t)label_cnt,
	};
	if (label_cnt > zone->label_max)
		zone->label_max = (uint8_t)label_cnt;
	const uint8_t *label = name->lower + name->start[label_idx];
	if (parent != VLY_ZONE_NONE && label[0] == 1 && label[1] == '*')
		zone->node[parent].wildcard = idx;
	place(zone, idx);
	return idx;
}

int
vly_zone_init(struct vly_zone *zone, const struct vly_hash_key *key, struct vly_name *apex)
{
	*zone = (struct vly_zone){.key = *key};
	if (vly_arena_open(&zone->arena, -1, VLY_ARENA_REF_BYTES) != 0)
		return -1;
	vly_name_hash(apex, key);
	if (add_node(zone, apex, 0, VLY_ZONE_NONE) == VLY_ZONE_NONE) {
		vly_zone_free(zone);
		return -1;
	}
	return 0;
}

void
vly_zone_free(struct vly_zone *zone)
{
	vly_arena_close(&zone->arena);
	free(zone->node);
	free(zone->slot);
	for (unsigned i = 0; i < zone->file_cnt; i++)
		free(zone->file[i]);
	free(zone->file);
	*zone = (struct vly_zone){0};
}

uint32_t
vly_zone_find(const struct vly_zone *zone, const struct vly_name *name, unsigned label_idx)
{
	uint64_t hash = name->hash[label_idx];
	const uint8_t *lower = name->lower + name->start[label_idx];
	unsigned len = vly_name_suffix_len(name, label_idx);
	uint32_t at = (uint32_t)hash & zone->slot_mask;

	for (; zone->slot[at] != VLY_ZONE_NONE; at = (at + 1) & zone->slot_mask)
		if (node_is(zone, zone->slot[at], hash, lower, len))
			return zone->slot[at];
	return VLY_ZONE_NONE;
}

uint32_t
vly_zone_add_name(struct vly_zone *zone, const struct vly_name *name)
{
	unsigned apex_idx = name->label_cnt - zone->node[0].label_cnt;
	unsigned label_idx = 0;
	uint32_t found;

	while ((found = vly_zone_find(zone, name, label_idx)) == VLY_ZONE_NONE &&
	       label_idx < apex_idx)
		label_idx++;
	while (found != VLY_ZONE_NONE && label_idx-- > 0)
		found = add_node(zone, name, label_idx, found);
	return found;
}

bool
vly_zone_has_name(const struct vly_zone *zone, const struct vly_name *name)
{
	unsigned apex_labels = zone->node[0].label_cnt;
	unsigned len;
	const uint8_t *apex = vly_zone_node_name(zone, 0, &len);

	if (name->label_cnt < apex_labels)
		return false;
	unsigned label_idx = name->label_cnt - apex_labels;
	return vly_name_suffix_len(name, label_idx) == len &&
	       memcmp(name->lower + name->start[label_idx], apex, len) == 0;
}

/* Parents come first, so one pass is enough. */
void
vly_zone_mark_occluded(struct vly_zone *zone)
{
	for (uint32_t i = 1; i < zone->node_cnt; i++)
		if (zone->node[zone->node[i].parent].flags &
		    (VLY_ZONE_CUT | VLY_ZONE_DNAME | VLY_ZONE_OCCLUDED))
			zone->node[i].flags |= VLY_ZONE_OCCLUDED;
}
