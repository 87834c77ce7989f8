/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checks of CPUs and interrupts. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"

#define CPU "/sys/devices/system/cpu"

static struct machine machine;

static void
begin(void)
{
	machine_begin(&machine);
}

static void
end(void)
{
	machine_end(&machine);
}

TestSuite(preflight_cpus, .init = begin, .fini = end);

Test(preflight_cpus, that_are_there)
{
	machine_expect(&machine, "cpus", VLY_PREFLIGHT_OK, "lcores: 2", "");
	machine.plan.cpus.cpu[1] = 77;
	machine_expect(&machine, "cpus", VLY_PREFLIGHT_FAIL, "no such CPU", "from 0-7");
	machine.plan.cpus.cpu[1] = 4000;
	machine_expect(&machine, "cpus", VLY_PREFLIGHT_FAIL, "no such CPU", "from 0-7");
	machine.plan.cpus.cpu[1] = 3;
	machine_put(&machine, CPU "/online", "0-2,4-7\n");
	machine_expect(&machine, "cpus", VLY_PREFLIGHT_FAIL, "offline",
		       "echo 1 > /sys/devices/system/cpu/cpu3/online");
	machine_remove(&machine, CPU "/present");
	machine_expect(&machine, "cpus", VLY_PREFLIGHT_WARN, "can't be read", "mount");
}

Test(preflight_cpus, that_are_ours)
{
	CPU_CLR(3, &machine.facts.allowed);
	machine_expect(&machine, "cpus", VLY_PREFLIGHT_FAIL, "excludes it", "CPUAffinity=");
}

Test(preflight_cpus, enough_for_all_queues)
{
	machine.plan.cpus.cnt = 1;
	machine_expect(&machine, "cpus", VLY_PREFLIGHT_FAIL, "1 CPU for 2 queues",
		       "dataplane.cpus");
	machine.plan.cpus.cnt = 2;
	machine.plan.cpus.cpu[1] = 2;
	machine_expect(&machine, "cpus", VLY_PREFLIGHT_WARN, "2 lcores share 1 CPU:", "fewer");
}

Test(preflight_cpus, some_left_for_others)
{
	machine_put(&machine, CPU "/online", "2-3\n");
	machine_expect(&machine, "cpus", VLY_PREFLIGHT_WARN, "every CPU", "at least one");
}

/* Without a list, the last ones that are ours. */
Test(preflight_cpus, chosen)
{
	machine.plan.cpus.cnt = 0;
	machine_put(&machine, CPU "/isolated", "6-7\n");
	machine_expect(&machine, "isolation", VLY_PREFLIGHT_OK, "", "");
	CPU_CLR(7, &machine.facts.allowed);
	machine_expect(&machine, "isolation", VLY_PREFLIGHT_WARN, "other programs", "isolcpus=5");
}

Test(preflight_cpus, isolation)
{
	machine_expect(&machine, "isolation", VLY_PREFLIGHT_OK, "no other program", "");
	machine_put(&machine, CPU "/isolated", "2\n");
	machine_expect(&machine, "isolation", VLY_PREFLIGHT_WARN, "other programs", "isolcpus=3");
	machine_put(&machine, "/sys/fs/cgroup/cpuset.cpus.isolated", "3\n");
	machine_expect(&machine, "isolation", VLY_PREFLIGHT_OK, "no other program", "");
	machine_put(&machine, CPU "/isolated", "\n");
	machine_put(&machine, "/sys/fs/cgroup/cpuset.cpus.isolated", "\n");
	machine_expect(&machine, "isolation", VLY_PREFLIGHT_WARN, "other programs", "isolcpus=2-3");
	machine_put(&machine, "/proc/1/status", "Cpus_allowed_list:\t0-1,4-7\n");
	machine_expect(&machine, "isolation", VLY_PREFLIGHT_OK, "no other program", "");
}

Test(preflight_cpus, siblings)
{
	machine_expect(&machine, "siblings", VLY_PREFLIGHT_OK, "no other hardware thread", "");
	machine_put(&machine, CPU "/cpu2/topology/thread_siblings_list", "2,6\n");
	machine_expect(&machine, "siblings", VLY_PREFLIGHT_WARN, "other work", "isolcpus=6");
	machine_put(&machine, CPU "/isolated", "2-3,6\n");
	machine_expect(&machine, "siblings", VLY_PREFLIGHT_OK, "no other hardware thread", "");
	machine_put(&machine, CPU "/cpu2/topology/thread_siblings_list", "2-3\n");
	machine_put(&machine, CPU "/cpu3/topology/thread_siblings_list", "2-3\n");
	machine_expect(&machine, "siblings", VLY_PREFLIGHT_WARN, "all run lcores", "one thread");
}

Test(preflight_cpus, interrupts)
{
	static const char table[] =
		"           CPU0       CPU2       CPU3       CPU4\n"
		" 24:       9999          0          0          0  PCI-MSI  eth0-0\n"
		" 31:          0         17          0          0  PCI-MSI  eth0-TxRx-0\n"
		" 32:          0          0          4          0  PCI-MSI  eth0-TxRx-1\n"
		" 33:          0          0          0         99  PCI-MSI  nvme0\n"
		"RES:          5          5          5          5  Rescheduling interrupts\n";

	machine_expect(&machine, "irqs", VLY_PREFLIGHT_OK, "no device interrupts", "");
	machine_put(&machine, "/proc/interrupts", table);
	/* it came there once, and does not any more */
	machine_put(&machine, "/proc/irq/31/effective_affinity_list", "1\n");
	machine_put(&machine, "/proc/irq/32/smp_affinity_list", "0-3\n");
	machine_expect(&machine, "irqs", VLY_PREFLIGHT_WARN, "IRQs 32 (eth0-TxRx-1)",
		       "> /proc/irq/32/smp_affinity_list");
	machine_put(&machine, "/proc/irq/31/effective_affinity_list", "2\n");
	machine_expect(&machine, "irqs", VLY_PREFLIGHT_WARN,
		       "IRQs 31 (eth0-TxRx-0), 32 (eth0-TxRx-1)", "BANNED_CPULIST=2-3");
	cr_assert_str_eq(machine.result[0].check, "kernel");
}

Test(preflight_cpus, many_interrupts_are_counted)
{
	char table[2048] = "           CPU0       CPU1       CPU2       CPU3\n";
	char line[128], path[64];

	for (unsigned i = 40; i < 45; i++) {
		snprintf(line, sizeof(line), " %u: 0 0 1 0 PCI-MSI queue%u\n", i, i);
		strcat(table, line);
		snprintf(path, sizeof(path), "/proc/irq/%u/smp_affinity_list", i);
		machine_put(&machine, path, "2\n");
	}
	machine_put(&machine, "/proc/interrupts", table);
	machine_expect(&machine, "irqs", VLY_PREFLIGHT_WARN, "42 (queue42) and 2 more", "/irq/40/");
}
