/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the interfaces of af_xdp ports can carry XDP. */
#include <string.h>

#include <volley/xdp.h>

#include "context.h"
#include "drivers.h"

void
vly_preflight_check_interface(struct vly_preflight *preflight)
{
	const struct vly_preflight_plan *plan = preflight->plan;

	for (unsigned i = 0; i < plan->port_cnt; i++) {
		const struct vly_preflight_nic *nic = &preflight->facts->nic[i];
		const char *name = plan->port[i].target;
		if (plan->port[i].kind != VLY_PORT_AF_XDP)
			continue;
		if (nic->index == 0)
			vly_preflight_say(
				preflight, VLY_PREFLIGHT_FAIL, name,
				"the interface does not exist\nip -brief link lists interfaces");
		else if (!nic->up)
			vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL, name,
					  "it is down\nip link set dev %s up", name);
		else if (!nic->running)
			vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, name,
					  "it has no carrier\ncheck the cable and the switch");
		else
			vly_preflight_say(preflight, VLY_PREFLIGHT_OK, name, "up, with a carrier");
	}
}

/* The kernel's own word, or the table's for kernels that do not say. */
static uint64_t
xdp_features(const struct vly_preflight_nic *nic, const struct vly_preflight_driver *driver,
	     unsigned linux_version)
{
	uint64_t features = 0;

	if (nic->has_xdp_features)
		return nic->xdp_features;
	if (driver->native != 0 && linux_version >= driver->native)
		features |= VLY_PREFLIGHT_XDP_BASIC | VLY_PREFLIGHT_XDP_REDIRECT;
	if (driver->zero_copy != 0 && linux_version >= driver->zero_copy)
		features |= VLY_PREFLIGHT_XDP_ZEROCOPY;
	return features;
}

/* What the start of volley-dataplane refuses. */
static bool
is_bond(const struct vly_preflight_nic *nic)
{
	return strcmp(nic->driver, "bonding") == 0 || strcmp(nic->driver, "team") == 0;
}

static void
say_generic(struct vly_preflight *preflight, const char *name, const char *driver_name,
	    const struct vly_preflight_driver *driver, unsigned linux_version)
{
	static const char reason[] =
		"has no native XDP in this kernel: generic XDP is several times slower";

	if (driver->native > linux_version)
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, name,
				  "driver %s %s\ninstall Linux %u.%u or later", driver_name, reason,
				  driver->native / 1000, driver->native % 1000);
	else if (driver->native != 0)
		vly_preflight_say(
			preflight, VLY_PREFLIGHT_WARN, name,
			"driver %s offers no native XDP with the current settings: generic XDP is "
			"several times slower\nethtool -K %s lro off gro off, and see dmesg",
			driver_name, name);
	else
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, name,
				  "driver %s %s\nuse a NIC whose driver has it, or a pci port",
				  driver_name, reason);
}

static void
check_driver(struct vly_preflight *preflight, const struct vly_preflight_port *port,
	     const struct vly_preflight_nic *nic)
{
	static const struct vly_preflight_driver unknown = {0};
	const struct vly_preflight_driver *driver = vly_preflight_driver_find(nic->driver);
	unsigned linux_version = vly_preflight_linux(preflight->facts->release);
	const char *name = port->target;

	if (driver == NULL && !nic->has_xdp_features) {
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, name,
				  "driver %s is unknown, and this kernel does not report whether "
				  "it has native XDP\nwhen Volley runs, ip -details link show dev "
				  "%s shows xdp, or xdpgeneric without it",
				  nic->driver[0] != '\0' ? nic->driver : "without a name", name);
		return;
	}
	if (driver == NULL)
		driver = &unknown;
	uint64_t features = xdp_features(nic, driver, linux_version);
	if (is_bond(nic))
		vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL, name,
				  "it is a bond (%s), and the kernel gives an AF_XDP socket only "
				  "frames of its own interface\nuse %s",
				  nic->driver, driver->instead);
	else if (driver->instead != NULL)
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, name,
				  "it is a virtual interface (%s), which is slow with XDP\nuse %s",
				  nic->driver, driver->instead);
	else if ((features & VLY_PREFLIGHT_XDP_REDIRECT) == 0)
		say_generic(preflight, name, nic->driver, driver, linux_version);
	else if ((features & VLY_PREFLIGHT_XDP_ZEROCOPY) != 0)
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, name,
				  "driver %s has native XDP with zero-copy", nic->driver);
	else if (driver->zero_copy > linux_version)
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, name,
				  "driver %s has native XDP, but no zero-copy in this "
				  "kernel\ninstall Linux %u.%u or later",
				  nic->driver, driver->zero_copy / 1000, driver->zero_copy % 1000);
	else
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, name,
				  "driver %s has native XDP without zero-copy: packets are copied",
				  nic->driver);
}

void
vly_preflight_check_driver(struct vly_preflight *preflight)
{
	vly_preflight_each_nic(preflight, check_driver);
}

static void
check_mtu(struct vly_preflight *preflight, const struct vly_preflight_port *port,
	  const struct vly_preflight_nic *nic)
{
	const char *name = port->target;

	if (nic->mtu < VLY_MTU_MIN)
		vly_preflight_say(
			preflight, VLY_PREFLIGHT_FAIL, name,
			"MTU %u is below %u, which IPv6 needs\nip link set dev %s mtu 1500",
			nic->mtu, VLY_MTU_MIN, name);
	else if (nic->mtu > VLY_XDP_MTU_MAX)
		vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL, name,
				  "with MTU %u most drivers refuse an XDP program; %u is the "
				  "limit\nip link set dev %s mtu 1500",
				  nic->mtu, VLY_XDP_MTU_MAX, name);
	else
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, name, "MTU %u", nic->mtu);
}

void
vly_preflight_check_mtu(struct vly_preflight *preflight)
{
	vly_preflight_each_nic(preflight, check_mtu);
}

static void
check_xdp(struct vly_preflight *preflight, const struct vly_preflight_port *port,
	  const struct vly_preflight_nic *nic)
{
	const char *name = port->target;

	if (nic->xdp_id == 0)
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, name, "no XDP program is attached");
	else if (strcmp(nic->xdp_name, VLY_XDP_PROGRAM) == 0)
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, name,
				  "Volley's own XDP program is attached");
	else if (nic->xdp_name[0] == '\0')
		vly_preflight_say(
			preflight, VLY_PREFLIGHT_WARN, name,
			"XDP program %u is attached, and its name is not known\nrun as root",
			nic->xdp_id);
	else
		vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL, name,
				  "another XDP program is attached: %u \"%s\"\nif it is not "
				  "needed: ip link set dev %s xdp off",
				  nic->xdp_id, nic->xdp_name, name);
}

void
vly_preflight_check_xdp(struct vly_preflight *preflight)
{
	vly_preflight_each_nic(preflight, check_xdp);
}
