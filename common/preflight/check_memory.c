/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether there is memory for packets, and in the right place. */
#include <linux/capability.h>
#include <string.h>

#include "context.h"

/* Packet memory of a queue with an MTU of 1500, for af_xdp, which needs the most. */
#define QUEUE_MIB 31

/* DPDK's own, at the start. */
#define OWN_MIB 64

/* NUMA nodes that are looked at; Linux has 1,024 at the most, machines have 8. */
#define NODES_MAX 64

unsigned
vly_preflight_memory_mib(const struct vly_preflight_plan *plan)
{
	unsigned queue_cnt = vly_preflight_plan_queues(plan);

	if (plan->memory_mib != 0)
		return plan->memory_mib;
	return OWN_MIB + QUEUE_MIB * (queue_cnt > 0 ? queue_cnt : 1);
}

/* Free ones of all sizes in a folder such as /sys/kernel/mm/hugepages, in MiB. */
static unsigned long
free_mib(const char *root, const char *folder)
{
	static const unsigned kib[] = {2048, 1048576}; /* x86-64's */
	unsigned long sum = 0;

	for (size_t i = 0; i < sizeof(kib) / sizeof(kib[0]); i++)
		sum += (unsigned long)vly_preflight_read_number(
			       root, 0, "%s/hugepages-%ukB/free_hugepages", folder, kib[i]) *
		       (kib[i] / 1024);
	return sum;
}

void
vly_preflight_check_huge_pages(struct vly_preflight *preflight)
{
	unsigned need = vly_preflight_memory_mib(preflight->plan);
	unsigned long have = free_mib(preflight->root, "/sys/kernel/mm/hugepages");

	if (preflight->plan->no_huge_pages)
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, "memory",
				  "huge pages are off by the configuration");
	else if (have < need)
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, "memory",
				  "%lu MiB of huge pages are free, but packets need up to %u: "
				  "ordinary pages are used, which are slower\nsysctl -w "
				  "vm.nr_hugepages=%lu; zones need more",
				  have, need,
				  (need - have + 1) / 2 +
					  (unsigned long)vly_preflight_read_number(
						  preflight->root, 0, "/proc/sys/vm/nr_hugepages"));
	else
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, "memory",
				  "%lu MiB of huge pages are free, packets need up to %u", have,
				  need);
}

/* Those whose memory the kernel wants locked; without ports, that of one to come. */
static unsigned
count_af_xdp_queues(const struct vly_preflight_plan *plan)
{
	unsigned cnt = plan->port_cnt == 0;

	for (unsigned i = 0; i < plan->port_cnt; i++)
		if (plan->port[i].kind == VLY_PORT_AF_XDP)
			cnt += plan->port[i].queue_cnt;
	return cnt;
}

void
vly_preflight_check_memlock(struct vly_preflight *preflight)
{
	const struct vly_preflight_facts *facts = preflight->facts;
	unsigned need = QUEUE_MIB * count_af_xdp_queues(preflight->plan);
	uint64_t have = facts->memlock_bytes >> 20;

	if (!vly_preflight_has(preflight, VLY_PORT_AF_XDP))
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, "memory",
				  "no port needs locked memory");
	else if ((facts->capabilities >> CAP_IPC_LOCK & 1) != 0)
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, "memory",
				  "CAP_IPC_LOCK permits locking packet memory");
	else if (facts->memlock_bytes == UINT64_MAX)
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, "memory",
				  "any amount may be locked");
	else if (have < need)
		vly_preflight_say(
			preflight, VLY_PREFLIGHT_FAIL, "memory",
			"%llu MiB may be locked, but packets of af_xdp ports need up to %u\nulimit "
			"-l unlimited, LimitMEMLOCK=infinity in the unit, or CAP_IPC_LOCK",
			(unsigned long long)have, need);
	else
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, "memory",
				  "%llu MiB may be locked, packets need up to %u",
				  (unsigned long long)have, need);
}

/* Says of one port whether its lcores are at its node. Returns false when they are not. */
static bool
check_node_cpus(struct vly_preflight *preflight, unsigned port_idx, unsigned first_lcore, long node)
{
	const struct vly_preflight_plan *plan = preflight->plan;
	const struct vly_preflight_port *port = &plan->port[port_idx];
	char list[VLY_PREFLIGHT_LIST_CHARS], near_list[VLY_PREFLIGHT_LIST_CHARS];
	cpu_set_t near, far;

	CPU_ZERO(&far);
	if (!vly_preflight_read_cpus(preflight->root, &near,
				     "/sys/devices/system/node/node%ld/cpulist", node))
		return true;
	for (unsigned i = first_lcore; i < first_lcore + port->queue_cnt && i < plan->cpus.cnt; i++)
		if (plan->cpus.cpu[i] < CPU_SETSIZE && !CPU_ISSET(plan->cpus.cpu[i], &near))
			CPU_SET(plan->cpus.cpu[i], &far);
	if (CPU_COUNT(&far) == 0)
		return true;
	vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, port->target,
			  "its NUMA node is %ld, but lcores run on CPUs %s of other nodes: each "
			  "packet crosses between nodes\nlist CPUs from %s in dataplane.cpus",
			  node, vly_preflight_list_cpus(&far, list),
			  vly_preflight_list_cpus(&near, near_list));
	return false;
}

/* Only when there are huge pages at all: another check tells how many are wanted. */
static bool
check_node_memory(struct vly_preflight *preflight, unsigned port_idx, long node)
{
	const struct vly_preflight_plan *plan = preflight->plan;
	unsigned need = vly_preflight_memory_mib(plan);
	char folder[80];

	snprintf(folder, sizeof(folder), "/sys/devices/system/node/node%ld/hugepages", node);
	if (plan->no_huge_pages || !vly_preflight_exists(preflight->root, "%s", folder) ||
	    free_mib(preflight->root, "/sys/kernel/mm/hugepages") < need ||
	    free_mib(preflight->root, folder) >= need)
		return true;
	vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, plan->port[port_idx].target,
			  "its NUMA node %ld has too few free huge pages for %u MiB of "
			  "packets\necho %u > %s/hugepages-2048kB/nr_hugepages",
			  node, need, (need + 1) / 2, folder);
	return false;
}

void
vly_preflight_check_numa(struct vly_preflight *preflight)
{
	const struct vly_preflight_plan *plan = preflight->plan;
	unsigned first_lcore = 0;

	for (unsigned i = 0; i < plan->port_cnt; first_lcore += plan->port[i++].queue_cnt) {
		char pci[VLY_PREFLIGHT_PCI_CHARS];
		if (plan->port[i].kind == VLY_PORT_NULL)
			continue;
		vly_preflight_pci(preflight, i, pci);
		long node = vly_preflight_read_number(preflight->root, -1,
						      "/sys/bus/pci/devices/%s/numa_node", pci);
		if (pci[0] == '\0' || node < 0 || node >= NODES_MAX) {
			vly_preflight_say(preflight, VLY_PREFLIGHT_OK, plan->port[i].target,
					  "its NUMA node is unknown, or there is only one");
			continue;
		}
		bool good = check_node_cpus(preflight, i, first_lcore, node);
		good &= check_node_memory(preflight, i, node);
		if (good)
			vly_preflight_say(preflight, VLY_PREFLIGHT_OK, plan->port[i].target,
					  "its lcores and memory are on its NUMA node %ld", node);
	}
}
