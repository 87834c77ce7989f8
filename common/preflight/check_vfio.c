/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the devices of pci ports are DPDK's to use. */
#include <dirent.h>
#include <string.h>

#include "context.h"

#define DEVICES "/sys/bus/pci/devices"

/* Of a root port or bridge, which may be in a group with its devices and stay with its driver. */
#define CLASS_BRIDGE "0x0604"

static bool
is_bridge(const char *root, const char *pci)
{
	char class[16];

	vly_preflight_read_line(root, class, sizeof(class), DEVICES "/%s/class", pci);
	return strncmp(class, CLASS_BRIDGE, strlen(CLASS_BRIDGE)) == 0;
}

/* The kernel opens a group only when all of its devices are with vfio, or with nobody. Writes
 * one that is not. */
static bool
find_stranger(const char *root, const char *pci, char stranger[VLY_PREFLIGHT_PCI_CHARS])
{
	char path[512], driver[64];
	const struct dirent *entry;
	bool found = false;

	snprintf(path, sizeof(path), "%s" DEVICES "/%s/iommu_group/devices", root, pci);
	DIR *dir = opendir(path);
	while (!found && dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' || is_bridge(root, entry->d_name) ||
		    !vly_preflight_read_link(root, driver, sizeof(driver), DEVICES "/%s/driver",
					     entry->d_name))
			continue;
		found = strncmp(driver, "vfio", 4) != 0;
		snprintf(stranger, VLY_PREFLIGHT_PCI_CHARS, "%.16s (%.50s)", entry->d_name, driver);
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

/* Bound to vfio-pci: whether it can be opened. */
static void
check_group(struct vly_preflight *preflight, const char *pci)
{
	char group[32], stranger[VLY_PREFLIGHT_PCI_CHARS];
	const char *root = preflight->root;

	if (!vly_preflight_read_link(root, group, sizeof(group), DEVICES "/%s/iommu_group", pci))
		vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL, pci,
				  "it has no IOMMU group\nturn on the IOMMU in the firmware and "
				  "boot with intel_iommu=on or amd_iommu=on");
	else if (find_stranger(root, pci, stranger))
		vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL, pci,
				  "its IOMMU group %s also contains %s\ndpdk-devbind.py "
				  "--bind=vfio-pci %.16s, or move the NIC to another slot",
				  group, stranger, stranger);
	else if (vly_preflight_exists(root, "/dev/vfio/noiommu-%s", group))
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, pci,
				  "without an IOMMU, the device can write to all memory\nboot with "
				  "intel_iommu=on or amd_iommu=on");
	else if (!vly_preflight_exists(root, "/dev/vfio/%s", group))
		vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL, pci,
				  "/dev/vfio/%s does not exist\nmodprobe vfio-pci; give the device "
				  "to the container",
				  group);
	else
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, pci,
				  "bound to vfio-pci, in IOMMU group %s", group);
}

static void
check_device(struct vly_preflight *preflight, const char *pci)
{
	char driver[64];

	vly_preflight_read_link(preflight->root, driver, sizeof(driver), DEVICES "/%s/driver", pci);
	if (!vly_preflight_exists(preflight->root, DEVICES "/%s", pci))
		vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL, pci,
				  "the device does not exist\nlspci -D lists devices");
	else if (strcmp(driver, "vfio-pci") == 0)
		check_group(preflight, pci);
	else if (strncmp(driver, "mlx", 3) == 0)
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, pci,
				  "bound to %s, which DPDK shares with the kernel", driver);
	else if (strcmp(driver, "uio_pci_generic") == 0 || strcmp(driver, "igb_uio") == 0)
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, pci,
				  "bound to %s, the device can write to all "
				  "memory\ndpdk-devbind.py --bind=vfio-pci %s",
				  driver, pci);
	else
		vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL, pci,
				  "it is bound to %s, not to vfio-pci\nmodprobe vfio-pci && "
				  "dpdk-devbind.py --bind=vfio-pci %s",
				  driver[0] != '\0' ? driver : "no driver", pci);
}

void
vly_preflight_check_vfio(struct vly_preflight *preflight)
{
	for (unsigned i = 0; i < preflight->plan->port_cnt; i++) {
		char pci[VLY_PREFLIGHT_PCI_CHARS];
		if (preflight->plan->port[i].kind != VLY_PORT_PCI)
			continue;
		vly_preflight_pci(preflight, i, pci);
		if (pci[0] != '\0')
			check_device(preflight, pci);
		else
			vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL,
					  preflight->plan->port[i].target,
					  "this is not a PCI address\nlspci -D lists addresses "
					  "such as 0000:01:00.0");
	}
	/* packets for the kernel go through an interface of the exception path */
	if (vly_preflight_has(preflight, VLY_PORT_PCI) &&
	    !vly_preflight_exists(preflight->root, "/dev/net/tun"))
		vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL, "/dev/net/tun",
				  "it does not exist, and pci ports need it for packets to the "
				  "kernel\nmodprobe tun; give the device to the container");
}
