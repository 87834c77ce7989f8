/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *path;
	const char *text;
} files[] = {
	{"/proc/sys/net/core/bpf_jit_enable", "1\n"},
	{"/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu tsc constant_tsc nonstop_tsc\n"},
	{"/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"},
	{"/sys/devices/system/cpu/present", "0-7\n"},
	{"/sys/devices/system/cpu/online", "0-7\n"},
	{"/sys/devices/system/cpu/isolated", "2-3\n"},
	{"/sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "2\n"},
	{"/sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "3\n"},
	{"/sys/devices/system/node/node0/cpulist", "0-3\n"},
	{"/sys/devices/system/node/node1/cpulist", "4-7\n"},
	{"/sys/bus/pci/devices/0000:01:00.0/numa_node", "0\n"},
	{"/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "128\n"},
	{"/sys/devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages", "128\n"},
	{"/proc/sys/vm/nr_hugepages", "128\n"},
	{"/proc/1/status", "Name:\tinit\nCpus_allowed_list:\t0-7\n"},
	{"/proc/interrupts", "           CPU0       CPU1       CPU2       CPU3\n"
			     " 24:       9999          0          0          0  PCI-MSI  eth0-0\n"
			     "LOC:          5          5          5          5  Local timer\n"},
	{"/proc/irq/24/effective_affinity_list", "0\n"},
	{"/proc/net/udp", "  sl  local_address rem_address   st\n"},
	{"/proc/net/tcp", "  sl  local_address rem_address   st\n"},
};

static void
join(const struct machine *machine, const char *path, char full[512])
{
	snprintf(full, 512, "%s%s", machine->root, path);
}

/* The folders above `full`. */
static void
make_folders(char *full)
{
	for (char *at = full + 1; (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		mkdir(full, 0755);
		*at = '/';
	}
}

void
machine_put(struct machine *machine, const char *path, const char *text)
{
	char full[512];

	join(machine, path, full);
	make_folders(full);
	FILE *file = fopen(full, "we");
	cr_assert(file != NULL, "%s", full);
	fputs(text, file);
	fclose(file);
}

void
machine_link(struct machine *machine, const char *path, const char *target)
{
	char full[512];

	join(machine, path, full);
	make_folders(full);
	cr_assert(symlink(target, full) == 0, "%s", full);
}

void
machine_remove(struct machine *machine, const char *path)
{
	char full[512];

	join(machine, path, full);
	cr_assert(remove(full) == 0, "%s", full);
}

static struct vly_preflight_nic
good_nic(void)
{
	const uint64_t all = RXH_IP_SRC | RXH_IP_DST | RXH_L4_B_0_1 | RXH_L4_B_2_3;

	return (struct vly_preflight_nic){
		.index = 2,
		.up = true,
		.running = true,
		.mtu = 1500,
		.driver = "ice",
		.bus = "0000:01:00.0",
		.has_combined = true,
		.queue_cnt = 2,
		.rx_queue_cnt = 2,
		.rx_ring = 2048,
		.rx_ring_max = 8160,
		.hashed = {all, all},
	};
}

void
machine_begin(struct machine *machine)
{
	memset(machine, 0, sizeof(*machine));
	strcpy(machine->root, "/tmp/vly-machine-XXXXXX");
	cr_assert(mkdtemp(machine->root) != NULL);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		machine_put(machine, files[i].path, files[i].text);
	machine->plan.port[0] = (struct vly_preflight_port){
		.kind = VLY_PORT_AF_XDP, .target = "eth0", .queue_cnt = 2};
	machine->plan.port_cnt = 1;
	machine->plan.cpus = (struct vly_cpu_list){{2, 3}, 2};
	machine->facts.nic[0] = good_nic();
	strcpy(machine->facts.release, "6.12.9-amd64");
	machine->facts.capabilities = UINT64_MAX;
	machine->facts.memlock_bytes = UINT64_MAX;
	for (unsigned i = 0; i < 8; i++)
		CPU_SET(i, &machine->facts.allowed);
}

static int
remove_one(const char *path, const struct stat *status, int flag, struct FTW *ftw)
{
	(void)status;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void
machine_end(struct machine *machine)
{
	nftw(machine->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
keep(void *context, const struct vly_preflight_result *result)
{
	struct machine *machine = context;

	cr_assert(machine->result_cnt < MACHINE_RESULTS_MAX);
	machine->result[machine->result_cnt++] = *result;
}

enum vly_preflight_status
machine_run(struct machine *machine, enum vly_preflight_extent extent)
{
	struct vly_preflight_plan plan = machine->plan;

	machine->result_cnt = 0;
	return vly_preflight_run(&plan, &machine->facts, machine->root, extent, keep, machine);
}

void
machine_expect(struct machine *machine, const char *check, enum vly_preflight_status status,
	       const char *reason, const char *cure)
{
	char seen[8192] = "";
	size_t len = 0;
	bool found = false, worse = false;

	machine_run(machine, VLY_PREFLIGHT_ALL);
	for (unsigned i = 0; i < machine->result_cnt; i++) {
		const struct vly_preflight_result *result = &machine->result[i];
		if (strcmp(result->check, check) != 0)
			continue;
		worse |= status == VLY_PREFLIGHT_OK && result->status != VLY_PREFLIGHT_OK;
		found |= result->status == status && strstr(result->reason, reason) != NULL &&
			 strstr(result->cure, cure) != NULL;
		if (len < sizeof(seen))
			len += (size_t)snprintf(seen + len, sizeof(seen) - len, "\n%s %s: %s; %s",
						vly_preflight_status_name(result->status),
						result->subject, result->reason, result->cure);
	}
	cr_assert(found && !worse, "%s: no %s \"%s\" ... \"%s\" in:%s", check,
		  vly_preflight_status_name(status), reason, cure, seen);
}
