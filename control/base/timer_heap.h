/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many timers with one clock: a heap of those that wait. Setting, moving and removing one costs the
 * logarithm of their number. Embed a struct vly_timer. Pure, but for memory; one thread at a time.
 */
#ifndef VLY_CONTROL_TIMER_HEAP_H
#define VLY_CONTROL_TIMER_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroes: not set. */
struct vly_timer {
	uint64_t due_ms;
	uint32_t place; /* in the heap, from 1 on; 0: not set */
};

struct vly_timer_heap {
	struct vly_timer **timer; /* [cnt] */
	uint32_t cnt;
	uint32_t size;
};

/* Makes room for timer_cnt timers, so that vly_timer_set() can't fail. Returns false without memory. */
__attribute__((nonnull, warn_unused_result)) bool vly_timer_reserve(struct vly_timer_heap *heap,
								    uint32_t timer_cnt);

/* Sets a timer, or moves one that is set. */
__attribute__((nonnull)) void vly_timer_set(struct vly_timer_heap *heap, struct vly_timer *timer,
					    uint64_t due_ms);

__attribute__((nonnull)) void vly_timer_clear(struct vly_timer_heap *heap, struct vly_timer *timer);

/* The first timer; NULL: none is set. */
__attribute__((nonnull)) struct vly_timer *vly_timer_first(const struct vly_timer_heap *heap);

__attribute__((nonnull)) void vly_timer_heap_free(struct vly_timer_heap *heap);

#endif
