/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Samples: how many a ring gets whatever comes, what they stand for, and what is kept of a frame.
 */
#include <criterion/criterion.h>
#include <time.h>

#include "guard/sample.h"

static struct vly_sample_ring ring;
static struct vly_sampler sampler;

#define MS (VLY_RATE_UNITS_PER_S / 1000)

static void
start(void)
{
	memset(&ring, 0, sizeof(ring));
	vly_sampler_start(&sampler, &ring, 3);
}

TestSuite(sample, .init = start);

/* One packet of the cause at that time; whether it was kept. */
static bool
see(unsigned cause, uint32_t now)
{
	static const uint8_t frame[64] = {1, 2, 3};

	if (!vly_sampler_wants(&sampler, cause, 1, now))
		return false;
	vly_sampler_keep(&sampler, cause, frame, sizeof(frame), now);
	return true;
}

/* In any second, not only in those that begin with the first packet; time may come round. */
Test(sample, a_flood_leaves_at_most_a_hundred_a_second)
{
	enum { SECONDS = 5, PER_S = 10000 };
	static uint8_t kept[SECONDS * PER_S];
	uint32_t now = UINT32_MAX - 2 * VLY_RATE_UNITS_PER_S;
	unsigned in_last_second = 0, total = 0;

	for (unsigned i = 0; i < SECONDS * PER_S; i++, now += VLY_RATE_UNITS_PER_S / PER_S) {
		kept[i] = see(VLY_VERDICT_denied, now);
		in_last_second += kept[i];
		total += kept[i];
		if (i >= PER_S)
			in_last_second -= kept[i - PER_S];
		cr_assert_leq(in_last_second, VLY_SAMPLES_PER_S, "packet %u", i);
	}
	cr_expect_gt(total, SECONDS * VLY_SAMPLES_PER_S / 2);
	cr_expect_eq(ring.written, total);
}

Test(sample, few_packets_are_all_seen)
{
	for (unsigned i = 0; i < 10; i++)
		cr_expect(see(VLY_VERDICT_denied, i));
}

Test(sample, weights_add_up_to_all_packets)
{
	uint32_t now = 0;
	uint64_t sum = 0;

	for (unsigned i = 0; i < 30000; i++, now += MS / 10)
		see(VLY_VERDICT_source_rate, now);
	now += 1000 * MS;
	cr_assert(see(VLY_VERDICT_source_rate, now));
	cr_assert_lt(ring.written, VLY_SAMPLE_RING_CNT);
	for (unsigned i = 0; i < ring.written; i++)
		sum += ring.sample[i].weight;
	cr_expect_eq(sum, 30001);
}

Test(sample, causes_do_not_share_their_budget)
{
	for (unsigned i = 0; i < 1000; i++)
		see(VLY_VERDICT_denied, 0);
	for (unsigned kind = 0; kind < VLY_RESPONSE_KIND_CNT; kind++)
		cr_expect(see(VLY_SAMPLE_LIMITED + kind, 0), "kind %u", kind);
	cr_expect(see(VLY_VERDICT_serve, 0));
	cr_expect(see(VLY_VERDICT_CNT - 1, 0));
	cr_expect_not(see(VLY_VERDICT_denied, 0));
}

Test(sample, a_sample_tells_what_it_saw)
{
	static uint8_t frame[VLY_SAMPLE_FRAME_BYTES + 100];
	struct timespec before, after;

	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)(i * 7);
	clock_gettime(CLOCK_REALTIME, &before);
	cr_assert(vly_sampler_wants(&sampler, VLY_VERDICT_unserved, 9, 0));
	vly_sampler_keep(&sampler, VLY_VERDICT_unserved, frame, sizeof(frame), 0);
	vly_sampler_keep(&sampler, VLY_SAMPLE_LIMITED, frame, 60, 0);
	vly_sampler_keep(&sampler, VLY_SAMPLE_LIMITED, NULL, 0, 0);
	clock_gettime(CLOCK_REALTIME, &after);

	const struct vly_sample *sample = ring.sample;
	cr_expect_eq(sample[0].seq, 1);
	cr_expect_eq(sample[0].weight, 9);
	cr_expect_eq(sample[0].cause, VLY_VERDICT_unserved);
	cr_expect_eq(sample[0].port_idx, 3);
	cr_expect_eq(sample[0].frame_len, sizeof(frame));
	cr_expect_eq(sample[0].kept_len, VLY_SAMPLE_FRAME_BYTES);
	cr_expect_eq(memcmp(sample[0].frame, frame, VLY_SAMPLE_FRAME_BYTES), 0);
	cr_expect_geq(sample[0].time_ns / 1000000000, (uint64_t)before.tv_sec);
	cr_expect_leq(sample[0].time_ns / 1000000000, (uint64_t)after.tv_sec);
	cr_expect_eq(sample[1].kept_len, 60);
	cr_expect_eq(sample[1].frame_len, 60);
	cr_expect_eq(sample[2].seq, 3);
	cr_expect_eq(sample[2].kept_len, 0);
	cr_expect_eq(ring.written, 3);
}

Test(sample, a_full_ring_begins_again)
{
	for (unsigned i = 0; i < VLY_SAMPLE_RING_CNT + 2; i++)
		vly_sampler_keep(&sampler, VLY_VERDICT_serve, NULL, 0, 0);
	cr_expect_eq(ring.sample[0].seq, VLY_SAMPLE_RING_CNT + 1);
	cr_expect_eq(ring.sample[1].seq, VLY_SAMPLE_RING_CNT + 2);
	cr_expect_eq(ring.sample[2].seq, 3);
}

Test(sample, without_a_ring_nothing_is_wanted)
{
	vly_sampler_start(&sampler, NULL, 0);
	cr_expect_not(vly_sampler_wants(&sampler, VLY_VERDICT_serve, 1, 0));
}
