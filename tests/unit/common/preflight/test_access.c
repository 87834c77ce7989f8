/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checks of memory, rights, devices, port 53 and firewalls. */
#include <criterion/criterion.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"

#define DEVICE "/sys/bus/pci/devices/0000:01:00.0"
#define OTHER  "/sys/bus/pci/devices/0000:01:00.1"
#define BRIDGE "/sys/bus/pci/devices/0000:00:01.0"
#define HUGE   "/hugepages-2048kB/free_hugepages"

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

TestSuite(preflight_access, .init = begin, .fini = end);

Test(preflight_access, huge_pages)
{
	/* 64 MiB, and 31 for each queue */
	machine_expect(&machine, "hugepages", VLY_PREFLIGHT_OK, "256 MiB of huge pages are free",
		       "");
	machine_put(&machine, "/sys/kernel/mm/hugepages" HUGE, "10\n");
	machine_expect(&machine, "hugepages", VLY_PREFLIGHT_WARN,
		       "20 MiB of huge pages are free, but "
		       "packets need up to 126",
		       "vm.nr_hugepages=181");
	machine.plan.memory_mib = 20;
	machine_expect(&machine, "hugepages", VLY_PREFLIGHT_OK, "up to 20", "");
	machine.plan.memory_mib = 0;
	machine.plan.no_huge_pages = true;
	machine_expect(&machine, "hugepages", VLY_PREFLIGHT_OK, "off", "");
}

Test(preflight_access, numa)
{
	machine_expect(&machine, "numa", VLY_PREFLIGHT_OK, "NUMA node 0", "");
	machine.plan.cpus.cpu[1] = 5;
	machine_expect(&machine, "numa", VLY_PREFLIGHT_WARN, "node is 0, but lcores run on CPUs 5",
		       "from 0-3");
	machine.plan.cpus.cpu[1] = 3;
	machine_put(&machine, "/sys/devices/system/node/node0/hugepages" HUGE, "3\n");
	machine_expect(&machine, "numa", VLY_PREFLIGHT_WARN, "free huge pages",
		       "node0/hugepages/hugepages-2048kB/nr_hugepages");
	machine_put(&machine, DEVICE "/numa_node", "-1\n");
	machine_expect(&machine, "numa", VLY_PREFLIGHT_OK, "is unknown", "");
	machine.facts.nic[0].bus[0] = '\0';
	machine_expect(&machine, "numa", VLY_PREFLIGHT_OK, "is unknown", "");
}

Test(preflight_access, locked_memory)
{
	machine.facts.memlock_bytes = 8 << 20;
	machine_expect(&machine, "memlock", VLY_PREFLIGHT_OK, "CAP_IPC_LOCK", "");
	machine.facts.capabilities &= ~(UINT64_C(1) << CAP_IPC_LOCK);
	machine_expect(&machine, "memlock", VLY_PREFLIGHT_FAIL, "8 MiB may be locked",
		       "LimitMEMLOCK=");
	machine.facts.memlock_bytes = 64 << 20;
	machine_expect(&machine, "memlock", VLY_PREFLIGHT_OK, "64 MiB may be locked", "");
	machine.facts.memlock_bytes = UINT64_MAX;
	machine_expect(&machine, "memlock", VLY_PREFLIGHT_OK, "any amount", "");
}

/* The interface to the kernel of a pci port is made by volley-dataplane. */
Test(preflight_access, rights_of_a_pci_port)
{
	machine.plan.port[0].kind = VLY_PORT_PCI;
	machine.facts.capabilities = 1u << CAP_NET_BIND_SERVICE;
	machine_expect(&machine, "rights", VLY_PREFLIGHT_OK, "no capability is missing", "");
	machine.plan.port[0].to_kernel = true;
	machine_expect(&machine, "rights", VLY_PREFLIGHT_FAIL, "CAP_NET_ADMIN missing", "root");
}

Test(preflight_access, rights)
{
	machine_expect(&machine, "rights", VLY_PREFLIGHT_OK, "no capability is missing", "");
	machine.facts.capabilities = ~(UINT64_C(1) << CAP_NET_RAW | UINT64_C(1) << CAP_SYS_ADMIN);
	machine_expect(&machine, "rights", VLY_PREFLIGHT_FAIL, "CAP_NET_RAW, CAP_SYS_ADMIN missing",
		       "root");
	machine.plan.port[0].kind = VLY_PORT_PCI;
	machine_expect(&machine, "rights", VLY_PREFLIGHT_OK, "no capability is missing", "");
	machine.facts.capabilities = ~(UINT64_C(1) << CAP_NET_ADMIN);
	machine_expect(&machine, "rights", VLY_PREFLIGHT_FAIL, "CAP_NET_ADMIN missing", "root");
	machine.plan.port[0].kind = VLY_PORT_NULL;
	machine_expect(&machine, "rights", VLY_PREFLIGHT_OK, "no capability is missing", "");
	machine.facts.capabilities = 0;
	machine_expect(&machine, "rights", VLY_PREFLIGHT_FAIL, "CAP_NET_BIND_SERVICE missing",
		       "root");
	machine.plan.no_streams = true;
	machine_expect(&machine, "rights", VLY_PREFLIGHT_OK, "no capability is missing", "");
}

static void
begin_pci(void)
{
	memset(machine.plan.port[0].target, 0, sizeof(machine.plan.port[0].target));
	strcpy(machine.plan.port[0].target, "01:00.0");
	machine.plan.port[0].kind = VLY_PORT_PCI;
	memset(&machine.facts.nic[0], 0, sizeof(machine.facts.nic[0]));
	machine_link(&machine, DEVICE "/driver", "../../../../bus/pci/drivers/vfio-pci");
	machine_link(&machine, DEVICE "/iommu_group", "../../../kernel/iommu_groups/9");
	machine_put(&machine, "/sys/bus/kernel/iommu_groups/9/devices/0000:01:00.0/class", "");
	machine_put(&machine, "/dev/vfio/9", "");
	machine_put(&machine, "/dev/net/tun", "");
}

Test(preflight_access, vfio)
{
	begin_pci();
	machine_expect(&machine, "vfio", VLY_PREFLIGHT_OK, "IOMMU group 9", "");
	machine_remove(&machine, "/dev/net/tun");
	machine_expect(&machine, "vfio", VLY_PREFLIGHT_FAIL, "packets to the kernel",
		       "modprobe tun");
	machine_put(&machine, "/dev/net/tun", "");
	machine_remove(&machine, "/dev/vfio/9");
	machine_expect(&machine, "vfio", VLY_PREFLIGHT_FAIL, "/dev/vfio/9", "modprobe");
	machine_put(&machine, "/dev/vfio/noiommu-9", "");
	machine_expect(&machine, "vfio", VLY_PREFLIGHT_WARN, "without an IOMMU", "iommu=on");
	machine_remove(&machine, DEVICE "/iommu_group");
	machine_expect(&machine, "vfio", VLY_PREFLIGHT_FAIL, "no IOMMU group", "iommu=on");
}

Test(preflight_access, drivers_of_devices)
{
	begin_pci();
	machine_remove(&machine, DEVICE "/driver");
	machine_expect(&machine, "vfio", VLY_PREFLIGHT_FAIL, "no driver",
		       "--bind=vfio-pci 0000:01:00.0");
	machine_link(&machine, DEVICE "/driver", "/drivers/ixgbe");
	machine_expect(&machine, "vfio", VLY_PREFLIGHT_FAIL, "bound to ixgbe", "--bind=vfio-pci");
	machine_remove(&machine, DEVICE "/driver");
	machine_link(&machine, DEVICE "/driver", "/drivers/mlx5_core");
	machine_expect(&machine, "vfio", VLY_PREFLIGHT_OK, "shares", "");
	machine_remove(&machine, DEVICE "/driver");
	machine_link(&machine, DEVICE "/driver", "/drivers/uio_pci_generic");
	machine_expect(&machine, "vfio", VLY_PREFLIGHT_WARN, "to all memory", "--bind=vfio-pci");
	strcpy(machine.plan.port[0].target, "02:00.0");
	machine_expect(&machine, "vfio", VLY_PREFLIGHT_FAIL, "does not exist", "lspci");
	strcpy(machine.plan.port[0].target, "eth0");
	machine_expect(&machine, "vfio", VLY_PREFLIGHT_FAIL, "not a PCI address", "lspci");
}

Test(preflight_access, other_devices_of_the_group)
{
	begin_pci();
	machine_put(&machine, "/sys/bus/kernel/iommu_groups/9/devices/0000:00:01.0/class", "");
	machine_put(&machine, BRIDGE "/class", "0x060400\n");
	machine_link(&machine, BRIDGE "/driver", "/drivers/pcieport");
	machine_expect(&machine, "vfio", VLY_PREFLIGHT_OK, "IOMMU group 9", "");
	machine_put(&machine, "/sys/bus/kernel/iommu_groups/9/devices/0000:01:00.1/class", "");
	machine_put(&machine, OTHER "/class", "0x020000\n");
	machine_expect(&machine, "vfio", VLY_PREFLIGHT_OK, "IOMMU group 9", "");
	machine_link(&machine, OTHER "/driver", "/drivers/ixgbe");
	machine_expect(&machine, "vfio", VLY_PREFLIGHT_FAIL, "0000:01:00.1 (ixgbe)",
		       "--bind=vfio-pci 0000:01:00.1");
}

/* A process with the socket of that inode. */
static void
hold(const char *name, const char *pid, const char *inode)
{
	char path[64], target[32];

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	machine_put(&machine, path, name);
	snprintf(path, sizeof(path), "/proc/%s/fd/3", pid);
	snprintf(target, sizeof(target), "socket:[%s]", inode);
	machine_link(&machine, path, target);
}

#define ROW(address, state, inode)                                                                 \
	"  sl  local_address rem_address   st\n"                                                   \
	"   1: " address ":0035 00000000:0000 " state                                              \
	" 00000000:00000000 00:00000000 00000000   101        0 " inode " 2 0 0\n"

Test(preflight_access, port_53)
{
	machine_expect(&machine, "port53", VLY_PREFLIGHT_OK, "no other program", "");
	machine_put(&machine, "/proc/net/udp", ROW("3500007F", "07", "777"));
	machine_expect(&machine, "port53", VLY_PREFLIGHT_FAIL, "another program uses port 53",
		       "stop");
	hold("systemd-resolve\n", "612", "777");
	machine_expect(&machine, "port53", VLY_PREFLIGHT_FAIL,
		       "systemd-resolve (612) uses port 53 of 127.0.0.53", "DNSStubListener=no");
	cr_assert(vly_preflight_plan_listen(&machine.plan, "192.0.2.53"));
	machine_expect(&machine, "port53", VLY_PREFLIGHT_OK, "no other program", "");
	cr_assert(vly_preflight_plan_listen(&machine.plan, "127.0.0.53"));
	machine_expect(&machine, "port53", VLY_PREFLIGHT_FAIL, "127.0.0.53", "listen");
	machine.plan.no_streams = true;
	machine_expect(&machine, "port53", VLY_PREFLIGHT_OK, "not used", "");
}

Test(preflight_access, port_53_of_every_address)
{
	cr_assert(vly_preflight_plan_listen(&machine.plan, "192.0.2.53"));
	hold("named\n", "99", "31");
	machine_put(&machine, "/proc/net/tcp6",
		    ROW("00000000000000000000000000000000", "0A", "31"));
	machine_expect(&machine, "port53", VLY_PREFLIGHT_FAIL,
		       "named (99) uses port 53 of ::", "stream-threads: 0");
}

/* A connection, or a client's socket, is in nobody's way; nor is a dataplane that runs. */
Test(preflight_access, port_53_of_no_matter)
{
	machine_put(&machine, "/proc/net/tcp", ROW("0100007F", "01", "31"));
	machine_expect(&machine, "port53", VLY_PREFLIGHT_OK, "no other program", "");
	hold("volley-dataplan\n", "99", "31");
	machine_put(&machine, "/proc/net/tcp", ROW("00000000", "0A", "31"));
	machine_expect(&machine, "port53", VLY_PREFLIGHT_OK, "no other program", "");
}

Test(preflight_access, firewalls)
{
	machine_expect(&machine, "firewall", VLY_PREFLIGHT_OK, "no rules", "");
	machine.facts.iptables_rule_cnt = 3;
	machine_expect(&machine, "firewall", VLY_PREFLIGHT_WARN, "rules (3)", "iptables-save");
	machine.facts.nft_rule_cnt = VLY_PREFLIGHT_RULES_MAX;
	machine_expect(&machine, "firewall", VLY_PREFLIGHT_WARN, "rules (1000 or more)",
		       "nft list ruleset");
	machine.facts.nft_rule_cnt = -1;
	machine.facts.iptables_rule_cnt = 0;
	machine_expect(&machine, "firewall", VLY_PREFLIGHT_OK, "does not permit", "");
}
