/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The idle lcore: it spins first, then sleeps. If the port has a socket to wait on, the first
 * packet ends the sleep; otherwise sleeps grow up to the latency that a single query may have.
 *
 * Use, on the lcore: vly_idle_start(); after a poll with packets, vly_idle_end(); after an empty
 * one, vly_idle_next(), and vly_idle_sleep() if that is not 0.
 */
#ifndef VLY_DATAPLANE_IDLE_H
#define VLY_DATAPLANE_IDLE_H

#include <stdbool.h>
#include <stdint.h>

struct vly_idle {
	uint64_t us_tsc;    /* cycles in a microsecond */
	uint64_t since_tsc; /* 0: not idle */
	unsigned sleep_us;  /* the next sleep */
	int wait_fd;        /* readable when a packet arrives, or -1 */
	bool spin;          /* never sleep */
};

/* `wait_fd` stays the caller's; -1: none. */
__attribute__((nonnull)) void vly_idle_start(struct vly_idle *idle, bool spin, int wait_fd,
					     uint64_t tsc_hz);

static inline void
vly_idle_end(struct vly_idle *idle)
{
	idle->since_tsc = 0;
}

/* The queue was empty at now_tsc. Returns the microseconds to sleep (at most so many if there is a
 * socket to wait on); 0: poll again at once. */
__attribute__((nonnull)) unsigned vly_idle_next(struct vly_idle *idle, uint64_t now_tsc);

/* Blocks for at most `us`, offline as an RCU reader. No pointer into a table, an image or the
 * defence is valid afterwards. */
__attribute__((nonnull)) void vly_idle_sleep(struct vly_idle *idle, unsigned us);

#endif
