/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "setup/lcores.h"

static struct vly_options options;
static struct vly_lcores lcores;

static int
plan(unsigned queue_cnt, unsigned first_cpu, unsigned last_cpu)
{
	cpu_set_t allowed;

	CPU_ZERO(&allowed);
	for (unsigned cpu = first_cpu; cpu <= last_cpu; cpu++)
		CPU_SET(cpu, &allowed);
	options.port_cnt = 1;
	options.port[0].queue_cnt = queue_cnt;
	return vly_lcores_plan(&lcores, &options, &allowed);
}

/* A kernel for 4,096 CPUs, with one of the first 1,024 allowed. */
static int
ask_large_kernel(pid_t pid, size_t bytes, cpu_set_t *cpus)
{
	cr_expect_eq(pid, 0);
	if (bytes < 4096 / 8) {
		errno = EINVAL;
		return -1;
	}
	memset(cpus, 0, bytes);
	CPU_SET_S(1000, bytes, cpus);
	CPU_SET_S(4000, bytes, cpus);
	return 0;
}

static int
ask_for_late_ones(pid_t pid, size_t bytes, cpu_set_t *cpus)
{
	int result = ask_large_kernel(pid, bytes, cpus);

	if (result == 0)
		CPU_CLR_S(1000, bytes, cpus);
	return result;
}

static int
ask_in_vain(pid_t pid, size_t bytes, cpu_set_t *cpus)
{
	(void)pid, (void)bytes, (void)cpus;
	errno = EINVAL;
	return -1;
}

Test(lcores, more_cpus_than_a_set_holds)
{
	cpu_set_t allowed;

	cr_expect_eq(vly_lcores_allowed(&allowed, ask_large_kernel), 0);
	cr_expect_eq(CPU_COUNT(&allowed), 1);
	cr_expect(CPU_ISSET(1000, &allowed));
	cr_expect_eq(vly_lcores_allowed(&allowed, ask_for_late_ones), -ERANGE);
	cr_expect_eq(vly_lcores_allowed(&allowed, ask_in_vain), -EINVAL);
	cr_expect_eq(vly_lcores_allowed(&allowed, sched_getaffinity), 0);
	cr_expect_gt(CPU_COUNT(&allowed), 0);
}

Test(lcores, last_cpus)
{
	cr_assert_eq(plan(2, 0, 3), 0);
	cr_expect_str_eq(lcores.map, "0@(0,1),1@2,2@3");
	cr_expect_not(lcores.shared);
}

Test(lcores, as_many_as_cpus)
{
	cr_assert_eq(plan(2, 0, 1), 0);
	cr_expect_str_eq(lcores.map, "0@(0),1@1,2@1");
	cr_expect(lcores.shared);
}

Test(lcores, one_cpu)
{
	cr_assert_eq(plan(1, 7, 7), 0);
	cr_expect_str_eq(lcores.map, "0@(7),1@7");
	cr_expect_not(lcores.shared);
}

Test(lcores, given)
{
	options.cpus.cpu[0] = 3;
	options.cpus.cpu[1] = 1;
	options.cpus.cnt = 2;
	cr_assert_eq(plan(2, 0, 3), 0);
	cr_expect_str_eq(lcores.map, "0@(0,2),1@3,2@1");
	cr_expect_eq(lcores.cpu[0], 3);
}

Test(lcores, given_all)
{
	options.cpus.cpu[1] = 1;
	options.cpus.cnt = 2;
	cr_assert_eq(plan(2, 0, 1), 0);
	cr_expect_str_eq(lcores.map, "0@(0,1),1@0,2@1");
}

Test(lcores, not_allowed)
{
	options.cpus.cpu[0] = 4;
	options.cpus.cnt = 1;
	cr_expect_eq(plan(1, 0, 3), -1);
	cr_expect_str_eq(options.error, "--cpus: CPU 4 does not exist or may not be used");
}

/* The longest map must fit. */
Test(lcores, many)
{
	cr_assert_eq(plan(VLY_LCORES_MAX, 0, 1023), 0);
	cr_expect_eq(lcores.cpu[VLY_LCORES_MAX - 1], 1023);
	cr_expect_lt(strlen(lcores.map), sizeof(lcores.map) - 1);
	cr_expect_not_null(strstr(lcores.map, ",127@1023"));
}
