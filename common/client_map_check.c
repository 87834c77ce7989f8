/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "client_map_check.h"

#include <stdbool.h>

/* What the walk has seen. In a tree, each branch and path is visited once. So when there are more visits
 * than nodes, the map is damaged: otherwise one with the same subtree at many places could make the
 * walk as long as it liked. */
struct walk {
	const struct vly_client_map *map;
	uint64_t branches_seen;
	uint64_t paths_seen;
	unsigned bits_max; /* of an address */
	const char *wrong;
};

static bool visit(struct walk *walk, uint32_t entry, unsigned depth);

static bool
refuse(struct walk *walk, const char *wrong)
{
	walk->wrong = wrong;
	return false;
}

static bool
is_leaf(uint32_t entry)
{
	return (entry & VLY_CLIENT_ENTRY_LEAF) != 0;
}

static bool
class_is_sound(struct walk *walk, uint32_t leaf)
{
	return VLY_CLIENT_LEAF_CLASS(leaf) < walk->map->class_cnt ||
	       refuse(walk, "a class that does not exist");
}

/* The entry of slots first..end-1, each of which stands for a prefix of `depth` bits. A leaf
 * must fill whole prefixes of its length, which is not below `min`. */
static bool
run_is_sound(struct walk *walk, uint32_t entry, unsigned first, unsigned end, unsigned depth,
	     unsigned min)
{
	unsigned bits = VLY_CLIENT_LEAF_BITS(entry);

	if (!is_leaf(entry))
		return end - first == 1 ? visit(walk, entry, depth)
					: refuse(walk, "a node at several places of the tree");
	if (bits < min || bits > depth || bits > walk->bits_max)
		return refuse(walk, "a leaf whose length is not that of its place");
	unsigned slots = 1U << (depth - bits);
	if (first % slots != 0 || end % slots != 0)
		return refuse(walk, "a leaf that is not all of its prefix");
	return class_is_sound(walk, entry);
}

static bool
visit_branch(struct walk *walk, uint32_t idx, unsigned depth)
{
	const struct vly_client_branch *branch = vly_client_map_branches(walk->map) + idx;
	unsigned run_cnt = vly_client_branch_run(branch, VLY_CLIENT_BRANCH_CNT - 1) + 1;
	unsigned spilled =
		run_cnt > VLY_CLIENT_BRANCH_INLINE ? run_cnt - VLY_CLIENT_BRANCH_INLINE : 0;
	const uint32_t *spill = vly_client_map_spill(walk->map) + branch->spill;
	unsigned first = 0;

	if ((branch->first[0] & 1) == 0)
		return refuse(walk, "a branch without an entry for its first slot");
	if ((uint64_t)branch->spill + spilled > walk->map->spill_cnt)
		return refuse(walk, "a branch with entries behind the spill");
	for (unsigned run = 0; run < run_cnt; run++) {
		unsigned end = first + 1;
		while (end < VLY_CLIENT_BRANCH_CNT && !(branch->first[end / 64] >> end % 64 & 1))
			end++;
		uint32_t entry = run < VLY_CLIENT_BRANCH_INLINE
					 ? branch->entry[run]
					 : spill[run - VLY_CLIENT_BRANCH_INLINE];
		if (!run_is_sound(walk, entry, first, end, depth + VLY_CLIENT_BRANCH_BITS,
				  depth + 1))
			return false;
		first = end;
	}
	return true;
}

static bool
visit_path(struct walk *walk, uint32_t idx, unsigned depth)
{
	const struct vly_client_path *path = vly_client_map_paths(walk->map) + idx;
	unsigned bits = VLY_CLIENT_LEAF_BITS(path->other);
	unsigned end = depth + bits;

	if (!is_leaf(path->other) || bits == 0 || bits > VLY_CLIENT_PATH_BITS_MAX)
		return refuse(walk, "a path whose number of bits is out of range");
	if (end > walk->bits_max)
		return refuse(walk, "a path that is longer than an address");
	if (path->bits << bits != 0)
		return refuse(walk, "a path with bits behind its end");
	if (!class_is_sound(walk, path->other))
		return false;
	if (!is_leaf(path->entry) && bits < VLY_CLIENT_PATH_BITS_MIN)
		return refuse(walk, "a short path that goes on");
	return run_is_sound(walk, path->entry, 0, 1, end, end);
}

/* The branch or path that an entry names; `depth` bits are before it. Each takes bits of the
 * address, so the recursion ends. */
static bool
visit(struct walk *walk, uint32_t entry, unsigned depth)
{
	uint32_t idx = entry & (VLY_CLIENT_NODE_MAX - 1);
	bool path = (entry & VLY_CLIENT_ENTRY_PATH) != 0;
	uint64_t *seen = path ? &walk->paths_seen : &walk->branches_seen;
	uint32_t cnt = path ? walk->map->path_cnt : walk->map->branch_cnt;

	if (depth >= walk->bits_max)
		return refuse(walk, "a node behind the last bit of an address");
	if (idx >= cnt)
		return refuse(walk, "a node that does not exist");
	if (++*seen > cnt)
		return refuse(walk, "a node at several places of the tree");
	return path ? visit_path(walk, idx, depth) : visit_branch(walk, idx, depth);
}

/* Equal entries of neighbouring slots make a run here, too. */
static bool
root_is_sound(struct walk *walk, const uint32_t *root, unsigned bits_max)
{
	unsigned first = 0;

	walk->bits_max = bits_max;
	while (first < VLY_CLIENT_MAP_ROOT_CNT) {
		unsigned end = first + 1;
		while (end < VLY_CLIENT_MAP_ROOT_CNT && root[end] == root[first])
			end++;
		if (!run_is_sound(walk, root[first], first, end, VLY_CLIENT_MAP_ROOT_BITS, 0))
			return false;
		first = end;
	}
	return true;
}

static const char *
check_header(const struct vly_client_map *map, uint64_t bytes)
{
	if (bytes < sizeof(*map))
		return "shorter than its header and its roots";
	if (map->class_cnt == 0 || map->class_cnt > VLY_CLIENT_CLASS_MAX)
		return "the number of classes is out of range";
	if (map->branch_cnt > VLY_CLIENT_NODE_MAX || map->path_cnt > VLY_CLIENT_NODE_MAX)
		return "too many nodes";
	if (map->bytes != vly_client_map_bytes(map->branch_cnt, map->path_cnt, map->spill_cnt))
		return "the size is not that of its parts";
	return map->bytes > bytes ? "longer than the block that it is in" : NULL;
}

const char *
vly_client_map_check(const void *block, uint64_t bytes)
{
	struct walk walk = {.map = block};
	const char *wrong = check_header(block, bytes);

	if (wrong != NULL)
		return wrong;
	if (!root_is_sound(&walk, walk.map->root4, 32) ||
	    !root_is_sound(&walk, walk.map->root6, 128))
		return walk.wrong;
	if (walk.branches_seen != walk.map->branch_cnt || walk.paths_seen != walk.map->path_cnt)
		return "a node that no entry names";
	return NULL;
}
