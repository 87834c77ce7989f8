/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The time of a burst: what rates and cookies go by, for one reading of the time stamp counter.
 *
 * Use: vly_clock_start() once, then vly_clock_tick() for each burst, with the counter; `units` and
 * `unix_s` hold until the next. Tests set both as they like. One per thread.
 *
 * `units` never go back. The counter may, when a virtual machine moves to another host: to cells of
 * rates all that was spent would then lie in the future, and everybody would be over the limit
 * until the counter has caught up. Time stands still for one burst instead, and goes on from there.
 */
#ifndef VLY_DATAPLANE_CLOCK_H
#define VLY_DATAPLANE_CLOCK_H

#include <stdint.h>
#include <time.h>

#include <volley/rate.h>

struct vly_clock {
	uint32_t units;  /* as in rate.h */
	uint32_t unix_s; /* seconds of CLOCK_REALTIME, modulo 2^32 */
	uint64_t scale;  /* units in a cycle, times 2^32 */
	uint64_t hz;
	uint64_t asked_tsc; /* when the kernel was asked for unix_s */
	uint64_t last_tsc;  /* of the last tick */
	uint64_t lost_tsc;  /* what the counter has gone back, in all */
};

/* `hz` are cycles in a second, at least a million. */
static inline void
vly_clock_start(struct vly_clock *clock, uint64_t hz)
{
	*clock = (struct vly_clock){
		.scale = (uint64_t)(((unsigned __int128)VLY_RATE_UNITS_PER_S << 32) / hz),
		.hz = hz,
	};
}

static inline void
vly_clock_tick(struct vly_clock *clock, uint64_t tsc)
{
	if (__builtin_expect(tsc < clock->last_tsc, 0))
		clock->lost_tsc += clock->last_tsc - tsc;
	clock->last_tsc = tsc;
	clock->units = (uint32_t)((unsigned __int128)(tsc + clock->lost_tsc) * clock->scale >> 32);
	/* Eight times a second: cookies count seconds, and somebody may set the clock. */
	if (clock->asked_tsc == 0 || tsc - clock->asked_tsc > clock->hz / 8) {
		struct timespec now;
		clock_gettime(CLOCK_REALTIME, &now);
		clock->unix_s = (uint32_t)now.tv_sec;
		clock->asked_tsc = tsc;
	}
}

#endif
