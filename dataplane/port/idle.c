/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "idle.h"

#include <poll.h>
#include <stddef.h>
#include <time.h>

#include <urcu-qsbr.h>

/* At 20,000 queries a second only one gap in fifty is longer, so that few queries meet a sleep, and
 * 100 a second still leave 98 % of the core alone. */
#define SPIN_US 200

/* Without a socket to wait on: sleeps double up to the latency that a lone query may meet; at a
 * million queries a second, the packets of the longest one fill a twentieth of the ring. When
 * nothing has come for so long that only a first query could meet it, they double once more, up to
 * a millisecond: this saves nine tenths of what waking up costs, and the ring still holds what 2
 * million queries a second bring. */
#define SLEEP_US_MIN      5
#define SLEEP_US_MAX      80
#define DEEP_US           200000
#define DEEP_SLEEP_US_MAX 1000

/* With one: until we look whether we are to stop, and again at the queue, whatever the driver does.
 */
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

	rcu_thread_offline(); /* publishing a table must not wait for sleepers */
	if (idle->wait_fd < 0)
		nanosleep(&time, NULL);
	else if (ppoll(&socket, 1, &time, NULL) > 0 && socket.revents != POLLIN)
		idle->wait_fd = -1; /* it can't wait any more */
	rcu_thread_online();
}
