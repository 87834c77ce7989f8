/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Work that rests, part by part, for as long as it took of a CPU: where a hypervisor grants less
 * time than all CPUs can use, the lcores' stand still with the others once it is used up.
 *
 * Use: vly_rest_begin(), then vly_rest() behind each part.
 */
#ifndef VLY_DATAPLANE_REST_H
#define VLY_DATAPLANE_REST_H

#include <stdint.h>
#include <time.h>

struct vly_rest {
	uint64_t since_ns; /* of this thread's CPU time */
};

static inline uint64_t
vly_rest_worked_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline void
vly_rest_begin(struct vly_rest *rest)
{
	rest->since_ns = vly_rest_worked_ns();
}

static inline void
vly_rest(struct vly_rest *rest)
{
	uint64_t took_ns = vly_rest_worked_ns() - rest->since_ns;

	nanosleep(&(struct timespec){.tv_sec = (time_t)(took_ns / 1000000000),
				     .tv_nsec = (long)(took_ns % 1000000000)},
		  NULL);
	vly_rest_begin(rest);
}

#endif
