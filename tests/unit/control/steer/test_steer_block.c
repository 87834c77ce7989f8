/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The block and its slots against the text of the map and the policy; and the states of members. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/steer_check.h"
#include "steer/steer_block.h"
#include "steer/steer_states.h"

static char directory[] = "/tmp/volley-steer-block-XXXXXX";
static char config_path[64];
static char map_path[64];
static char states_path[64];

static void
make_directory(void)
{
	cr_assert_not_null(mkdtemp(directory));
	snprintf(config_path, sizeof(config_path), "%s/volley.yaml", directory);
	snprintf(map_path, sizeof(map_path), "%s/map.txt", directory);
	snprintf(states_path, sizeof(states_path), "%s/pools.json", directory);
}

static void
remove_directory(void)
{
	char damaged[80];

	snprintf(damaged, sizeof(damaged), "%s.damaged", states_path);
	unlink(config_path);
	unlink(map_path);
	unlink(states_path);
	unlink(damaged);
	rmdir(directory);
}

TestSuite(steer_block, .init = make_directory, .fini = remove_directory);

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static struct vly_steer_model *
load(void)
{
	struct vly_config_errors errors;

	write_file(
		config_path,
		"steer:\n  ecs: { mode: on, resolvers: [198.51.100.0/24] }\n"
		"  maps: [ { name: m, file: map.txt } ]\n"
		"  pools:\n"
		"    - { name: p0, members: [ { name: a, A: 192.0.2.0 }, { name: b, A: 192.0.2.1 } "
		"] }\n"
		"    - { name: p1, members: [ { name: a, A: 192.0.2.2 } ] }\n"
		"    - { name: p2, members: [ { name: a, A: 192.0.2.3 } ] }\n"
		"  policies:\n    - name: q\n      geo:\n        map: m\n        rules:\n"
		"          - { regions: [r1, r3], to: p1 }\n          - { regions: [r2], to: p2 }\n"
		"        default: p0\n"
		"zones:\n  - name: example.\n    file: a\n"
		"    steer: [ { name: www, types: [A], policy: q } ]\n");
	struct vly_config *config = vly_config_load(config_path, &errors);
	cr_assert_not_null(config, "%s", errors.cnt ? errors.text[0] : "");
	struct vly_steer_model *model = vly_steer_model_new(config);
	vly_config_free(config);
	cr_assert_not_null(model);
	return model;
}

#define PREFIXES 400

static struct {
	uint32_t address;
	unsigned bits;
	unsigned region;
} prefix[PREFIXES];

static uint32_t
random_address(void)
{
	return 10u << 24 | ((uint32_t)rand() & 0xffffff);
}

static void
write_map(void)
{
	char text[PREFIXES * 40];
	int len = 0;

	for (unsigned i = 0; i < PREFIXES; i++) {
		bool is_twice = false;
		prefix[i].bits = 9 + (unsigned)rand() % 20;
		prefix[i].address = random_address() & ~(UINT32_MAX >> prefix[i].bits);
		prefix[i].region = (unsigned)rand() % 5;
		for (unsigned n = 0; n < i; n++)
			is_twice |= prefix[n].address == prefix[i].address &&
				    prefix[n].bits == prefix[i].bits;
		if (is_twice) {
			i--;
			continue;
		}
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%u.%u.%u.%u/%u r%u\n",
				prefix[i].address >> 24, prefix[i].address >> 16 & 255,
				prefix[i].address >> 8 & 255, prefix[i].address & 255,
				prefix[i].bits, prefix[i].region);
	}
	write_file(map_path, text);
}

/* The pool of the region of an address: the longest prefix decides. */
static unsigned
naive_pool(uint32_t address)
{
	static const unsigned pool_of[] = {0, 1, 2, 1, 0};
	unsigned best = 0;
	unsigned pool = 0;

	for (unsigned i = 0; i < PREFIXES; i++)
		if ((address & ~(UINT32_MAX >> prefix[i].bits)) == prefix[i].address &&
		    prefix[i].bits >= best) {
			best = prefix[i].bits;
			pool = pool_of[prefix[i].region];
		}
	return pool;
}

/* Maps a block; checks it as the dataplane does. */
static const struct vly_steer_header *
map_block(const struct vly_steer_block *block, const struct vly_steer_slots *slots)
{
	struct stat status;

	cr_assert_eq(fstat(block->fd, &status), 0);
	cr_assert_eq(fcntl(block->fd, F_GET_SEALS) & VLY_STEER_SEALS, VLY_STEER_SEALS);
	const void *mapped =
		mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, block->fd, 0);
	cr_assert_neq(mapped, MAP_FAILED);
	const char *wrong = vly_steer_check(mapped, (uint64_t)status.st_size,
					    slots->slot_cnt * sizeof(uint16_t));
	cr_assert_null(wrong, "%s", wrong);
	return mapped;
}

/* Of each address the pool of the slot, and the scope: within the scope all addresses have it. */
static void
compare(const struct vly_steer_model *model, const struct vly_steer_header *block,
	const struct vly_steer_slots *slots)
{
	const struct vly_steer_kind *kind = &model->kind[0];
	const struct vly_steer_policy *policy = vly_steer_policy_find(block, kind->key);

	cr_assert_not_null(policy);
	for (unsigned i = 0; i < 20000; i++) {
		const uint32_t address =
			i % 2 ? random_address()
			      : prefix[(unsigned)rand() % PREFIXES].address - (uint32_t)rand() % 2;
		struct vly_client_cursor cursor;
		vly_client_map_begin4(vly_steer_map_at(block, policy->map), address, &cursor);
		const uint32_t leaf =
			vly_client_map_finish(vly_steer_map_at(block, policy->map), &cursor);
		const struct vly_steer_row *row =
			&vly_steer_rows(block)[policy->row + VLY_CLIENT_LEAF_CLASS(leaf)];
		struct vly_steer_alternative alternative;
		vly_steer_alternative(model, kind, slots->slot[row->slot], &alternative);
		cr_assert_eq(alternative.cnt, 1);
		const unsigned last = alternative.record[0]->data[3];
		cr_assert_eq(last == 0 ? 0 : last - 1, naive_pool(address), "%08x", address);
		const unsigned bits = VLY_CLIENT_LEAF_BITS(leaf);
		const uint32_t host = bits == 0 ? UINT32_MAX : bits == 32 ? 0 : UINT32_MAX >> bits;
		cr_assert_eq(naive_pool((address & ~host) | (random_address() & host)),
			     naive_pool(address), "inside the scope of %08x/%u", address, bits);
	}
}

Test(steer_block, clients_get_what_the_map_says)
{
	const uint8_t flags[] = {1, 1, 1, 1};
	char reason[VLY_REASON_BYTES];
	struct vly_steer_block block;
	int slots_fd;

	srand(11);
	write_map();
	struct vly_steer_model *model = load();
	struct vly_steer_maps *maps = vly_steer_maps_read(model, NULL);
	cr_assert_not_null(maps);
	cr_assert_str_empty(maps->trouble[0]);
	cr_assert_eq(vly_steer_block_make(&block, model, maps, 3, reason), 0, "%s", reason);
	struct vly_steer_slots *slots = vly_steer_slots_make(&block, model, &slots_fd);
	cr_assert_not_null(slots);
	cr_expect_eq(fcntl(slots_fd, F_GET_SEALS) & VLY_STEER_SLOT_SEALS, VLY_STEER_SLOT_SEALS);
	vly_steer_slots_fill(slots, flags, NULL);
	const struct vly_steer_header *header = map_block(&block, slots);
	cr_expect_eq(header->generation, 3);
	cr_expect_eq(header->ecs, 1);
	cr_assert_eq(header->resolver_map, 1);
	struct vly_client_cursor cursor;
	vly_client_map_begin4(vly_steer_map_at(header, 1), 198u << 24 | 51 << 16 | 100 << 8 | 7,
			      &cursor);
	cr_expect_eq(
		VLY_CLIENT_LEAF_CLASS(vly_client_map_finish(vly_steer_map_at(header, 1), &cursor)),
		1);
	compare(model, header, slots);
	vly_steer_slots_free(slots);
	vly_steer_maps_free(maps);
	vly_steer_model_put(model);
	close(block.fd);
	close(slots_fd);
}

Test(steer_block, a_map_that_is_damaged_stays_and_a_lost_one_gives_nobody_a_region)
{
	char reason[VLY_REASON_BYTES];
	struct vly_steer_block block;

	write_file(map_path, "10.0.0.0/8 r1\n");
	struct vly_steer_model *model = load();
	struct vly_steer_maps *first = vly_steer_maps_read(model, NULL);
	cr_assert_not_null(first->block[0]);
	write_file(map_path, "10.0.0.0/8\n");
	cr_expect(vly_steer_maps_have_changed(model, first));
	struct vly_steer_maps *second = vly_steer_maps_read(model, first);
	cr_expect_eq(second->block[0], first->block[0]);
	cr_expect_not_null(strstr(second->trouble[0], "map.txt:1"), "%s", second->trouble[0]);
	unlink(map_path);
	struct vly_steer_maps *none = vly_steer_maps_read(model, NULL);
	cr_expect_null(none->block[0]);
	cr_assert_eq(vly_steer_block_make(&block, model, none, 1, reason), 0, "%s", reason);
	int slots_fd;
	struct vly_steer_slots *slots = vly_steer_slots_make(&block, model, &slots_fd);
	const struct vly_steer_header *header = map_block(&block, slots);
	const struct vly_steer_policy *policy = vly_steer_policy_find(header, model->kind[0].key);
	cr_expect_eq(policy->map, VLY_STEER_NO_MAP);
	cr_expect_eq(policy->class_cnt, 1);
	vly_steer_slots_free(slots);
	vly_steer_maps_free(first);
	vly_steer_maps_free(second);
	vly_steer_maps_free(none);
	vly_steer_model_put(model);
	close(block.fd);
	close(slots_fd);
}

static void
count(void *arg)
{
	++*(unsigned *)arg;
}

Test(steer_block, states_are_kept_and_wishes_go_first)
{
	char trouble[VLY_STEER_REASON_BYTES];
	unsigned changes = 0;
	struct vly_steer_model *model = load();
	struct vly_steer_states *states = vly_steer_states_new(states_path, count, &changes);

	cr_assert_eq(vly_steer_states_configure(states, model), 0);
	const uint8_t *flags = vly_steer_states_flags(states);
	cr_expect_eq(flags[0], VLY_STEER_MEMBER_UP, "nobody has said anything");
	cr_expect(vly_steer_states_set(states, "p0/b", false, "connection refused", 100));
	cr_expect_not(vly_steer_states_set(states, "p9/b", false, "", 100));
	cr_expect_eq(flags[1], 0);
	cr_expect_eq(changes, 1);
	cr_expect(vly_steer_states_set(states, "p0/b", false, "again", 101));
	cr_expect_eq(changes, 1);
	cr_expect_eq(vly_steer_states_at(states, 1)->since_s, 100);
	cr_expect_eq(vly_steer_states_wish(states, "p0/b", VLY_STEER_WISH_UP, 102, 200, trouble),
		     1);
	cr_expect_eq(flags[1], VLY_STEER_MEMBER_UP);
	cr_expect_eq(vly_steer_states_wish(states, "p0", VLY_STEER_WISH_DRAIN, 103, 0, trouble), 2);
	cr_expect_eq(flags[0], VLY_STEER_MEMBER_UP | VLY_STEER_MEMBER_DRAINED);
	cr_expect_eq(flags[1], VLY_STEER_MEMBER_DRAINED);
	cr_expect_eq(vly_steer_states_wish(states, "p1", VLY_STEER_WISH_DOWN, 104, 200, trouble),
		     1);
	cr_expect_eq(vly_steer_states_wish(states, "p", VLY_STEER_WISH_DOWN, 104, 0, trouble), 0);
	cr_expect_str_empty(trouble);
	cr_expect_eq(vly_steer_states_flip_cnt(states), 4);
	vly_steer_states_free(states);

	states = vly_steer_states_new(states_path, count, &changes);
	cr_assert_eq(vly_steer_states_configure(states, model), 0);
	flags = vly_steer_states_flags(states);
	cr_expect_eq(flags[0], VLY_STEER_MEMBER_UP | VLY_STEER_MEMBER_DRAINED);
	cr_expect_eq(flags[2], VLY_STEER_MEMBER_HELD);
	cr_expect_eq(vly_steer_states_next_end(states), 200);
	vly_steer_states_expire(states, 199);
	cr_expect_eq(flags[2], VLY_STEER_MEMBER_HELD);
	vly_steer_states_expire(states, 200);
	cr_expect_eq(flags[2], VLY_STEER_MEMBER_UP);
	cr_expect_eq(vly_steer_states_next_end(states), 0);
	vly_steer_states_free(states);
	vly_steer_model_put(model);
}

Test(steer_block, a_damaged_file_of_states_is_set_aside_and_one_that_cannot_be_written_is_told)
{
	char trouble[VLY_STEER_REASON_BYTES];
	char damaged[80];
	unsigned changes = 0;
	struct vly_steer_model *model = load();

	write_file(states_path,
		   "{\"version\":1,\"members\":[{\"name\":\"p0/a\",\"wish\":\"down\"},{}]}");
	struct vly_steer_states *states = vly_steer_states_new(states_path, count, &changes);
	cr_assert_eq(vly_steer_states_configure(states, model), 0);
	cr_expect_eq(vly_steer_states_flags(states)[0], VLY_STEER_MEMBER_UP);
	snprintf(damaged, sizeof(damaged), "%s.damaged", states_path);
	cr_expect_eq(access(damaged, F_OK), 0);
	vly_steer_states_free(states);

	snprintf(damaged, sizeof(damaged), "%s/none/pools.json", directory);
	states = vly_steer_states_new(damaged, count, &changes);
	cr_assert_eq(vly_steer_states_configure(states, model), 0);
	cr_expect_eq(vly_steer_states_wish(states, "p1", VLY_STEER_WISH_DOWN, 1, 0, trouble), 1);
	cr_expect_not_null(strstr(trouble, "not kept"), "%s", trouble);
	cr_expect_eq(vly_steer_states_flags(states)[2], VLY_STEER_MEMBER_HELD,
		     "in force all the same");
	vly_steer_states_free(states);
	vly_steer_model_put(model);
}
