/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes samples (volley/sample.h): one sampler for one ring, used by the one thread that writes
 * it.
 *
 * Use: vly_sampler_start(); then for each packet, or each burst of packets of one cause,
 * vly_sampler_wants(), and if that is true, vly_sampler_keep() with one of them before it is
 * changed. Under any load, a cause has at most VLY_SAMPLES_PER_S samples a second. Nothing blocks.
 * Frames are untrusted; they are only copied.
 */
#ifndef VLY_DATAPLANE_SAMPLE_H
#define VLY_DATAPLANE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>

#include <volley/defence.h>
#include <volley/sample.h>

/* Verdicts, then kinds of limited responses. */
#define VLY_SAMPLE_CAUSE_CNT (VLY_VERDICT_CNT + VLY_RESPONSE_KIND_CNT)

struct vly_sampler {
	struct vly_sample_ring *ring; /* NULL: no samples */
	uint16_t port_idx;
	struct vly_rate rate;
	struct {
		uint32_t cell;   /* rate.h */
		uint32_t weight; /* packets since the last sample */
	} cause[VLY_SAMPLE_CAUSE_CNT];
};

/* `ring` stays the caller's; it must be zeros, or NULL. */
__attribute__((nonnull(1))) void vly_sampler_start(struct vly_sampler *sampler,
						   struct vly_sample_ring *ring, uint16_t port_idx);

/* The index into cause[] for a cause of struct vly_sample. */
static inline unsigned
vly_sampler_slot(unsigned cause)
{
	return cause < VLY_SAMPLE_LIMITED ? cause : VLY_VERDICT_CNT + cause - VLY_SAMPLE_LIMITED;
}

/* Counts `packets` more of the cause. Returns whether one of them is to be kept. `now` is in
 * rate.h's units. */
static inline bool
vly_sampler_wants(struct vly_sampler *sampler, unsigned cause, uint32_t packets, uint32_t now)
{
	unsigned slot = vly_sampler_slot(cause);

	sampler->cause[slot].weight += packets;
	return vly_rate_has(sampler->cause[slot].cell, now, sampler->rate, sampler->rate.cost) &&
	       sampler->ring != NULL;
}

/* Keeps a frame after vly_sampler_wants(), cut to VLY_SAMPLE_FRAME_BYTES. frame_len 0: there is no
 * frame, as for a response over a stream. */
__attribute__((nonnull(1))) void vly_sampler_keep(struct vly_sampler *sampler, unsigned cause,
						  const uint8_t *frame, uint16_t frame_len,
						  uint32_t now);

#endif
