/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A ring of frames between two threads: one puts, one takes. Frames are copied, so that neither
 * side touches the other's packet memory, and neither ever waits.
 *
 * Use:
 *   1. vly_frame_ring_create(), in any thread;
 *   2. in the putting thread vly_frame_ring_room(), write a frame there, vly_frame_ring_put();
 *   3. in the taking thread vly_frame_ring_first(), read the frame, vly_frame_ring_take();
 *   4. free(), when neither uses it any more.
 */
#ifndef VLY_DATAPLANE_FRAME_RING_H
#define VLY_DATAPLANE_FRAME_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Each side has a cache line of its own. */
#define VLY_FRAME_RING_LINE __attribute__((aligned(64)))

struct vly_frame_ring {
	unsigned slot_cnt; /* a power of two */
	unsigned slot_bytes;
	unsigned frame_max;                           /* octets of the longest frame */
	_Atomic uint32_t put_cnt VLY_FRAME_RING_LINE; /* frames so far; wraps */
	uint32_t taken_seen;                          /* taken_cnt, as last read while putting */
	_Atomic uint32_t taken_cnt VLY_FRAME_RING_LINE;
	uint8_t slot[] VLY_FRAME_RING_LINE;
};

struct vly_frame {
	uint32_t bytes;
	uint8_t octet[];
};

/* Room for slot_cnt frames, a power of two, of frame_max octets at the most. NULL: no memory. */
__attribute__((malloc, warn_unused_result)) static inline struct vly_frame_ring *
vly_frame_ring_create(unsigned slot_cnt, unsigned frame_max)
{
	unsigned slot_bytes = ((unsigned)sizeof(struct vly_frame) + frame_max + 63) / 64 * 64;
	struct vly_frame_ring *ring =
		aligned_alloc(64, sizeof(*ring) + (size_t)slot_cnt * slot_bytes);

	if (ring == NULL)
		return NULL;
	memset(ring, 0, sizeof(*ring));
	ring->slot_cnt = slot_cnt;
	ring->slot_bytes = slot_bytes;
	ring->frame_max = frame_max;
	return ring;
}

static inline struct vly_frame *
vly_frame_ring_slot(struct vly_frame_ring *ring, uint32_t idx)
{
	return (struct vly_frame *)(ring->slot + (size_t)(idx % ring->slot_cnt) * ring->slot_bytes);
}

/* Where the next frame goes, up to frame_max octets; NULL: the ring is full. */
static inline struct vly_frame *
vly_frame_ring_room(struct vly_frame_ring *ring)
{
	uint32_t put = atomic_load_explicit(&ring->put_cnt, memory_order_relaxed);

	if (put - ring->taken_seen == ring->slot_cnt) {
		ring->taken_seen = atomic_load_explicit(&ring->taken_cnt, memory_order_acquire);
		if (put - ring->taken_seen == ring->slot_cnt)
			return NULL;
	}
	return vly_frame_ring_slot(ring, put);
}

/* The frame that was written where vly_frame_ring_room() said. */
static inline void
vly_frame_ring_put(struct vly_frame_ring *ring)
{
	uint32_t put = atomic_load_explicit(&ring->put_cnt, memory_order_relaxed);

	atomic_store_explicit(&ring->put_cnt, put + 1, memory_order_release);
}

/* The oldest frame; NULL: the ring is empty. */
static inline const struct vly_frame *
vly_frame_ring_first(struct vly_frame_ring *ring)
{
	uint32_t taken = atomic_load_explicit(&ring->taken_cnt, memory_order_relaxed);

	if (taken == atomic_load_explicit(&ring->put_cnt, memory_order_acquire))
		return NULL;
	return vly_frame_ring_slot(ring, taken);
}

/* The oldest frame has been read. */
static inline void
vly_frame_ring_take(struct vly_frame_ring *ring)
{
	uint32_t taken = atomic_load_explicit(&ring->taken_cnt, memory_order_relaxed);

	atomic_store_explicit(&ring->taken_cnt, taken + 1, memory_order_release);
}

#endif
