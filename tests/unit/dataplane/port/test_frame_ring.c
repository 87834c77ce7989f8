/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <pthread.h>
#include <sched.h>

#include <criterion/criterion.h>

#include "port/frame_ring.h"

#define SLOT_CNT  8
#define FRAME_MAX 100

static struct vly_frame_ring *ring;

static void
create(void)
{
	ring = vly_frame_ring_create(SLOT_CNT, FRAME_MAX);
	cr_assert_not_null(ring);
}

static void
end(void)
{
	free(ring);
}

TestSuite(frame_ring, .init = create, .fini = end);

static bool
put(uint32_t number)
{
	struct vly_frame *frame = vly_frame_ring_room(ring);

	if (frame == NULL)
		return false;
	frame->bytes = 1 + number % FRAME_MAX;
	memset(frame->octet, (int)(number & 255), frame->bytes);
	vly_frame_ring_put(ring);
	return true;
}

/* The ring's oldest frame is put(number)'s. */
static void
take(uint32_t number)
{
	const struct vly_frame *frame = vly_frame_ring_first(ring);

	cr_assert_not_null(frame);
	cr_assert_eq(frame->bytes, 1 + number % FRAME_MAX);
	cr_assert_eq(frame->octet[0], number & 255);
	cr_assert_eq(frame->octet[frame->bytes - 1], number & 255);
	vly_frame_ring_take(ring);
}

Test(frame_ring, holds_as_many_as_it_has_slots)
{
	cr_expect_null(vly_frame_ring_first(ring));
	for (uint32_t i = 0; i < SLOT_CNT; i++)
		cr_expect(put(i));
	cr_expect_not(put(SLOT_CNT));
	take(0);
	cr_expect(put(SLOT_CNT));
	for (uint32_t i = 1; i <= SLOT_CNT; i++)
		take(i);
	cr_expect_null(vly_frame_ring_first(ring));
}

/* Counts wrap after 2^32 frames. */
Test(frame_ring, goes_on_when_its_counts_wrap)
{
	uint32_t start = UINT32_MAX - SLOT_CNT / 2;

	atomic_store(&ring->put_cnt, start);
	atomic_store(&ring->taken_cnt, start);
	ring->taken_seen = start;
	for (uint32_t i = 0; i < 4 * SLOT_CNT; i++) {
		cr_assert(put(i));
		take(i);
	}
	for (uint32_t i = 0; i < SLOT_CNT; i++)
		cr_expect(put(i));
	cr_expect_not(put(SLOT_CNT));
}

#define FRAME_CNT 200000u

static void *
put_all(void *argument)
{
	for (uint32_t i = 0; i < FRAME_CNT; i++)
		while (!put(i))
			sched_yield();
	return argument;
}

Test(frame_ring, two_threads)
{
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, put_all, NULL), 0);
	for (uint32_t i = 0; i < FRAME_CNT; i++) {
		while (vly_frame_ring_first(ring) == NULL)
			sched_yield();
		take(i);
	}
	pthread_join(thread, NULL);
	cr_expect_null(vly_frame_ring_first(ring));
}
