/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The steering block: what is refused, and that it is replaced under readers. */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#include <criterion/criterion.h>

#include "common/steer_check.h"
#include "steer/pick.h"
#include "steering.h"

#define KEY UINT64_C(0xfeedfacecafe0001)

static const uint16_t slots[] = {1, 2, 3, 4};
static const struct vly_test_prefix prefix[] = {{true, {UINT64_C(10) << 56, 0}, 8, 1}};
static const struct vly_test_map map = {2, 1, prefix};
static const struct vly_test_row row[] = {{VLY_STEER_RANDOM, 2, 0, 0, slots},
					  {VLY_STEER_STICKY, 1, 24, 56, slots}};
static const struct vly_test_policy policy[] = {
	{KEY, 0, VLY_STEER_USES_ECS, 2, row},
	{KEY + 4, VLY_STEER_NO_MAP, 0, 1, row}, /* in the place of the first one */
};
static const struct vly_test_steer whole = {.ecs = true,
					    .resolver_map = VLY_STEER_NO_MAP,
					    .generation = 1,
					    .policy_cnt = 2,
					    .policy = policy,
					    .map_cnt = 1,
					    .map = &map};

static struct vly_steer_header *block;
static uint64_t block_bytes, slot_bytes;

static void
read_block(void)
{
	struct vly_test_steer_fds made;

	vly_test_steer_make(&whole, &made);
	block_bytes = made.block_bytes;
	slot_bytes = made.slot_cnt * sizeof(uint16_t);
	if (posix_memalign((void **)&block, VLY_STEER_ALIGN, block_bytes) != 0)
		abort();
	cr_assert_eq(pread(made.block, block, block_bytes, 0), (ssize_t)block_bytes);
	vly_test_steer_close(&made);
}

static void
free_block(void)
{
	free(block);
}

static struct vly_steer_policy *
policy_at(unsigned idx)
{
	struct vly_steer_policy *at = (void *)((uint8_t *)block + block->policy_off);

	while (at->key == 0 || idx-- > 0)
		at++;
	return at;
}

static struct vly_steer_row *
row_at(unsigned idx)
{
	return (struct vly_steer_row *)(void *)((uint8_t *)block + block->row_off) + idx;
}

static struct vly_steer_map *
map_at(void)
{
	return (void *)((uint8_t *)block + block->map_off);
}

static void
expect_refused(const char *part)
{
	if (block->block_bytes == block_bytes)
		block->checksum = vly_steer_sum(block);
	const char *wrong = vly_steer_check(block, block_bytes, slot_bytes);
	cr_expect_not_null(wrong, "no refusal: %s", part);
	if (wrong != NULL)
		cr_expect_not_null(strstr(wrong, part), "%s, not %s", wrong, part);
}

/* Sets a member of the block, expects that it is refused, and sets it back. */
#define REFUSED(member, value, part)                                                               \
	do {                                                                                       \
		__typeof__(member) kept = member;                                                  \
		member = value;                                                                    \
		expect_refused(part);                                                              \
		member = kept;                                                                     \
		block->checksum = vly_steer_sum(block);                                            \
		cr_assert_null(vly_steer_check(block, block_bytes, slot_bytes));                   \
	} while (0)

Test(steer, header, .init = read_block, .fini = free_block)
{
	cr_assert_null(vly_steer_check(block, block_bytes, slot_bytes));
	REFUSED(block->magic, 1, "not a steering block");
	REFUSED(block->version, 99, "another version");
	REFUSED(block->header_bytes, 64, "another version");
	REFUSED(block->block_bytes, block_bytes - 64, "wrong size");
	REFUSED(block->slot_cnt, block->slot_cnt + 1, "slots have the wrong size");
	REFUSED(block->ecs, 2, "unknown flags");
	REFUSED(block->reserved[2], 1, "unknown flags");
	REFUSED(block->policy_slot_cnt, 0, "power of two");
	REFUSED(block->policy_slot_cnt, 3, "power of two");
	REFUSED(block->policy_slot_cnt, UINT32_C(1) << 31, "power of two");
	REFUSED(block->policy_slot_cnt, UINT32_C(1) << 20, "outside the steering block");
	REFUSED(block->policy_off, 8, "outside the steering block");
	REFUSED(block->row_off, block_bytes + 64, "outside the steering block");
	REFUSED(block->row_cnt, UINT32_MAX, "outside the steering block");
	REFUSED(block->map_cnt, UINT32_MAX, "outside the steering block");
	REFUSED(block->map_off, block->map_off + 4, "outside the steering block");
	REFUSED(block->resolver_map, 1, "map of resolvers");
	cr_expect_not_null(vly_steer_check(block, 64, slot_bytes));
	((uint8_t *)block)[block_bytes - 1] ^= 1;
	cr_expect_str_eq(vly_steer_check(block, block_bytes, slot_bytes),
			 "the checksum of the steering block is wrong");
}

Test(steer, parts, .init = read_block, .fini = free_block)
{
	REFUSED(map_at()->off, map_at()->off + 4, "outside its place");
	REFUSED(map_at()->bytes, block_bytes, "outside its place");
	REFUSED(map_at()->off, 0, "outside its place");
	REFUSED(row_at(0)->slot, block->slot_cnt, "outside the slots");
	REFUSED(row_at(0)->slot, UINT32_MAX, "outside the slots");
	REFUSED(row_at(0)->bits, VLY_STEER_BITS_MAX + 1, "outside the slots");
	REFUSED(row_at(0)->bits, VLY_STEER_BITS_MAX, "outside the slots");
	REFUSED(row_at(0)->method, VLY_STEER_METHOD_CNT, "unknown method");
	REFUSED(row_at(1)->sticky4_bits, 33, "impossible prefix length");
	REFUSED(row_at(1)->sticky6_bits, 129, "impossible prefix length");
	REFUSED(row_at(0)->sticky4_bits, 1, "impossible prefix length");
	REFUSED(policy_at(0)->flags, 2, "unknown flags");
	REFUSED(policy_at(0)->reserved[10], 1, "unknown flags");
	REFUSED(policy_at(0)->class_cnt, 0, "no row");
	REFUSED(policy_at(0)->class_cnt, 1, "a class of its map");
	REFUSED(policy_at(0)->class_cnt, 4, "no row");
	REFUSED(policy_at(0)->row, UINT32_MAX, "no row");
	REFUSED(policy_at(0)->map, 1, "does not exist");
	REFUSED(policy_at(0)->map, VLY_STEER_NO_MAP, "without a map");
	REFUSED(policy_at(0)->key, KEY + 4, "not found by its key");
	REFUSED(policy_at(0)->key, 2, "not found by its key");
}

static const char *
refusal(int block_fd, int slot_fd)
{
	const char *reason = NULL;
	struct vly_steer *steer = vly_steer_map(block_fd, slot_fd, &reason);

	cr_expect_eq(steer == NULL, reason != NULL);
	vly_steer_unmap(steer);
	return reason;
}

Test(steer, seals, .init = read_block, .fini = free_block)
{
	const uint16_t slot[64] = {0};
	int good = vly_test_sealed_fd(block, block_bytes, VLY_STEER_SEALS);
	int writable = vly_test_sealed_fd(block, block_bytes, VLY_STEER_SLOT_SEALS);
	int good_slots = vly_test_sealed_fd(slot, slot_bytes, VLY_STEER_SLOT_SEALS);
	int shrinking = vly_test_sealed_fd(slot, slot_bytes, F_SEAL_GROW);
	int short_slots = vly_test_sealed_fd(slot, slot_bytes - 2, VLY_STEER_SLOT_SEALS);
	int no_slots = vly_test_sealed_fd(slot, 0, VLY_STEER_SLOT_SEALS);

	cr_assert_leq(slot_bytes, sizeof(slot));
	cr_expect_null(refusal(good, good_slots));
	cr_expect_not_null(strstr(refusal(writable, good_slots), "sealed memfd"));
	cr_expect_not_null(strstr(refusal(good, shrinking), "slots are not in a sealed memfd"));
	cr_expect_not_null(strstr(refusal(good, short_slots), "wrong size"));
	cr_expect_not_null(strstr(refusal(good, no_slots), "slots are not in a sealed memfd"));
	cr_expect_not_null(strstr(refusal(STDIN_FILENO, good_slots), "sealed memfd"));
}

/* Slots of the steering n all have n % 5: a reader that sees one of them sees no other in the same
 * burst. */
#define SWAPS   400
#define READERS 2

static bool done;
static unsigned long answered[READERS];

static void *
read_steering(void *argument)
{
	const unsigned reader = (unsigned)(uintptr_t)argument;
	static const struct vly_image_choice head = {.policy = KEY, .alt_cnt = 5};
	struct vly_lcore_counters counters = {0};
	struct vly_steering *steering = malloc(sizeof(*steering));
	struct vly_image_choice *choice = malloc(sizeof(head) + 5 * sizeof(vly_image_ref));
	struct vly_steer_client client = {.is_ipv4 = true};
	struct vly_pick pick;

	*choice = head;
	for (unsigned i = 0; i < 5; i++)
		choice->alt[i] = 100 + i;
	vly_steering_start(steering, &counters, reader);
	rcu_register_thread();
	while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		vly_steering_begin(steering, vly_steer_live());
		for (unsigned i = 0; i < 64; i++) {
			client.word[0] = (uint64_t)i << 56;
			vly_pick_note(&pick, choice);
			(void)vly_pick_policy(steering, &pick);
			vly_pick_begin(steering, &pick, &client);
			vly_pick_step(steering, &pick);
			const struct vly_picked picked = vly_pick_finish(steering, &pick);
			cr_assert_eq(picked.answer, 100 + steering->live->block->generation % 5);
			cr_assert_eq(picked.scope, i == 10 ? 24 : picked.scope);
		}
		__atomic_fetch_add(&answered[reader], 64, __ATOMIC_RELAXED);
		rcu_quiescent_state();
	}
	rcu_unregister_thread();
	cr_assert_eq(counters.steer_unknown + counters.steer_bad_slot, 0);
	free(choice);
	free(steering);
	return NULL;
}

static void
publish(uint64_t generation)
{
	struct vly_test_steer next = whole;
	struct vly_test_steer_fds made;
	const char *reason = NULL;

	next.generation = generation;
	vly_test_steer_make(&next, &made);
	for (uint32_t i = 0; i < made.slot_cnt; i++)
		made.slot[i] = (uint16_t)(generation % 5);
	struct vly_steer *steer = vly_steer_map(made.block, made.slots, &reason);
	cr_assert_not_null(steer);
	vly_steer_publish(steer);
	munmap(made.slot, made.slot_cnt * sizeof(uint16_t));
	vly_test_steer_close(&made);
}

Test(steer, replaced_under_readers)
{
	pthread_t reader[READERS];

	publish(1);
	for (unsigned i = 0; i < READERS; i++)
		cr_assert_eq(pthread_create(&reader[i], NULL, read_steering, (void *)(uintptr_t)i),
			     0);
	for (uint64_t i = 2; i < SWAPS; i++)
		publish(i);
	/* both have answered from it */
	for (unsigned i = 0; i < READERS; i++)
		while (__atomic_load_n(&answered[i], __ATOMIC_RELAXED) == 0)
			sched_yield();
	__atomic_store_n(&done, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(reader[i], NULL);
	vly_steer_publish(NULL);
	cr_expect_null(vly_steer_live());
}
