/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "idle.h"

#include <poll.h>
#include <stddef.h>
#include <time.h>

#include <urcu-qsbr.h>

/* At 20,000 queries a second only one gap in fifty is longer, so few queries find the lcore asleep;
 * at 100 a second, 98 % of the core is left to others. */
#define SPIN_US 200

/* Without a socket to wait on, sleeps double up to the latency that a single query may have: at a
 * million queries a second, the packets of the longest sleep fill a twentieth of the ring. After
 * DEEP_US without a packet, when only a first query could be late, they double further, up to a
 * millisecond: this saves nine tenths of the cost of waking up, and the ring still holds the
 * packets of 2 million queries a second. */
#define SLEEP_US_MIN      5
#define SLEEP_US_MAX      80
#define DEEP_US           200000
#define DEEP_SLEEP_US_MAX 1000

/* With a socket: the interval at which `stop` and the queue are checked in any case. */
#define WAIT_US 50000

void
vly_idle_start(struct vly_idle *idle, bool spin, int wait_fd, uint64_t tsc_hz)
{
	*idle = (struct vly_idle){.us_tsc = tsc_hz / 1000000, .wait_fd = wait_fd, .spin = spin};
}

unsigned
vly_idle_next(struct vly_idle *idle, uint64_t now_tsc)
{
	if (idle->spin)
		return 0;
	if (idle->since_tsc == 0) {
		idle->since_tsc = now_tsc;
		idle->sleep_us = SLEEP_US_MIN;
	}
	uint64_t idle_us = (now_tsc - idle->since_tsc) / idle->us_tsc;
	if (idle_us < SPIN_US)
		return 0;
	if (idle->wait_fd >= 0)
		return WAIT_US;
	unsigned us = idle->sleep_us;
	unsigned max_us = idle_us < DEEP_US ? SLEEP_US_MAX : DEEP_SLEEP_US_MAX;
	idle->sleep_us = 2 * us < max_us ? 2 * us : max_us;
	return us;
}

void
vly_idle_sleep(struct vly_idle *idle, unsigned us)
{
	struct timespec time = {.tv_nsec = (long)us * 1000};
	struct pollfd socket = {.fd = idle->wait_fd, .events = POLLIN};

	rcu_thread_offline(); /* publishing must not wait for a sleeping lcore */
	if (idle->wait_fd < 0)
		nanosleep(&time, NULL);
	else if (ppoll(&socket, 1, &time, NULL) > 0 && socket.revents != POLLIN)
		idle->wait_fd = -1; /* the socket failed: sleep without it */
	rcu_thread_online();
}
