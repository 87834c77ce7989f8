/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map_builder.h"

#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 u128;

#define ADDRESS_BITS 128

/* A family while its tree is made: boundaries of classes in place of regions. */
struct builder {
	struct vly_built_map *map;
	const struct vly_boundary *boundary;
};

/* All addresses with the same first `depth` bits. */
struct net {
	u128 first;  /* address */
	size_t from; /* boundaries from..to-1 are behind the first address, and in the net */
	size_t to;
	uint32_t class; /* of the first address */
	unsigned depth;
};

static int make_node(struct builder *builder, const struct net *net, uint32_t *entry);

static u128
place(const struct builder *builder, size_t idx)
{
	return (u128)builder->boundary[idx].high << 64 | builder->boundary[idx].low;
}

static bool
is_uniform(const struct net *net)
{
	return net->from == net->to;
}

/* The halves of a net. */
static void
split(const struct builder *builder, const struct net *net, struct net half[2])
{
	u128 middle = net->first | (u128)1 << (ADDRESS_BITS - 1 - net->depth);
	size_t from = net->from;
	size_t to = net->to;

	while (from < to) {
		size_t between = from + (to - from) / 2;
		if (place(builder, between) < middle)
			from = between + 1;
		else
			to = between;
	}
	bool begins = from < net->to && place(builder, from) == middle;
	size_t decides = begins ? from : from - 1; /* the last boundary up to the middle */
	half[0] = half[1] = *net;
	half[0].depth = half[1].depth = net->depth + 1;
	half[0].to = from;
	half[1].first = middle;
	half[1].from = begins ? from + 1 : from;
	if (begins || from > net->from)
		half[1].class = builder->boundary[decides].region;
}

/* Writes the entries of a part of a branch or root: slot_cnt of them (a power of two), which `net`
 * is made of. */
static int
fill(struct builder *builder, const struct net *net, uint32_t *slot, unsigned slot_cnt)
{
	struct net half[2];

	if (is_uniform(net)) {
		for (unsigned i = 0; i < slot_cnt; i++)
			slot[i] = VLY_CLIENT_LEAF(net->class, net->depth);
		return 0;
	}
	if (slot_cnt == 1)
		return make_node(builder, net, slot);
	split(builder, net, half);
	if (fill(builder, &half[0], slot, slot_cnt / 2) != 0)
		return -1;
	return fill(builder, &half[1], slot + slot_cnt / 2, slot_cnt / 2);
}

/* Appends `added` elements, at most 256, to an array. Returns the index of the first one in *idx; 0,
 * or -1 without memory, or when there are more than an entry can number. */
static int
append(void *array, uint32_t *cnt, uint32_t *room, size_t bytes, uint32_t added, uint32_t *idx)
{
	if (added > VLY_CLIENT_NODE_MAX - *cnt)
		return -1;
	if (*cnt + added > *room) {
		uint32_t wanted = *room + *room / 2 + 1024;
		void *old;
		memcpy(&old, array, sizeof(old));
		void *grown = realloc(old, wanted * bytes);
		if (grown == NULL)
			return -1;
		memcpy(array, &grown, sizeof(grown));
		*room = wanted;
	}
	*idx = *cnt;
	*cnt += added;
	return 0;
}

/* Whether the bits behind net->depth can go on in a path whose other addresses have the class
 * *other, if `bits` of it are there already. Then *net becomes the half that the path is in. */
static bool
extend(const struct builder *builder, struct net *net, unsigned bits, uint32_t *other)
{
	struct net half[2];

	if (is_uniform(net) || bits == VLY_CLIENT_PATH_BITS_MAX)
		return false;
	split(builder, net, half);
	for (unsigned i = 0; i < 2; i++)
		if (is_uniform(&half[i]) && (bits == 0 || half[i].class == *other)) {
			*other = half[i].class;
			*net = half[1 - i];
			return true;
		}
	return false;
}

/* Makes a path for the net, if one is worth while: returns 1 then, 0 if not, -1 without memory. */
static int
make_path(struct builder *builder, const struct net *net, uint32_t *entry)
{
	struct vly_built_map *map = builder->map;
	struct vly_client_path path = {0};
	struct net end = *net;
	uint32_t other = 0;
	unsigned bits = 0;
	uint32_t idx;

	while (extend(builder, &end, bits, &other))
		bits++;
	if (bits == 0 || (!is_uniform(&end) && bits < VLY_CLIENT_PATH_BITS_MIN))
		return 0;
	if (append(&map->path, &map->path_cnt, &map->path_room, sizeof(path), 1, &idx) != 0)
		return -1;
	path.bits = (uint64_t)(end.first << net->depth >> 64);
	path.other = VLY_CLIENT_LEAF(other, bits);
	if (fill(builder, &end, &path.entry, 1) != 0)
		return -1;
	map->path[idx] = path;
	*entry = VLY_CLIENT_ENTRY_PATH | idx;
	return 1;
}

/* Puts the entries of the slots into a branch: one for each run of equal ones. */
static int
pack(struct vly_built_map *map, const uint32_t *slot, struct vly_client_branch *branch)
{
	uint32_t entry[VLY_CLIENT_BRANCH_CNT];
	unsigned cnt = 0;

	for (unsigned i = 0; i < VLY_CLIENT_BRANCH_CNT; i++) {
		if (i > 0 && slot[i] == slot[i - 1])
			continue;
		branch->first[i / 64] |= UINT64_C(1) << i % 64;
		entry[cnt++] = slot[i];
	}
	unsigned kept = cnt < VLY_CLIENT_BRANCH_INLINE ? cnt : VLY_CLIENT_BRANCH_INLINE;
	memcpy(branch->entry, entry, kept * sizeof(*entry));
	if (cnt == kept)
		return 0;
	if (append(&map->spill, &map->spill_cnt, &map->spill_room, sizeof(*entry), cnt - kept,
		   &branch->spill) != 0)
		return -1;
	memcpy(map->spill + branch->spill, entry + kept, (cnt - kept) * sizeof(*entry));
	return 0;
}

static int
make_branch(struct builder *builder, const struct net *net, uint32_t *entry)
{
	struct vly_built_map *map = builder->map;
	struct vly_client_branch branch = {0};
	uint32_t slot[VLY_CLIENT_BRANCH_CNT];

	if (append(&map->branch, &map->branch_cnt, &map->branch_room, sizeof(branch), 1, entry) !=
		    0 ||
	    fill(builder, net, slot, VLY_CLIENT_BRANCH_CNT) != 0 || pack(map, slot, &branch) != 0)
		return -1;
	map->branch[*entry] = branch;
	return 0;
}

/* Makes the tree of a net that is not uniform. The recursion ends: a node takes at least 8 bits, or
 * is the last one. */
static int
make_node(struct builder *builder, const struct net *net, uint32_t *entry)
{
	int made = make_path(builder, net, entry);

	return made != 0 ? (made > 0 ? 0 : -1) : make_branch(builder, net, entry);
}

static int
make_family(struct vly_built_map *map, const struct vly_partition *classes, enum vly_family family)
{
	const struct vly_part *part = &classes->part[family];
	struct builder builder = {.map = map, .boundary = part->boundary};
	struct net all = {.from = 1, .to = part->cnt, .class = part->boundary[0].region};

	map->root[family] = malloc(VLY_CLIENT_MAP_ROOT_CNT * sizeof(uint32_t));
	if (map->root[family] == NULL)
		return -1;
	return fill(&builder, &all, map->root[family], VLY_CLIENT_MAP_ROOT_CNT);
}

static int
copy_partition(struct vly_partition *to, const struct vly_partition *from)
{
	memset(to, 0, sizeof(*to));
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++) {
		size_t bytes = from->part[family].cnt * sizeof(struct vly_boundary);
		to->part[family].boundary = malloc(bytes);
		if (to->part[family].boundary == NULL) {
			vly_partition_free(to);
			return -1;
		}
		memcpy(to->part[family].boundary, from->part[family].boundary, bytes);
		to->part[family].cnt = from->part[family].cnt;
	}
	return 0;
}

/* Whether boundaries are in order and at addresses of the family: a net with one that no split finds would
 * be split for ever. And regions must have a class. */
static bool
is_sound(const struct vly_partition *partition, enum vly_family family)
{
	const struct vly_part *part = &partition->part[family];
	const struct vly_boundary *at = part->boundary;

	if (part->cnt == 0 || (at[0].high | at[0].low) != 0)
		return false;
	for (size_t i = 0; i < part->cnt; i++) {
		if (at[i].region >= partition->region_cnt)
			return false;
		if (family == VLY_FAMILY_IPV4 && ((at[i].high & UINT32_MAX) | at[i].low) != 0)
			return false;
		if (i > 0 && (at[i - 1].high > at[i].high ||
			      (at[i - 1].high == at[i].high && at[i - 1].low >= at[i].low)))
			return false;
	}
	return true;
}

int
vly_client_map_build(struct vly_built_map *map, const struct vly_partition *partition,
		     const uint32_t *class_of, uint32_t class_cnt)
{
	struct vly_partition classes;
	int error = 0;

	*map = (struct vly_built_map){.class_cnt = class_cnt};
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++)
		if (!is_sound(partition, family))
			return -1;
	if (copy_partition(&classes, partition) != 0)
		return -1;
	vly_partition_renumber(&classes, class_of, class_cnt);
	for (unsigned family = 0; family < VLY_FAMILY_CNT && error == 0; family++)
		error = make_family(map, &classes, family);
	vly_partition_free(&classes);
	if (error != 0)
		vly_built_map_free(map);
	return error;
}

uint64_t
vly_built_map_bytes(const struct vly_built_map *map)
{
	return vly_client_map_bytes(map->branch_cnt, map->path_cnt, map->spill_cnt);
}

/* Returns the octet behind the copy. */
static uint8_t *
copy(uint8_t *to, const void *from, size_t bytes)
{
	if (bytes > 0) /* an array without elements may be NULL */
		memcpy(to, from, bytes);
	return to + bytes;
}

void
vly_built_map_write(const struct vly_built_map *map, void *to)
{
	struct vly_client_map *block = to;
	uint64_t bytes = vly_built_map_bytes(map);
	uint8_t *at = (uint8_t *)(block + 1);

	memset(block, 0, offsetof(struct vly_client_map, root4));
	block->bytes = bytes;
	block->class_cnt = map->class_cnt;
	block->branch_cnt = map->branch_cnt;
	block->path_cnt = map->path_cnt;
	block->spill_cnt = map->spill_cnt;
	memcpy(block->root4, map->root[VLY_FAMILY_IPV4], sizeof(block->root4));
	memcpy(block->root6, map->root[VLY_FAMILY_IPV6], sizeof(block->root6));
	at = copy(at, map->branch, map->branch_cnt * sizeof(*map->branch));
	at = copy(at, map->path, map->path_cnt * sizeof(*map->path));
	at = copy(at, map->spill, map->spill_cnt * sizeof(*map->spill));
	memset(at, 0, (size_t)((uint8_t *)to + bytes - at));
}

void
vly_built_map_free(struct vly_built_map *map)
{
	for (unsigned family = 0; family < VLY_FAMILY_CNT; family++)
		free(map->root[family]);
	free(map->branch);
	free(map->path);
	free(map->spill);
	memset(map, 0, sizeof(*map));
}
