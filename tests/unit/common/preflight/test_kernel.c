/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole, and the checks of kernel and clock. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "machine.h"

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

TestSuite(preflight_kernel, .init = begin, .fini = end);

Test(preflight_kernel, good_machine_is_ok)
{
	cr_assert_eq(machine_run(&machine, VLY_PREFLIGHT_ALL), VLY_PREFLIGHT_OK);
	for (unsigned i = 0; i < machine.result_cnt; i++) {
		cr_expect_eq(machine.result[i].status, VLY_PREFLIGHT_OK, "%s: %s",
			     machine.result[i].check, machine.result[i].reason);
		cr_expect_str_neq(machine.result[i].reason, "");
		cr_expect_str_eq(machine.result[i].cure, "");
	}
	cr_assert_gt(machine.result_cnt, 20);
}

Test(preflight_kernel, what_is_not_ok_has_a_cure)
{
	machine.facts = (struct vly_preflight_facts){0};
	cr_assert_eq(machine_run(&machine, VLY_PREFLIGHT_ALL), VLY_PREFLIGHT_FAIL);
	for (unsigned i = 0; i < machine.result_cnt; i++)
		if (machine.result[i].status != VLY_PREFLIGHT_OK)
			cr_expect_str_neq(machine.result[i].cure, "", "%s: %s",
					  machine.result[i].check, machine.result[i].reason);
}

/* Only the machine is checked when there are no ports. */
Test(preflight_kernel, without_ports)
{
	memset(&machine.plan, 0, sizeof(machine.plan));
	machine_run(&machine, VLY_PREFLIGHT_ALL);
	for (unsigned i = 0; i < machine.result_cnt; i++) {
		cr_expect_str_neq(machine.result[i].check, "interface");
		cr_expect_str_neq(machine.result[i].check, "cpus");
	}
	machine_expect(&machine, "rights", VLY_PREFLIGHT_OK, "", "");
}

/* The start of volley-dataplane says these things itself. */
Test(preflight_kernel, at_start_without_what_the_start_says)
{
	machine.facts.nic[0].index = 0;
	machine.facts.capabilities = 0;
	cr_assert_eq(machine_run(&machine, VLY_PREFLIGHT_AT_START), VLY_PREFLIGHT_OK);
	machine.facts.nft_rule_cnt = 1;
	cr_assert_eq(machine_run(&machine, VLY_PREFLIGHT_AT_START), VLY_PREFLIGHT_WARN);
}

Test(preflight_kernel, versions)
{
	strcpy(machine.facts.release, "6.1.0-18-amd64");
	machine_expect(&machine, "kernel", VLY_PREFLIGHT_OK, "6.1.0-18-amd64", "");
	strcpy(machine.facts.release, "5.10.0-28-amd64");
	machine_expect(&machine, "kernel", VLY_PREFLIGHT_FAIL, "older than 6.1", "6.1 or later");
	machine.plan.port[0].kind = VLY_PORT_PCI;
	machine_expect(&machine, "kernel", VLY_PREFLIGHT_WARN, "older than 6.1", "6.1 or later");
}

Test(preflight_kernel, configuration)
{
	machine_expect(&machine, "bpf", VLY_PREFLIGHT_OK, "AF_XDP", "");
	machine_put(&machine, "/proc/sys/net/core/bpf_jit_enable", "0\n");
	machine_expect(&machine, "bpf", VLY_PREFLIGHT_WARN, "compiler is off", "bpf_jit_enable=1");
	machine.facts.af_xdp_error = EAFNOSUPPORT;
	machine_expect(&machine, "bpf", VLY_PREFLIGHT_FAIL, "AF_XDP", "CONFIG_XDP_SOCKETS");
	machine.facts.bpf_error = ENOSYS;
	machine_expect(&machine, "bpf", VLY_PREFLIGHT_FAIL, "no BPF", "CONFIG_BPF_SYSCALL");
}

/* Without CAP_NET_RAW the kernel does not say whether it has them. */
Test(preflight_kernel, af_xdp_that_may_not_be_asked_for)
{
	machine.facts.af_xdp_error = EPERM;
	machine_expect(&machine, "bpf", VLY_PREFLIGHT_OK, "", "");
}

Test(preflight_kernel, clocks)
{
	static const char path[] =
		"/sys/devices/system/clocksource/clocksource0/current_clocksource";

	machine_expect(&machine, "clock", VLY_PREFLIGHT_OK, "no system call", "");
	machine_put(&machine, path, "kvm-clock\n");
	machine_expect(&machine, "clock", VLY_PREFLIGHT_OK, "no system call", "");
	machine_put(&machine, path, "hpet\n");
	machine_expect(&machine, "clock", VLY_PREFLIGHT_WARN, "system call", "echo tsc");
	machine_put(&machine, "/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu tsc nonstop_tsc\n");
	machine_put(&machine, path, "tsc\n");
	machine_expect(&machine, "clock", VLY_PREFLIGHT_OK, "no system call", "");
	machine_put(&machine, path, "kvm-clock\n");
	machine_expect(&machine, "clock", VLY_PREFLIGHT_WARN, "follows the frequency",
		       "constant_tsc");
}
