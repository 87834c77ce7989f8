/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The time of a burst, for rates and cookies, from one reading of the time stamp counter.
 *
 * Use: vly_clock_start() once, then vly_clock_tick() with the counter for each burst; `units` and
 * `unix_s` are valid until the next. Tests set both directly. One per thread; does not block.
 *
 * `units` do not go back. The counter may, when a virtual machine moves to another host. The cells
 * of rates would then be in the future, and all sources over their limits until the counter has
 * caught up. Instead, time stands still for one burst and goes on from there.
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
	uint64_t asked_tsc; /* when unix_s was read */
	uint64_t last_tsc;  /* of the last tick */
	uint64_t lost_tsc;  /* cycles by which the counter has gone back in total */
};

/* `hz`: cycles per second, at least a million. */
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
	/* Eight times a second: cookies count seconds, and the clock may be set. */
	if (clock->asked_tsc == 0 || tsc - clock->asked_tsc > clock->hz / 8) {
		struct timespec now;
		clock_gettime(CLOCK_REALTIME, &now);
		clock->unix_s = (uint32_t)now.tv_sec;
		clock->asked_tsc = tsc;
	}
}

#endif
