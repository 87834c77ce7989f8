/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an lcore does while its queue is empty.
 *
 * It spins first, then sleeps. Where the port has a socket to wait on, the kernel ends the sleep
 * with the first packet; else sleeps grow up to what a lone query may have to wait.
 *
 * Use, on the lcore: vly_idle_start(); when packets came vly_idle_end(); when none came
 * vly_idle_next(), and then vly_idle_sleep() if that says so.
 */
#ifndef VLY_DATAPLANE_IDLE_H
#define VLY_DATAPLANE_IDLE_H

#include <stdbool.h>
#include <stdint.h>

struct vly_idle {
	uint64_t us_tsc;    /* cycles in a microsecond */
	uint64_t since_tsc; /* 0: not idle */
	unsigned sleep_us;  /* the next sleep */
	int wait_fd;        /* readable when a packet comes, or -1 */
	bool spin;          /* never sleep */
};

/* `wait_fd` stays the caller's; -1: there is none. */
__attribute__((nonnull)) void vly_idle_start(struct vly_idle *idle, bool spin, int wait_fd,
					     uint64_t tsc_hz);

static inline void
vly_idle_end(struct vly_idle *idle)
{
	idle->since_tsc = 0;
}

/* The queue was empty at now_tsc. Returns how many microseconds to sleep, at the most when there is
 * something to wait on; 0: look again at once. */
__attribute__((nonnull)) unsigned vly_idle_next(struct vly_idle *idle, uint64_t now_tsc);

/* Sleeps, as an RCU reader offline. */
__attribute__((nonnull)) void vly_idle_sleep(struct vly_idle *idle, unsigned us);

#endif
