/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "zone.h"

#define FIRST_SLOT_BITS 7

static uint32_t
slot_cnt(const struct vly_zone *zone)
{
	return zone->slot == NULL ? 0 : 1u << (32 - zone->slot_shift);
}

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
place(struct vly_zone *zone, struct vly_zone_slot what)
{
	uint32_t mask = slot_cnt(zone) - 1;
	uint32_t at = what.tag >> zone->slot_shift;

	while (zone->slot[at].node != 0)
		at = (at + 1) & mask;
	zone->slot[at] = what;
}

/* Doubles the table. The name in slot n moves to slot 2n or 2n + 1, or near it, so both tables are
 * read and written in order. */
static int
grow_slots(struct vly_zone *zone)
{
	struct vly_zone_slot *old = zone->slot;
	uint32_t old_cnt = slot_cnt(zone);
	unsigned shift = old == NULL ? 32 - FIRST_SLOT_BITS : zone->slot_shift - 1;
	struct vly_zone_slot *slot = vly_pages_alloc((UINT64_C(1) << (32 - shift)) * sizeof(*slot));

	if (slot == NULL)
		return -1;
	zone->slot = slot;
	zone->slot_shift = shift;
	for (uint32_t i = 0; i < old_cnt; i++)
		if (old[i].node != 0)
			place(zone, old[i]);
	vly_pages_free(old, old_cnt * sizeof(*old));
	return 0;
}

/* Room for one more node, at the end of the array. */
static int
reserve_node(struct vly_zone *zone)
{
	if (zone->node_cnt >= slot_cnt(zone) / 4 * 3 && grow_slots(zone) != 0)
		return -1;
	if (vly_arena_append(&zone->nodes, sizeof(*zone->node), VLY_ARENA_REF_BYTES) == 0)
		return -1;
	zone->node = (void *)(zone->nodes.base + VLY_ARENA_REF_BYTES);
	return 0;
}

static uint32_t
add_node(struct vly_zone *zone, const struct vly_name *name, unsigned label_idx, uint32_t parent)
{
	unsigned len = vly_name_suffix_len(name, label_idx);
	unsigned label_cnt = name->label_cnt - label_idx;

	uint64_t off = vly_arena_append(&zone->arena, len + 1, VLY_ARENA_REF_BYTES);
	if (off == 0 || reserve_node(zone) != 0)
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
	const uint8_t *label = name->lower + name->start[label_idx];
	if (parent != VLY_ZONE_NONE && label[0] == 1 && label[1] == '*')
		zone->node[parent].wildcard = idx;
	place(zone, (struct vly_zone_slot){(uint32_t)(name->hash[label_idx] >> 32), idx + 1});
	return idx;
}

int
vly_zone_init(struct vly_zone *zone, const struct vly_hash_key *key, struct vly_name *apex)
{
	*zone = (struct vly_zone){.key = *key};
	vly_name_hash(apex, key);
	if (vly_arena_open(&zone->arena, -1, VLY_ARENA_REF_BYTES) != 0 ||
	    vly_arena_open(&zone->nodes, -1, VLY_ARENA_REF_BYTES) != 0) {
		vly_zone_free(zone);
		return -1;
	}
	if (add_node(zone, apex, 0, VLY_ZONE_NONE) == VLY_ZONE_NONE) {
		vly_zone_free(zone);
		return -1;
	}
	return 0;
}

static void
close_files(const int *file, unsigned cnt)
{
	const int saved = errno;

	for (unsigned i = 0; i < cnt; i++)
		close(file[i]);
	errno = saved;
}

int
vly_zone_move(struct vly_zone *zone, const int file[2])
{
	if (vly_arena_move(&zone->arena, file[0]) != 0) {
		close_files(file, 2);
		return -1;
	}
	if (vly_arena_move(&zone->nodes, file[1]) != 0) {
		close_files(file + 1, 1);
		return -1;
	}
	zone->node = (void *)(zone->nodes.base + VLY_ARENA_REF_BYTES);
	return 0;
}

int
vly_zone_add_file(struct vly_zone *zone, const char *path, const struct vly_file_stamp *stamp)
{
	char **file = realloc(zone->file, (zone->file_cnt + 1u) * sizeof(*file));
	struct vly_file_stamp *stamps =
		realloc(zone->stamp, (zone->file_cnt + 1u) * sizeof(*stamps));

	if (file != NULL)
		zone->file = file;
	if (stamps != NULL)
		zone->stamp = stamps;
	if (file == NULL || stamps == NULL || (file[zone->file_cnt] = strdup(path)) == NULL)
		return -1;
	stamps[zone->file_cnt++] = *stamp;
	return 0;
}

void
vly_zone_free(struct vly_zone *zone)
{
	vly_arena_close(&zone->arena);
	vly_arena_close(&zone->nodes);
	vly_pages_free(zone->slot, slot_cnt(zone) * sizeof(*zone->slot));
	for (unsigned i = 0; i < zone->file_cnt; i++)
		free(zone->file[i]);
	free(zone->file);
	free(zone->stamp);
	*zone = (struct vly_zone){0};
}

uint32_t
vly_zone_find(const struct vly_zone *zone, const struct vly_name *name, unsigned label_idx)
{
	uint64_t hash = name->hash[label_idx];
	const uint8_t *lower = name->lower + name->start[label_idx];
	unsigned len = vly_name_suffix_len(name, label_idx);
	uint32_t mask = slot_cnt(zone) - 1;
	uint32_t tag = (uint32_t)(hash >> 32);
	uint32_t at = tag >> zone->slot_shift;

	for (; zone->slot[at].node != 0; at = (at + 1) & mask)
		if (zone->slot[at].tag == tag &&
		    node_is(zone, zone->slot[at].node - 1, hash, lower, len))
			return zone->slot[at].node - 1;
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

static void
mark_owner(struct vly_zone_node *node, uint16_t type, bool is_apex)
{
	if (type == VLY_TYPE_NS && !is_apex)
		node->flags |= VLY_ZONE_CUT;
	else if (type == VLY_TYPE_DNAME)
		node->flags |= VLY_ZONE_DNAME;
	else if (type == VLY_TYPE_CNAME)
		node->flags |= VLY_ZONE_CNAME;
	else if (type == VLY_TYPE_A || type == VLY_TYPE_AAAA)
		node->flags |= VLY_ZONE_ADDRESS;
}

void
vly_zone_link_record(struct vly_zone *zone, uint32_t node_idx, vly_arena_ref ref)
{
	struct vly_zone_node *node = &zone->node[node_idx];
	struct vly_zone_record *record = vly_arena_at(&zone->arena, ref);

	record->next = node->records;
	node->records = ref;
	mark_owner(node, record->type, node_idx == 0);
	zone->has_nsec3 |= record->type == VLY_TYPE_NSEC3;
	zone->has_alias |= record->type == VLY_TYPE_ALIAS;
}

int
vly_zone_add_record(struct vly_zone *zone, uint32_t node_idx, uint16_t type, uint32_t ttl,
		    const uint8_t *data, unsigned data_len)
{
	uint64_t off = vly_arena_append(&zone->arena, sizeof(struct vly_zone_record) + data_len,
					VLY_ARENA_REF_BYTES);

	if (off == 0)
		return -1;
	struct vly_zone_record *record = (void *)(zone->arena.base + off);
	record->ttl = ttl;
	record->type = type;
	record->data_len = (uint16_t)data_len;
	memcpy(record->data, data, data_len);
	zone->record_cnt++;
	vly_zone_link_record(zone, node_idx, (vly_arena_ref)(off / VLY_ARENA_REF_BYTES));
	return 0;
}

bool
vly_zone_is_below(const struct vly_zone *zone, uint32_t node_idx, const struct vly_name *name)
{
	unsigned label_cnt = zone->node[node_idx].label_cnt;
	unsigned len;
	const uint8_t *above = vly_zone_node_name(zone, node_idx, &len);

	if (name->label_cnt < label_cnt)
		return false;
	unsigned label_idx = name->label_cnt - label_cnt;
	return vly_name_suffix_len(name, label_idx) == len &&
	       memcmp(name->lower + name->start[label_idx], above, len) == 0;
}

/* Parents come first, so one pass is enough. */
static void
mark_occluded(struct vly_zone *zone)
{
	for (uint32_t i = 1; i < zone->node_cnt; i++) {
		vly_zone_pass(zone, i);
		if (zone->node[zone->node[i].parent].flags &
		    (VLY_ZONE_CUT | VLY_ZONE_DNAME | VLY_ZONE_OCCLUDED))
			zone->node[i].flags |= VLY_ZONE_OCCLUDED;
	}
}

bool
vly_zone_owns_data(const struct vly_zone *zone, uint32_t node_idx)
{
	const struct vly_zone_record *record;

	for (vly_arena_ref ref = zone->node[node_idx].records; ref != 0; ref = record->next) {
		record = vly_arena_at(&zone->arena, ref);
		if (!vly_zone_record_is_nsec3(record))
			return true;
	}
	return false;
}

/* From the last node on, so that children come before their parents: a name exists when one below
 * it does. */
static void
mark_absent(struct vly_zone *zone)
{
	for (uint32_t i = 1; i < zone->node_cnt; i++) {
		vly_zone_pass(zone, i);
		if (!vly_zone_owns_data(zone, i))
			zone->node[i].flags |= VLY_ZONE_ABSENT;
	}
	for (uint32_t i = zone->node_cnt - 1; i > 0; i--) {
		struct vly_zone_node *parent = &zone->node[zone->node[i].parent];
		if (!(zone->node[i].flags & VLY_ZONE_ABSENT))
			parent->flags &= (uint8_t)~VLY_ZONE_ABSENT;
		else if (parent->wildcard == i)
			parent->wildcard = VLY_ZONE_NONE;
	}
}

void
vly_zone_mark_hidden(struct vly_zone *zone)
{
	mark_occluded(zone);
	if (zone->has_nsec3)
		mark_absent(zone);
}
