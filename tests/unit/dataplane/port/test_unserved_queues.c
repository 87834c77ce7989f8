/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "port/unserved_queues.h"

#define S  UINT64_C(1000000000)
#define AT (1000 * S)

static struct vly_port_spec spec = {.name = "af_xdp:none", .target = "none", .queue_cnt = 2};
static struct vly_xdp_cpu *cpu[2];
static struct vly_xdp_cpus cpus = {.cpu = cpu, .cnt = 2};
static struct vly_port_counters counters;
static struct vly_unserved_queues queues;

static void
make_cpus(void)
{
	for (unsigned i = 0; i < cpus.cnt; i++) {
		cpu[i] = calloc(1, sizeof(*cpu[i]));
		cr_assert_not_null(cpu[i]);
	}
}

static void
free_cpus(void)
{
	for (unsigned i = 0; i < cpus.cnt; i++)
		free(cpu[i]);
}

TestSuite(unserved_queues, .init = make_cpus, .fini = free_cpus);

static void
arrive(unsigned on_cpu, unsigned queue)
{
	cpu[on_cpu]->no_lcore[queue] = 1;
	counters.xdp_verdict[VLY_VERDICT_no_lcore]++;
}

/* Whether it has told anything. */
static bool
look(uint64_t now_ns)
{
	uint64_t warned_ns = queues.warned_ns;

	vly_unserved_queues_watch(&queues, &spec, &cpus, &counters, now_ns);
	return queues.warned_ns != warned_ns;
}

Test(unserved_queues, are_counted_once_on_all_cpus)
{
	arrive(0, 3);
	arrive(1, 3);
	arrive(1, VLY_XDP_QUEUES_MAX - 1);
	struct vly_xdp_queues found = vly_xdp_cpus_take_queues(&cpus);
	cr_expect_eq(found.cnt, 2);
	cr_expect_eq(found.first, 3);
	cr_expect_eq(found.last, VLY_XDP_QUEUES_MAX - 1);
	cr_expect_eq(vly_xdp_cpus_take_queues(&cpus).cnt, 0);
}

Test(unserved_queues, one_warning_a_minute)
{
	cr_expect_not(look(AT), "nothing has happened");
	arrive(0, 2);
	cr_expect(look(AT));
	cr_expect_eq(counters.unserved_queue_cnt, 1);
	for (unsigned second = 1; second < 60; second++) {
		arrive(0, 2);
		arrive(1, 5);
		cr_expect_not(look(AT + second * S));
	}
	cr_expect_eq(counters.unserved_queue_cnt, 1);
	cr_expect(look(AT + 60 * S));
	cr_expect_eq(counters.unserved_queue_cnt, 2);
	cr_expect_not(look(AT + 119 * S));
	cr_expect_eq(counters.unserved_queue_cnt, 2);
	cr_expect_not(look(AT + 120 * S), "a minute without any");
	cr_expect_eq(counters.unserved_queue_cnt, 0);
}
