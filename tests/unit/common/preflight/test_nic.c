/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checks of interfaces. */
#include <criterion/criterion.h>
#include <linux/ethtool.h>
#include <string.h>

#include "common/preflight/drivers.h"
#include "machine.h"

static struct machine machine;
static struct vly_preflight_nic *nic = &machine.facts.nic[0];

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

TestSuite(preflight_nic, .init = begin, .fini = end);

Test(preflight_nic, interface)
{
	machine_expect(&machine, "interface", VLY_PREFLIGHT_OK, "carrier", "");
	nic->running = false;
	machine_expect(&machine, "interface", VLY_PREFLIGHT_WARN, "no carrier", "cable");
	nic->up = false;
	machine_expect(&machine, "interface", VLY_PREFLIGHT_FAIL, "down",
		       "ip link set dev eth0 up");
	nic->index = 0;
	machine_expect(&machine, "interface", VLY_PREFLIGHT_FAIL, "does not exist", "ip");
	/* and nothing else is said of what does not exist */
	machine_run(&machine, VLY_PREFLIGHT_ALL);
	for (unsigned i = 0; i < machine.result_cnt; i++)
		cr_expect_str_neq(machine.result[i].check, "mtu");
}

Test(preflight_nic, driver_by_the_table)
{
	machine_expect(&machine, "driver", VLY_PREFLIGHT_OK, "ice has native XDP with zero-copy",
		       "");
	strcpy(nic->driver, "ena");
	machine_expect(&machine, "driver", VLY_PREFLIGHT_OK, "without zero-copy", "");
	strcpy(nic->driver, "igb");
	machine_expect(&machine, "driver", VLY_PREFLIGHT_WARN, "no zero-copy", "Linux 6.14");
	strcpy(nic->driver, "vmxnet3");
	strcpy(machine.facts.release, "6.1.0-18-amd64");
	machine_expect(&machine, "driver", VLY_PREFLIGHT_WARN, "no native XDP", "Linux 6.6");
	strcpy(nic->driver, "e1000e");
	machine_expect(&machine, "driver", VLY_PREFLIGHT_WARN, "no native XDP", "pci port");
	strcpy(nic->driver, "802.1Q VLAN Support");
	machine_expect(&machine, "driver", VLY_PREFLIGHT_WARN, "virtual interface",
		       "interface below");
	strcpy(nic->driver, "newest");
	machine_expect(&machine, "driver", VLY_PREFLIGHT_WARN, "unknown", "ip -details link");
}

/* As the start of volley-dataplane refuses it. */
Test(preflight_nic, bond)
{
	strcpy(nic->driver, "bonding");
	machine_expect(&machine, "driver", VLY_PREFLIGHT_FAIL, "bond", "each of its members");
	strcpy(nic->driver, "team");
	nic->has_xdp_features = true;
	machine_expect(&machine, "driver", VLY_PREFLIGHT_FAIL, "bond", "each of its members");
}

/* The kernel's own word goes before the table. */
Test(preflight_nic, driver_by_the_kernel)
{
	nic->has_xdp_features = true;
	nic->xdp_features = VLY_PREFLIGHT_XDP_BASIC | VLY_PREFLIGHT_XDP_REDIRECT;
	machine_expect(&machine, "driver", VLY_PREFLIGHT_OK, "without zero-copy", "");
	nic->xdp_features |= VLY_PREFLIGHT_XDP_ZEROCOPY;
	strcpy(nic->driver, "newest");
	machine_expect(&machine, "driver", VLY_PREFLIGHT_OK, "newest has native XDP with zero-copy",
		       "");
	nic->xdp_features = 0;
	machine_expect(&machine, "driver", VLY_PREFLIGHT_WARN, "no native XDP", "pci port");
	strcpy(nic->driver, "mlx5_core");
	machine_expect(&machine, "driver", VLY_PREFLIGHT_WARN, "with the current settings",
		       "lro off");
}

Test(preflight_nic, versions_of_linux)
{
	cr_expect_eq(vly_preflight_linux("6.1.0-18-amd64"), VLY_LINUX(6, 1));
	cr_expect_eq(vly_preflight_linux("6.18-rc1"), VLY_LINUX(6, 18));
	cr_expect_eq(vly_preflight_linux(""), 0);
	cr_expect_gt(vly_preflight_linux("7.0.1"), VLY_LINUX(6, 99));
}

Test(preflight_nic, queues)
{
	machine_expect(&machine, "queues", VLY_PREFLIGHT_OK, "2", "");
	nic->queue_cnt = nic->rx_queue_cnt = 8;
	machine_expect(&machine, "queues", VLY_PREFLIGHT_WARN,
		       "arrive on 8 queues, but lcores serve only 2", "ethtool -L eth0 combined 2");
	nic->queue_cnt = nic->rx_queue_cnt = 1;
	machine_expect(&machine, "queues", VLY_PREFLIGHT_FAIL, "has 1",
		       "ethtool -L eth0 combined 2");
	nic->has_combined = false;
	nic->rx_queue_cnt = 4;
	machine_expect(&machine, "queues", VLY_PREFLIGHT_FAIL, "no combined", "queues=1");
	machine.plan.port[0].queue_cnt = 1;
	machine_expect(&machine, "queues", VLY_PREFLIGHT_WARN, "arrive on 4",
		       "ethtool -L eth0 rx 1");
}

Test(preflight_nic, rss)
{
	machine_expect(&machine, "rss", VLY_PREFLIGHT_OK, "addresses and ports", "");
	nic->hashed[0] = RXH_IP_SRC | RXH_IP_DST;
	machine_expect(&machine, "rss", VLY_PREFLIGHT_WARN, "IPv4 is hashed by addresses alone",
		       "ethtool -N eth0 rx-flow-hash udp4 sdfn");
	nic->hashed[0] = nic->hashed[1];
	nic->hashed[1] = RXH_IP_SRC | RXH_IP_DST;
	machine_expect(&machine, "rss", VLY_PREFLIGHT_WARN, "IPv6 is hashed by addresses alone",
		       "ethtool -N eth0 rx-flow-hash udp6 sdfn");
	nic->hashed[0] = nic->hashed[1] = 0;
	machine_expect(&machine, "rss", VLY_PREFLIGHT_OK, "does not report", "");
	nic->rx_queue_cnt = 1;
	machine_expect(&machine, "rss", VLY_PREFLIGHT_OK, "only one queue", "");
}

Test(preflight_nic, rings)
{
	machine_expect(&machine, "rings", VLY_PREFLIGHT_OK, "2048", "");
	nic->rx_ring = 256;
	machine_expect(&machine, "rings", VLY_PREFLIGHT_WARN, "256 packets and could hold 8160",
		       "ethtool -G eth0 rx 1024");
	nic->rx_ring_max = 512;
	machine_expect(&machine, "rings", VLY_PREFLIGHT_WARN, "256 packets and could hold 512",
		       "ethtool -G eth0 rx 512");
	nic->rx_ring_max = 256;
	machine_expect(&machine, "rings", VLY_PREFLIGHT_OK, "256", "");
	nic->rx_ring = nic->rx_ring_max = 0;
	machine_expect(&machine, "rings", VLY_PREFLIGHT_OK, "does not report", "");
}

Test(preflight_nic, offloads)
{
	machine_expect(&machine, "offloads", VLY_PREFLIGHT_OK, "off", "");
	nic->lro = VLY_PREFLIGHT_ON;
	machine_expect(&machine, "offloads", VLY_PREFLIGHT_WARN, "LRO", "ethtool -K eth0 lro off");
	nic->lro = VLY_PREFLIGHT_OFF;
	nic->gro_hw = VLY_PREFLIGHT_ON;
	machine_expect(&machine, "offloads", VLY_PREFLIGHT_WARN, "rx-gro-hw",
		       "ethtool -K eth0 rx-gro-hw off");
	nic->gro_hw = VLY_PREFLIGHT_FIXED;
	strcpy(nic->driver, "virtio_net");
	machine_expect(&machine, "offloads", VLY_PREFLIGHT_FAIL, "host", "guest_tso4=off");
}

Test(preflight_nic, mtu)
{
	machine_expect(&machine, "mtu", VLY_PREFLIGHT_OK, "1500", "");
	nic->mtu = 9000;
	machine_expect(&machine, "mtu", VLY_PREFLIGHT_FAIL, "MTU 9000", "mtu 1500");
	nic->mtu = 1279;
	machine_expect(&machine, "mtu", VLY_PREFLIGHT_FAIL, "below 1280", "mtu 1500");
	nic->mtu = 1280;
	machine_expect(&machine, "mtu", VLY_PREFLIGHT_OK, "1280", "");
}

Test(preflight_nic, other_program)
{
	machine_expect(&machine, "xdp", VLY_PREFLIGHT_OK, "no XDP program", "");
	nic->xdp_id = 7;
	machine_expect(&machine, "xdp", VLY_PREFLIGHT_WARN, "not known", "run as root");
	strcpy(nic->xdp_name, "volley_xdp");
	machine_expect(&machine, "xdp", VLY_PREFLIGHT_OK, "own", "");
	strcpy(nic->xdp_name, "xdp_dispatcher");
	machine_expect(&machine, "xdp", VLY_PREFLIGHT_FAIL, "xdp_dispatcher",
		       "ip link set dev eth0 xdp off");
}
