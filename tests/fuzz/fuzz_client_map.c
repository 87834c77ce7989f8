/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Client maps from another process: a sound map with some words changed, as the input says. What passes the
 * check is looked up in. The map is at the end of its allocation, where the sanitizer sees reads behind it. */
#include <stdlib.h>
#include <string.h>

#include "common/client_map_check.h"
#include "random.h"
#include "steer/map_builder.h"
#include "target.h"

#define PREFIX_CNT 60
#define CLASS_CNT  5

static struct vly_client_map *sound;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct vly_test_random random = {.state = 3};
	struct vly_region_list list = {0};
	struct vly_region_twins twins;
	struct vly_partition partition;
	struct vly_built_map built;
	const uint32_t class_of[CLASS_CNT] = {0, 1, 2, 3, 4};
	static const char *const name[] = {"a", "b", "c", "d"};

	(void)argc;
	(void)argv;
	for (unsigned i = 0; i < 4; i++)
		require(vly_region_number(&list.names, name[i]) != 0);
	for (unsigned i = 0; i < PREFIX_CNT; i++) {
		bool ipv4 = i % 2 == 0;
		struct vly_region_prefix prefix = {0};
		prefix.bits = (14 + vly_test_random_below(&random, ipv4 ? 19 : 51)) & 0xff;
		prefix.region = (1 + vly_test_random_below(&random, 4)) & 0xff;
		/* few networks of 8 bits, so that they are beside each other */
		prefix.high = (vly_test_random_next(&random) >> 7) &
			      ~(UINT64_MAX >> (prefix.bits - 1) >> 1);
		require(vly_region_list_add(&list, ipv4 ? VLY_FAMILY_IPV4 : VLY_FAMILY_IPV6,
					    &prefix) == 0);
	}
	require(vly_region_list_settle(&list, &twins) == 0);
	require(vly_partition_make(&partition, &list) == 0);
	require(vly_client_map_build(&built, &partition, class_of, CLASS_CNT) == 0);
	sound = aligned_alloc(64, vly_built_map_bytes(&built));
	require(sound != NULL);
	vly_built_map_write(&built, sound);
	require(vly_client_map_check(sound, sound->bytes) == NULL);
	vly_built_map_free(&built);
	vly_partition_free(&partition);
	vly_region_list_free(&list);
	return 0;
}

static void
look_up(const struct vly_client_map *map, uint64_t high, uint64_t low)
{
	struct vly_client_cursor cursor;
	uint32_t leaf;

	vly_client_map_begin4(map, (uint32_t)(high >> 32), &cursor);
	leaf = vly_client_map_finish(map, &cursor);
	require(cursor.next == VLY_CLIENT_NEXT_NONE && VLY_CLIENT_LEAF_BITS(leaf) <= 32);
	require(VLY_CLIENT_LEAF_CLASS(leaf) < map->class_cnt);
	vly_client_map_begin6(map, high, low, &cursor);
	leaf = vly_client_map_finish(map, &cursor);
	require(cursor.next == VLY_CLIENT_NEXT_NONE && VLY_CLIENT_LEAF_BITS(leaf) <= 128);
	require(VLY_CLIENT_LEAF_CLASS(leaf) < map->class_cnt);
}

/* A change: the place of a word, in the header, a root or behind them, and its new value. */
struct change {
	uint16_t place;
	uint16_t part;
	uint32_t word;
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	uint64_t block_bytes = sound->bytes;
	struct vly_client_map *map = aligned_alloc(64, block_bytes);
	uint32_t *word = (uint32_t *)map;
	struct change change;

	memcpy(map, sound, block_bytes);
	for (; bytes >= sizeof(change); data += sizeof(change), bytes -= sizeof(change)) {
		memcpy(&change, data, sizeof(change));
		size_t behind = sizeof(*map) / 4;
		size_t at = change.part % 4 == 0 ? change.place % 16
			    : change.part % 4 == 1
				    ? 16 + 2 * (size_t)change.place
				    : behind + change.place % (block_bytes / 4 - behind);
		word[at] = change.part % 8 < 4 ? change.word : word[at] ^ change.word;
	}
	if (vly_client_map_check(map, block_bytes) == NULL) {
		struct vly_test_random random = {.state = 9};
		for (unsigned i = 0; i < 64; i++) {
			uint64_t high = vly_test_random_next(&random);
			look_up(map, i % 2 ? high : high >> 7, vly_test_random_next(&random));
		}
	}
	free(map);
	return 0;
}
