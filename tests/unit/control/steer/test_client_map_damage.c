/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Damaged client maps: each finding of the check is provoked, and what passes it is safe to read. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/client_map_check.h"
#include "prefix_model.h"

/* The end of the block is the end of the mapping: a read behind it is a fault. */
struct block {
	struct vly_client_map *sound;
	struct vly_client_map *map; /* a copy, to be damaged */
	uint64_t bytes;
	void *pages;
	size_t pages_bytes;
};

static void
open_block(struct block *block, struct vly_test_random *random)
{
	const struct vly_model_shape shape = {.prefix_cnt = 300,
					      .region_cnt = 9,
					      .class_cnt = 6,
					      .nested = 90,
					      .bits_min = 4,
					      .bits_max = 32};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct vly_model model;

	vly_model_random(&model, &shape, random);
	block->sound = vly_model_map(&model);
	vly_model_free(&model);
	block->bytes = block->sound->bytes;
	block->pages_bytes = (block->bytes + page - 1) / page * page;
	block->pages = mmap(NULL, block->pages_bytes + page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(block->pages, MAP_FAILED);
	uint8_t *end = (uint8_t *)block->pages + block->pages_bytes;
	cr_assert_eq(mprotect(end, page, PROT_NONE), 0);
	block->pages_bytes += page;
	block->map = (struct vly_client_map *)(end - block->bytes);
	memcpy(block->map, block->sound, block->bytes);
}

static void
close_block(struct block *block)
{
	munmap(block->pages, block->pages_bytes);
	free(block->sound);
}

static struct vly_client_branch *
branch(struct vly_client_map *map, uint32_t idx)
{
	return (struct vly_client_branch *)(map + 1) + idx;
}

static struct vly_client_path *
path(struct vly_client_map *map, uint32_t idx)
{
	return (struct vly_client_path *)branch(map, map->branch_cnt) + idx;
}

static bool
is_leaf(uint32_t entry)
{
	return (entry & VLY_CLIENT_ENTRY_LEAF) != 0;
}

/* Each does damage at place i, the number of a branch and of a path, or returns false when there is
 * nothing to damage. */
static bool
no_classes(struct vly_client_map *map, uint32_t i)
{
	map->class_cnt = 0;
	return i == 0;
}

static bool
too_many_classes(struct vly_client_map *map, uint32_t i)
{
	map->class_cnt = VLY_CLIENT_CLASS_MAX + 1;
	return i == 0;
}

static bool
many_nodes(struct vly_client_map *map, uint32_t i)
{
	map->path_cnt = VLY_CLIENT_NODE_MAX + 1;
	return i == 0;
}

static bool
other_size(struct vly_client_map *map, uint32_t i)
{
	map->spill_cnt += 16;
	return i == 0;
}

static bool
larger(struct vly_client_map *map, uint32_t i)
{
	map->spill_cnt += 16;
	map->bytes += 64;
	return i == 0;
}

static bool
no_first_slot(struct vly_client_map *map, uint32_t i)
{
	branch(map, i)->first[0] &= ~UINT64_C(1);
	return true;
}

static bool
behind_spill(struct vly_client_map *map, uint32_t i)
{
	branch(map, i)->spill = map->spill_cnt;
	return true;
}

static bool
path_without_bits(struct vly_client_map *map, uint32_t i)
{
	path(map, i)->other &= ~UINT32_C(0xff);
	return true;
}

static bool
path_of_64_bits(struct vly_client_map *map, uint32_t i)
{
	path(map, i)->other = VLY_CLIENT_LEAF(0, 64);
	return true;
}

static bool
long_path(struct vly_client_map *map, uint32_t i)
{
	path(map, i)->other = VLY_CLIENT_LEAF(0, 63);
	return true;
}

static bool
path_with_more_bits(struct vly_client_map *map, uint32_t i)
{
	path(map, i)->bits |= 1;
	return true;
}

static bool
short_path(struct vly_client_map *map, uint32_t i)
{
	struct vly_client_path *damaged = path(map, i);

	damaged->bits &= ~(UINT64_MAX >> 7);
	damaged->other = VLY_CLIENT_LEAF(0, 7);
	return true;
}

static bool
path_leaf_length(struct vly_client_map *map, uint32_t i)
{
	path(map, i)->entry ^= 1;
	return is_leaf(path(map, i)->entry);
}

static bool
path_class(struct vly_client_map *map, uint32_t i)
{
	struct vly_client_path *damaged = path(map, i);

	damaged->other = VLY_CLIENT_LEAF(map->class_cnt, damaged->other & 0xff);
	return true;
}

static bool
leaf_class(struct vly_client_map *map, uint32_t i)
{
	uint32_t bits = branch(map, i)->entry[0] & 0xff;

	if (!is_leaf(branch(map, i)->entry[0]))
		return false;
	branch(map, i)->entry[0] = VLY_CLIENT_LEAF(map->class_cnt, bits);
	return true;
}

static bool
narrow_leaf(struct vly_client_map *map, uint32_t i)
{
	map->root6[0] = VLY_CLIENT_LEAF(0, 17);
	return i == 0;
}

static bool
wide_leaf(struct vly_client_map *map, uint32_t i)
{
	map->root6[UINT16_MAX] = VLY_CLIENT_LEAF(0, 0);
	return i == 0;
}

/* A slot of the root that has a node: its neighbour's prefix is a leaf of the same length, or a node,
 * too. */
static uint32_t
node_slot(const struct vly_client_map *map)
{
	uint32_t slot = 0;

	while (is_leaf(map->root4[slot]))
		slot++;
	return slot;
}

static bool
root_node_twice(struct vly_client_map *map, uint32_t i)
{
	uint32_t slot = node_slot(map);

	map->root4[slot ^ 1] = map->root4[slot];
	return i == 0;
}

static bool
unknown_branch(struct vly_client_map *map, uint32_t i)
{
	map->root4[0] = map->branch_cnt;
	return i == 0;
}

static bool
unknown_path(struct vly_client_map *map, uint32_t i)
{
	map->root6[0] = VLY_CLIENT_ENTRY_PATH | map->path_cnt;
	return i == 0;
}

static bool
loop(struct vly_client_map *map, uint32_t i)
{
	path(map, i)->entry = VLY_CLIENT_ENTRY_PATH | i;
	return true;
}

static bool
lost_node(struct vly_client_map *map, uint32_t i)
{
	map->root4[node_slot(map)] = VLY_CLIENT_LEAF(0, 16);
	return i == 0;
}

/* Paths to the last bit of an address. */
static bool
behind_address(struct vly_client_map *map, uint32_t i)
{
	path(map, i)->entry = 0;
	return true;
}

static const struct {
	bool (*damage)(struct vly_client_map *map, uint32_t i);
	const char *reason;
} cases[] = {
	{no_classes, "number of classes"},
	{too_many_classes, "number of classes"},
	{many_nodes, "too many nodes"},
	{other_size, "the size is not that of its parts"},
	{larger, "longer than the block"},
	{no_first_slot, "without an entry for its first slot"},
	{behind_spill, "entries behind the spill"},
	{path_without_bits, "number of bits is out of range"},
	{path_of_64_bits, "number of bits is out of range"},
	{long_path, "longer than an address"},
	{path_with_more_bits, "bits behind its end"},
	{short_path, "a short path that goes on"},
	{path_leaf_length, "not that of its place"},
	{path_class, "a class that does not exist"},
	{leaf_class, "a class that does not exist"},
	{narrow_leaf, "not that of its place"},
	{wide_leaf, "not all of its prefix"},
	{root_node_twice, "several places"},
	{unknown_branch, "a node that does not exist"},
	{unknown_path, "a node that does not exist"},
	{loop, "longer than an address"},
	{lost_node, "a node that no entry names"},
	{behind_address, "behind the last bit of an address"},
};

/* Whether the damage is found for this reason at one place: at others, something else may be found
 * first. */
static bool
is_found(struct block *block, unsigned idx)
{
	uint32_t branch_cnt = block->sound->branch_cnt;
	uint32_t path_cnt = block->sound->path_cnt;
	uint32_t place_cnt = branch_cnt < path_cnt ? branch_cnt : path_cnt;
	bool found = false;

	for (uint32_t i = 0; i < place_cnt && !found; i++) {
		if (cases[idx].damage(block->map, i)) {
			const char *wrong = vly_client_map_check(block->map, block->bytes);
			found = wrong != NULL && strstr(wrong, cases[idx].reason) != NULL;
		}
		memcpy(block->map, block->sound, block->bytes);
	}
	return found;
}

Test(client_map_damage, each_reason)
{
	struct vly_test_random random = {.state = 11};
	struct block block;

	open_block(&block, &random);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_expect(is_found(&block, i), "case %u: never \"%s\"", i, cases[i].reason);
	const char *wrong = vly_client_map_check(block.map, sizeof(*block.map) - 1);
	cr_expect_not_null(strstr(wrong, "shorter than its header"));
	cr_expect_null(vly_client_map_check(block.map, block.bytes));
	close_block(&block);
}

/* Lookups in what has passed the check. */
static void
look_around(const struct block *block, struct vly_test_random *random)
{
	struct vly_client_cursor cursor;

	for (unsigned i = 0; i < 100; i++) {
		uint64_t high = vly_test_random_next(random);
		vly_client_map_begin4(block->map, (uint32_t)high, &cursor);
		uint32_t leaf = vly_client_map_finish(block->map, &cursor);
		cr_assert(is_leaf(leaf) && VLY_CLIENT_LEAF_BITS(leaf) <= 32);
		cr_assert_lt(VLY_CLIENT_LEAF_CLASS(leaf), block->map->class_cnt);
		vly_client_map_begin6(block->map, high, vly_test_random_next(random), &cursor);
		leaf = vly_client_map_finish(block->map, &cursor);
		cr_assert(is_leaf(leaf) && VLY_CLIENT_LEAF_BITS(leaf) <= 128);
		cr_assert_lt(VLY_CLIENT_LEAF_CLASS(leaf), block->map->class_cnt);
	}
}

Test(client_map_damage, random_words)
{
	struct vly_test_random random = {.state = 12};
	struct block block;
	unsigned passed = 0;

	open_block(&block, &random);
	uint32_t *word = (uint32_t *)block.map;
	uint32_t word_cnt = (uint32_t)(block.bytes / 4);
	uint32_t nodes = (uint32_t)(sizeof(*block.map) / 4);
	for (unsigned i = 0; i < 3000; i++) {
		uint32_t at = vly_test_random_chance(&random, 80)
				      ? nodes + vly_test_random_below(&random, word_cnt - nodes)
				      : vly_test_random_below(&random, word_cnt);
		uint32_t kept = word[at];
		word[at] = vly_test_random_chance(&random, 50)
				   ? (uint32_t)vly_test_random_next(&random)
				   : kept ^ UINT32_C(1) << vly_test_random_below(&random, 32);
		if (vly_client_map_check(block.map, block.bytes) == NULL) {
			passed++;
			look_around(&block, &random);
		}
		word[at] = kept;
	}
	cr_expect_gt(passed, 10, "only %u damaged maps passed: too few to say anything", passed);
	close_block(&block);
}
