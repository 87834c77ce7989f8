/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "timer_heap.h"

#include <stdlib.h>

bool
vly_timer_reserve(struct vly_timer_heap *heap, uint32_t timer_cnt)
{
	if (timer_cnt <= heap->size)
		return true;
	uint32_t size = timer_cnt + timer_cnt / 2 + 16;
	void *grown = realloc(heap->timer, size * sizeof(struct vly_timer *));
	if (!grown)
		return false;
	heap->timer = grown;
	heap->size = size;
	return true;
}

static void
put(struct vly_timer_heap *heap, uint32_t at, struct vly_timer *timer)
{
	heap->timer[at] = timer;
	timer->place = at + 1;
}

static void
rise(struct vly_timer_heap *heap, uint32_t at, struct vly_timer *timer)
{
	while (at > 0 && heap->timer[(at - 1) / 2]->due_ms > timer->due_ms) {
		put(heap, at, heap->timer[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	put(heap, at, timer);
}

static void
sink(struct vly_timer_heap *heap, uint32_t at, struct vly_timer *timer)
{
	for (;;) {
		uint32_t child = 2 * at + 1;
		if (child + 1 < heap->cnt &&
		    heap->timer[child + 1]->due_ms < heap->timer[child]->due_ms)
			child++;
		if (child >= heap->cnt || heap->timer[child]->due_ms >= timer->due_ms)
			break;
		put(heap, at, heap->timer[child]);
		at = child;
	}
	put(heap, at, timer);
}

static void
settle(struct vly_timer_heap *heap, uint32_t at, struct vly_timer *timer)
{
	rise(heap, at, timer);
	sink(heap, timer->place - 1, timer);
}

void
vly_timer_set(struct vly_timer_heap *heap, struct vly_timer *timer, uint64_t due_ms)
{
	timer->due_ms = due_ms;
	settle(heap, timer->place ? timer->place - 1 : heap->cnt++, timer);
}

void
vly_timer_clear(struct vly_timer_heap *heap, struct vly_timer *timer)
{
	const uint32_t place = timer->place;

	if (place == 0)
		return;
	timer->place = 0;
	struct vly_timer *last = heap->timer[--heap->cnt];
	if (last != timer)
		settle(heap, place - 1, last);
}

struct vly_timer *
vly_timer_first(const struct vly_timer_heap *heap)
{
	return heap->cnt > 0 ? heap->timer[0] : NULL;
}

void
vly_timer_heap_free(struct vly_timer_heap *heap)
{
	free(heap->timer);
	*heap = (struct vly_timer_heap){0};
}
