/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Samples: some of the packets that were dropped, limited or served, in shared memory, for the
 * operator.
 *
 * A ring has one writer, which takes at most VLY_SAMPLES_PER_S samples a second of each cause, so
 * that the cost is bounded under any load. `weight` says how many packets of the cause one sample
 * stands for. A reader copies a sample, and uses the copy only if `seq` was the same, and not 0,
 * before and after. Frames are untrusted.
 */
#ifndef VLY_SAMPLE_H
#define VLY_SAMPLE_H

#include <stdint.h>

#include <volley/policy.h>

/* Headers and most questions fit; more would make the memory of all rings larger. */
#define VLY_SAMPLE_FRAME_BYTES 208

/* Enough for a sound estimate of the busiest sources within a second; a sample costs a copy of
 * VLY_SAMPLE_FRAME_BYTES on the lcore. */
#define VLY_SAMPLES_PER_S 100

/* A power of two: holds two causes at their maximum for two seconds. */
#define VLY_SAMPLE_RING_CNT 512

/* The cause of a sample is an enum vly_verdict, or VLY_SAMPLE_LIMITED + enum vly_response_kind for
 * a response over its limit. */
#define VLY_SAMPLE_LIMITED 64

struct vly_sample {
	uint64_t seq;     /* 0: empty, or being written */
	uint64_t time_ns; /* CLOCK_REALTIME */
	uint32_t weight;  /* packets of this cause since its last sample, this one included */
	uint32_t spare;
	uint16_t cause;
	uint16_t frame_len; /* octets of the frame */
	uint16_t kept_len;  /* octets in frame[] */
	uint16_t port_idx;
	uint8_t frame[VLY_SAMPLE_FRAME_BYTES]; /* from the Ethernet header on; empty for a stream */
	uint8_t pad[8];
};

struct vly_sample_ring {
	uint64_t written; /* samples so far; the next is sample[written % VLY_SAMPLE_RING_CNT] */
	uint64_t pad[7];
	struct vly_sample sample[VLY_SAMPLE_RING_CNT];
} __attribute__((aligned(64)));

#endif
