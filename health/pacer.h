/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bounds how many runs are under way at the same time, and how many begin in a second. Pure: the clock is the caller's.
 *
 * Use: vly_pacer_wait_us() before a run; if that is 0, vly_pacer_start(), and vly_pacer_end() when it has ended.
 */
#ifndef VLY_HEALTH_PACER_H
#define VLY_HEALTH_PACER_H

#include <stdint.h>

/* Starts that were not made in this time may be made up for. Shorter: the timer's grain costs starts. Longer: bursts. */
#define VLY_PACER_BURST_US 20000

struct vly_pacer {
	uint32_t running_max; /* 1 or more */
	uint32_t rate;        /* starts in a second, 1 to 1,000,000 */
	uint32_t running;
	uint64_t next_us;
};

/* How long the next run has to wait; 0: it may begin; UINT64_MAX: until one ends. */
__attribute__((nonnull)) uint64_t vly_pacer_wait_us(const struct vly_pacer *pacer, uint64_t now_us);

__attribute__((nonnull)) void vly_pacer_start(struct vly_pacer *pacer, uint64_t now_us);

__attribute__((nonnull)) void vly_pacer_end(struct vly_pacer *pacer);

#endif
