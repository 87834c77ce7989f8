/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

/* Together at most VLY_SAMPLES_PER_S in any second: a burst of 10 to 20, so that few packets are
 * all sampled, and then between a half and all of STEADILY in the rest of the second. */
#define AT_ONCE  20
#define STEADILY (VLY_SAMPLES_PER_S - AT_ONCE)

void
vly_sampler_start(struct vly_sampler *sampler, struct vly_sample_ring *ring, uint16_t port_idx)
{
	*sampler = (struct vly_sampler){
		.ring = ring,
		.port_idx = port_idx,
		.rate = vly_rate_make(STEADILY / 2, AT_ONCE * 1000 / STEADILY),
	};
}

/* Between half of the cost and all of it, at random: otherwise a client that sends queries in turn
 * at a steady rate would always be sampled with the same one. */
static uint32_t
uneven_cost(const struct vly_sampler *sampler)
{
	uint32_t step = (uint32_t)sampler->ring->written * UINT32_C(0x9e3779b9);

	return sampler->rate.cost / 2 + (uint32_t)((uint64_t)(sampler->rate.cost / 2) * step >> 32);
}

void
vly_sampler_keep(struct vly_sampler *sampler, unsigned cause, const uint8_t *frame,
		 uint16_t frame_len, uint32_t now)
{
	unsigned slot = vly_sampler_slot(cause);
	struct vly_sample_ring *ring = sampler->ring;
	struct vly_sample *sample = &ring->sample[ring->written % VLY_SAMPLE_RING_CNT];
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	/* A reader that sees any of the following stores sees this 0, too, or a later seq. */
	__atomic_store_n(&sample->seq, 0, __ATOMIC_RELAXED);
	atomic_thread_fence(memory_order_release);
	sample->time_ns = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
	sample->weight = sampler->cause[slot].weight;
	sample->cause = (uint16_t)cause;
	sample->frame_len = frame_len;
	sample->kept_len = frame_len < VLY_SAMPLE_FRAME_BYTES ? frame_len : VLY_SAMPLE_FRAME_BYTES;
	sample->port_idx = sampler->port_idx;
	if (sample->kept_len > 0)
		memcpy(sample->frame, frame, sample->kept_len);
	__atomic_store_n(&sample->seq, ring->written + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&ring->written, ring->written + 1, __ATOMIC_RELEASE);

	sampler->cause[slot].weight = 0;
	sampler->cause[slot].cell =
		vly_rate_spend(sampler->cause[slot].cell, now, sampler->rate, uneven_cost(sampler));
}
