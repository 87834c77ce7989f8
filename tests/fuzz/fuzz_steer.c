/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any octets as a steering block and its slots: first the number of slots, then these, then the block,
 * of which the magic number, version, sizes and checksum are put right, so that the checks behind those
 * see it. What is accepted is asked for all of its policies, for clients of both families. Nothing may
 * be read outside: block and slots are as large as their memory, which the sanitizer guards. A block of
 * the tests is made first, and half of the inputs are changes of that: triples of an offset and an
 * octet.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/steer_check.h"
#include "steer/pick.h"
#include "steering.h"
#include "target.h"

#define ALTS  5
#define SLOTS 64 /* enough for that block */

/* Most of it is the roots of its client map: the other parts are what is worth changing. */
static struct vly_steer_header *good;
static uint64_t good_bytes;
static uint32_t good_slots;

static void
make_good(void)
{
	static const uint16_t slot[] = {0, 1, 2, 3, 4, 5, 6, 7};
	static const struct vly_test_prefix prefix[] = {
		{true, {UINT64_C(10) << 56, 0}, 8, 1},
		{true, {UINT64_C(0x0a010203) << 32, 0}, 32, 2},
		{false, {UINT64_C(0x20010db8) << 32, 0}, 32, 1},
		{false, {UINT64_C(0x20010db8) << 32, 1}, 128, 2},
	};
	static const struct vly_test_map map = {3, 4, prefix};
	static const struct vly_test_row row[] = {{VLY_STEER_RANDOM, 0, 0, 0, slot},
						  {VLY_STEER_ROTATE, 1, 0, 0, slot},
						  {VLY_STEER_STICKY, 3, 24, 56, slot}};
	static const struct vly_test_policy policy[] = {{1, 0, VLY_STEER_USES_ECS, 3, row},
							{5, 0, 0, 3, row},
							{2, VLY_STEER_NO_MAP, 0, 1, row}};
	struct vly_test_steer_fds made;

	vly_test_steer_make(
		&(struct vly_test_steer){
			.ecs = true, .policy_cnt = 3, .policy = policy, .map_cnt = 1, .map = &map},
		&made);
	good_bytes = made.block_bytes;
	good_slots = made.slot_cnt;
	if (posix_memalign((void **)&good, VLY_STEER_ALIGN, good_bytes) != 0 ||
	    pread(made.block, good, good_bytes, 0) != (ssize_t)good_bytes)
		abort();
	vly_test_steer_close(&made);
	require(good_slots <= SLOTS);
}

static void
make_plausible(struct vly_steer_header *steer, uint64_t bytes, uint32_t slot_cnt)
{
	steer->magic = VLY_STEER_MAGIC;
	steer->version = VLY_STEER_VERSION;
	steer->header_bytes = sizeof(*steer);
	steer->block_bytes = bytes;
	steer->slot_cnt = slot_cnt;
	steer->checksum = vly_steer_sum(steer);
}

static void
ask(struct vly_steering *steering, struct vly_image_choice *choice, uint64_t policy)
{
	static const struct vly_steer_client client[] = {
		{{0, 0}, true},
		{{UINT64_C(0x0a010203) << 32, 0}, true},
		{{UINT64_C(0xffffffff) << 32, 0}, true},
		{{0, 0}, false},
		{{UINT64_C(0x20010db8) << 32, 1}, false},
		{{UINT64_MAX, UINT64_MAX}, false},
	};
	struct vly_pick pick;

	choice->policy = policy;
	for (unsigned i = 0; i < sizeof(client) / sizeof(client[0]); i++) {
		(void)vly_steering_takes_ecs(steering, &client[i]);
		vly_pick_note(&pick, choice);
		(void)vly_pick_policy(steering, &pick);
		vly_pick_begin(steering, &pick, &client[i]);
		vly_pick_step(steering, &pick);
		const struct vly_picked picked = vly_pick_finish(steering, &pick);
		if (picked.answer < 100 || picked.answer >= 100 + ALTS ||
		    picked.scope > (client[i].is_ipv4 ? 32 : 128))
			abort();
	}
}

static void
ask_all(const struct vly_steer_header *block, const uint16_t *slot)
{
	static struct vly_lcore_counters counters;
	static struct vly_steering steering;
	const struct vly_steer steer = {block, slot, block->slot_cnt * sizeof(*slot)};
	const struct vly_steer_policy *policy = vly_steer_policies(block);
	struct vly_image_choice *choice = malloc(sizeof(*choice) + ALTS * sizeof(vly_image_ref));

	*choice = (struct vly_image_choice){.alt_cnt = ALTS};
	for (unsigned i = 0; i < ALTS; i++)
		choice->alt[i] = 100 + i;
	vly_steering_start(&steering, &counters, 1);
	vly_steering_begin(&steering, &steer);
	ask(&steering, choice, 0);
	ask(&steering, choice, UINT64_MAX);
	for (uint32_t i = 0; i < block->policy_slot_cnt && i < 256; i++)
		ask(&steering, choice, policy[i].key);
	free(choice);
}

static void
check(struct vly_steer_header *block, uint64_t bytes, const uint8_t *slots, uint32_t slot_cnt)
{
	uint16_t *slot = malloc(slot_cnt * sizeof(*slot) + (slot_cnt == 0));

	memcpy(slot, slots, slot_cnt * sizeof(*slot));
	if (bytes >= sizeof(*block))
		make_plausible(block, bytes, slot_cnt);
	if (vly_steer_check(block, bytes, slot_cnt * sizeof(*slot)) == NULL)
		ask_all(block, slot);
	free(slot);
}

/* Offsets of 15 bits count from the start of the block, or, with the upper bit, from the end of the
 * map's roots. */
static void
change_good(const uint8_t *data, size_t bytes)
{
	static const uint16_t slot[SLOTS] = {0, 1, 2, 3, 4, 5, 65535, 7};
	const uint64_t parts = vly_steer_maps(good)[0].off;
	const uint64_t behind = parts + sizeof(struct vly_client_map);
	struct vly_steer_header *block;

	if (posix_memalign((void **)&block, VLY_STEER_ALIGN, good_bytes) != 0)
		abort();
	memcpy(block, good, good_bytes);
	for (size_t i = 0; i + 3 <= bytes; i += 3) {
		uint64_t off = data[i] | (uint64_t)(data[i + 1] & 0x7f) << 8;
		off = data[i + 1] & 0x80 ? behind + off : off;
		if (off < good_bytes)
			((uint8_t *)block)[off] = data[i + 2];
	}
	check(block, good_bytes, (const uint8_t *)slot, good_slots);
	free(block);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct vly_steer_header *block;

	if (good == NULL)
		make_good();
	if (bytes == 0)
		return 0;
	if (data[0] == 0xff) {
		change_good(data + 1, bytes - 1);
		return 0;
	}
	const uint32_t slot_cnt = data[0];
	const size_t head = 1 + slot_cnt * sizeof(uint16_t);
	if (bytes < head)
		return -1;
	if (posix_memalign((void **)&block, VLY_STEER_ALIGN, bytes == head ? 1 : bytes - head) != 0)
		abort();
	memcpy(block, data + head, bytes - head);
	check(block, bytes - head, data + 1, slot_cnt);
	free(block);
	return 0;
}
