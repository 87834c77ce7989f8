/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "drivers.h"

#include <stdio.h>
#include <string.h>

/* Linux 6.1, which is the oldest that the XDP program loads on, has it. */
#define OLD VLY_LINUX(6, 1)

/* By the names that `ethtool -i` shows. */
static const struct vly_preflight_driver drivers[] = {
	{"atlantic", OLD, 0, NULL},
	{"bnxt_en", OLD, 0, NULL},
	{"ena", OLD, 0, NULL},
	{"gve", VLY_LINUX(6, 4), VLY_LINUX(6, 4), NULL},
	{"hv_netvsc", OLD, 0, NULL},
	{"i40e", OLD, OLD, NULL},
	{"ice", OLD, OLD, NULL},
	{"igb", OLD, VLY_LINUX(6, 14), NULL},
	{"igc", OLD, OLD, NULL},
	{"ixgbe", OLD, OLD, NULL},
	{"mana", OLD, 0, NULL},
	{"mlx4_en", OLD, 0, NULL},
	{"mlx5_core", OLD, OLD, NULL},
	{"nfp", OLD, OLD, NULL},
	{"sfc", OLD, 0, NULL},
	{"st_gmac", OLD, OLD, NULL},
	{"tun", OLD, 0, NULL},
	{"veth", OLD, 0, NULL},
	{"virtio_net", OLD, VLY_LINUX(6, 11), NULL},
	{"vmxnet3", VLY_LINUX(6, 6), 0, NULL},
	{"be2net", 0, 0, NULL},
	{"bnx2x", 0, 0, NULL},
	{"e1000", 0, 0, NULL},
	{"e1000e", 0, 0, NULL},
	{"iavf", 0, 0, NULL},
	{"r8169", 0, 0, NULL},
	{"tg3", 0, 0, NULL},
	{"802.1Q VLAN Support", 0, 0, "the interface below it, which also gets tagged packets"},
	{"bonding", OLD, 0, "a port for each of its members"},
	{"bridge", 0, 0, "the port of the bridge that queries arrive on"},
	{"dummy", 0, 0, "the interface that queries arrive on"},
	{"macvlan", 0, 0, "the interface below it"},
	{"team", OLD, 0, "a port for each of its members"},
};

const struct vly_preflight_driver *
vly_preflight_driver_find(const char *name)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (strcmp(drivers[i].name, name) == 0)
			return &drivers[i];
	return NULL;
}

unsigned
vly_preflight_linux(const char *release)
{
	unsigned major, minor;

	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return 0;
	return VLY_LINUX(major, minor % 1000);
}
