/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How two CPUs stand to each other at this moment. On a virtual machine that changes within
 * seconds: the hypervisor may run both on one core, whose units they then share, or on cores
 * without a common cache, so that whatever one has written takes longer to reach the other.
 *
 * usage: placement CPU CPU
 *
 * Prints a JSON object for each of a few rounds: "speed", at which the second CPU computes beside a
 * busy first one, as a share of its speed beside an idle one; "line_ns", in which a cache line goes
 * from one to the other. Takes some 20 ms, before all else that runs on these CPUs if it may
 * (SCHED_FIFO).
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tool.h"

#define ROUND_CNT 3

/* Long beside what it takes to wake up, and to read the clock. */
#define SPAN_NS   UINT64_C(2000000)
#define SETTLE_NS UINT64_C(500000)
#define STEP_CNT  2000

/* What the first CPU does. */
enum task { REST, COMPUTE, RETURN_BALL, END };

/* Apart, as processors fetch lines in pairs. */
static _Alignas(128) _Atomic(enum task) task;
static _Alignas(128) atomic_uint ball; /* odd: it is the first CPU's turn */

static void
bind_to(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) != 0)
		vly_tool_fail("CPU %d: %m", cpu);
}

/* Keeps a core's units busy, by sums that don't wait for each other; returns steps a nanosecond. */
static double
compute(uint64_t span_ns)
{
	uint64_t start_ns = vly_tool_now_ns(CLOCK_MONOTONIC);
	uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
	uint64_t cnt = 0, now_ns;

	do {
		for (unsigned i = 0; i < STEP_CNT; i++) {
			a += b ^ i;
			b += c ^ i;
			c += d ^ i;
			d += e ^ i;
			e += f ^ i;
			f += a ^ i;
			__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
		}
		cnt += STEP_CNT;
		now_ns = vly_tool_now_ns(CLOCK_MONOTONIC);
	} while (now_ns - start_ns < span_ns);
	return (double)cnt / (double)(now_ns - start_ns);
}

static void *
be_first(void *cpu)
{
	bind_to(*(int *)cpu);
	for (;;) {
		switch (atomic_load(&task)) {
		case REST:
			nanosleep(&(struct timespec){.tv_nsec = SETTLE_NS / 10}, NULL);
			break;
		case COMPUTE:
			compute(SETTLE_NS / 10);
			break;
		case RETURN_BALL: {
			unsigned value = atomic_load(&ball);
			if (value % 2 == 1)
				atomic_store(&ball, value + 1);
			break;
		}
		case END:
			return NULL;
		}
	}
}

/* Lets the first CPU begin. */
static void
begin(enum task next)
{
	atomic_store(&task, next);
	compute(SETTLE_NS);
}

static double
line_ns(void)
{
	uint64_t start_ns = vly_tool_now_ns(CLOCK_MONOTONIC);
	uint64_t now_ns, cnt = 0;

	do {
		unsigned value = atomic_load(&ball);
		if (value % 2 == 0) {
			atomic_store(&ball, value + 1);
			cnt += 2;
		}
		now_ns = vly_tool_now_ns(CLOCK_MONOTONIC);
		/* the first CPU may have stood still since the round before */
	} while (cnt == 0 || now_ns - start_ns < SPAN_NS);
	return (double)(now_ns - start_ns) / (double)cnt;
}

int
main(int argc, char **argv)
{
	pthread_t first;

	int first_cpu = argc == 3 ? atoi(argv[1]) : -1;
	int second_cpu = argc == 3 ? atoi(argv[2]) : -1;
	if (first_cpu == second_cpu)
		vly_tool_fail("usage: placement CPU CPU, two different ones");
	/* its threads inherit it; without it the figures are less sharp */
	(void)sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
	int error = pthread_create(&first, NULL, be_first, &first_cpu);
	if (error != 0)
		vly_tool_fail("no thread: %s", strerror(error));
	bind_to(second_cpu);
	for (unsigned i = 0; i < ROUND_CNT; i++) {
		begin(REST);
		double alone = compute(SPAN_NS);
		begin(COMPUTE);
		double beside = compute(SPAN_NS);
		begin(RETURN_BALL);
		printf("{\"speed\": %.2f, \"line_ns\": %.0f}\n", beside / alone, line_ns());
	}
	atomic_store(&task, END);
	pthread_join(first, NULL);
	return 0;
}
