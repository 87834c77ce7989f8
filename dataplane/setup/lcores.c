/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lcores.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* More CPUs than Linux can have. */
#define CPUS_MAX 65536

int
vly_lcores_allowed(cpu_set_t *allowed, vly_lcores_ask *ask)
{
	/* The kernel wants room for all CPUs that the machine may ever have: EINVAL is "larger". */
	for (int cnt = CPU_SETSIZE; cnt <= CPUS_MAX; cnt *= 2) {
		cpu_set_t *cpus = CPU_ALLOC(cnt);
		if (cpus == NULL)
			return -ENOMEM;
		int error = ask(0, CPU_ALLOC_SIZE(cnt), cpus) == 0 ? 0 : errno;
		if (error == 0)
			memcpy(allowed, cpus, sizeof(*allowed));
		CPU_FREE(cpus);
		if (error == 0 && CPU_COUNT(allowed) == 0)
			return -ERANGE;
		if (error != EINVAL)
			return -error;
	}
	return -EINVAL;
}

/* The last CPUs of the mask; more lcores than CPUs take turns on them. */
static void
choose_cpus(struct vly_lcores *lcores, const cpu_set_t *allowed)
{
	uint16_t cpu[CPU_SETSIZE];
	unsigned cpu_cnt = 0;

	for (unsigned i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, allowed))
			cpu[cpu_cnt++] = (uint16_t)i;
	unsigned first = 0;
	if (cpu_cnt > lcores->cnt)
		first = cpu_cnt - lcores->cnt;
	else if (cpu_cnt > 1)
		first = 1;
	for (unsigned i = 0; i < lcores->cnt; i++)
		lcores->cpu[i] = cpu[first + i % (cpu_cnt - first)];
}

static void
append(struct vly_lcores *lcores, size_t *len, const char *format, unsigned a, unsigned b)
{
	int more = snprintf(lcores->map + *len, sizeof(lcores->map) - *len, format, a, b);

	*len += more > 0 ? (size_t)more : 0;
	if (*len >= sizeof(lcores->map))
		*len = sizeof(lcores->map) - 1;
}

/* "0@(0,2),1@1,2@3" */
static void
write_map(struct vly_lcores *lcores)
{
	cpu_set_t rest = CPU_COUNT(&lcores->rest) > 0 ? lcores->rest : lcores->allowed;
	size_t len = 0;

	append(lcores, &len, "0@(", 0, 0);
	for (unsigned i = 0, left = (unsigned)CPU_COUNT(&rest); left > 0; i++)
		if (CPU_ISSET(i, &rest))
			append(lcores, &len, --left > 0 ? "%u," : "%u)", i, 0);
	for (unsigned i = 0; i < lcores->cnt; i++)
		append(lcores, &len, ",%u@%u", i + 1, lcores->cpu[i]);
}

int
vly_lcores_plan(struct vly_lcores *lcores, struct vly_options *options, const cpu_set_t *allowed)
{
	cpu_set_t used;

	memset(lcores, 0, sizeof(*lcores));
	lcores->cnt = vly_options_queue_cnt(options);
	if (options->cpus.cnt == 0)
		choose_cpus(lcores, allowed);
	CPU_ZERO(&used);
	for (unsigned i = 0; i < lcores->cnt; i++) {
		if (options->cpus.cnt > 0)
			lcores->cpu[i] = options->cpus.cpu[i];
		if (!CPU_ISSET(lcores->cpu[i], allowed)) {
			snprintf(options->error, sizeof(options->error),
				 "--cpus: CPU %u does not exist or may not be used",
				 lcores->cpu[i]);
			return -1;
		}
		lcores->shared |= CPU_ISSET(lcores->cpu[i], &used);
		CPU_SET(lcores->cpu[i], &used);
	}
	lcores->allowed = *allowed;
	lcores->rest = *allowed;
	for (unsigned i = 0; i < lcores->cnt; i++)
		CPU_CLR(lcores->cpu[i], &lcores->rest);
	write_map(lcores);
	return 0;
}
