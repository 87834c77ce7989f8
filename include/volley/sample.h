/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Samples: some of the packets that were dropped, limited or served, kept in shared memory for
 * people to look at.
 *
 * A ring has one writer, which takes at most VLY_SAMPLES_PER_S samples a second of each cause it
 * keeps, so that the cost is bounded whatever comes. `weight` says how many packets of the cause
 * one sample stands for. A reader copies a sample and takes it only if `seq` was the same, and not
 * 0, before and after.
 */
#ifndef VLY_SAMPLE_H
#define VLY_SAMPLE_H

#include <stdint.h>

#include <volley/policy.h>

#define VLY_SAMPLE_FRAME_BYTES 208
#define VLY_SAMPLES_PER_S      100

/* A power of two: two seconds of two causes at their maximum. */
#define VLY_SAMPLE_RING_CNT 512

/* Why: an enum vly_verdict, or VLY_SAMPLE_LIMITED + enum vly_response_kind for a response over its
 * limit. */
#define VLY_SAMPLE_LIMITED 64

struct vly_sample {
	uint64_t seq;     /* 0: empty, or being written */
	uint64_t time_ns; /* CLOCK_REALTIME */
	uint32_t weight;  /* packets of this cause since the last sample of it, this one included */
	uint32_t spare;
	uint16_t cause;
	uint16_t frame_len; /* octets of the frame */
	uint16_t kept_len;  /* octets of it below */
	uint16_t port_idx;
	uint8_t frame[VLY_SAMPLE_FRAME_BYTES]; /* from its Ethernet header on; of a stream: empty */
	uint8_t pad[8];
};

struct vly_sample_ring {
	uint64_t written; /* samples so far: the next goes to sample[written % VLY_SAMPLE_RING_CNT]
			   */
	uint64_t pad[7];
	struct vly_sample sample[VLY_SAMPLE_RING_CNT];
} __attribute__((aligned(64)));

#endif
