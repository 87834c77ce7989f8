/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "device.h"

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "interface.h"
#include "setup/capabilities.h"
#include "setup/eal.h"

/*
 * Packets that the driver takes in per receive call when it polls the interface itself (preferred
 * busy polling); 0 leaves that to the kernel's softirq. On veth, one CPU for each side, 0 answered
 * 0.71 million queries a second and 64, DPDK's default, 0.50 to 0.58: polling moves the XDP program
 * from the sender's CPU to the lcore's, and costs a system call whenever the ring is empty.
 */
#define AF_XDP_BUSY_BUDGET 0

#define ARGS_BYTES 2048

/* A driver without multi-buffer XDP needs a frame in one page, with XDP's headroom and the kernel's
 * own data behind it. */
static bool
mtu_is_too_large(const struct vly_port_spec *spec)
{
	struct vly_interface interface;

	return spec->kind == VLY_PORT_AF_XDP &&
	       vly_interface_query(spec->target, &interface) == 0 &&
	       (interface.mtu > VLY_XDP_MTU_MAX || strstr(vly_eal_kernel_error(), "MTU") != NULL);
}

/* DPDK's driver returns EINVAL for every failure, so the hint says what usually helps. */
static void
write_hint(char *hint, size_t room, const struct vly_port_spec *spec)
{
	char missing[VLY_CAPABILITIES_CHARS];
	bool is_umem = strstr(vly_eal_error(), "umem") != NULL;

	/* A UMEM needs an AF_XDP socket, too, so its capabilities are checked first. */
	vly_capabilities_hint(spec->kind, missing);
	snprintf(hint, room, "%s", missing);
	if (missing[0] != '\0')
		return;
	if (spec->kind == VLY_PORT_AF_XDP && is_umem && !vly_capabilities_lock_memory())
		snprintf(hint, room,
			 "; packet memory must be locked, which needs CAP_IPC_LOCK or a higher "
			 "RLIMIT_MEMLOCK (ulimit -l, LimitMEMLOCK=)");
	else if (mtu_is_too_large(spec))
		snprintf(
			hint, room,
			"; most drivers support XDP only up to an MTU of %u (for a veth pair, that "
			"of the other end): ip link set dev %s mtu 1500",
			VLY_XDP_MTU_MAX, spec->target);
}

int
vly_device_failed(const struct vly_port_spec *spec, const char *what, int error)
{
	const char *kernel = vly_eal_kernel_error();
	const char *detail = *kernel != '\0' ? kernel : vly_eal_error();
	const char *by = *kernel != '\0' ? "; the kernel says: " : "; DPDK says: ";
	char hint[256];

	write_hint(hint, sizeof(hint), spec);
	vly_log_error("port %s: %s: %s%s%s%s", spec->name, what, rte_strerror(-error),
		      *detail != '\0' ? by : "", detail, hint);
	return -1;
}

static int
format_args(char *args, const struct vly_port_spec *spec, const char *xdp_program)
{
	switch (spec->kind) {
	case VLY_PORT_AF_XDP:
		return snprintf(args, ARGS_BYTES,
				"iface=%s,queue_count=%u,xdp_prog=%s,busy_budget=%d", spec->target,
				spec->queue_cnt, xdp_program, AF_XDP_BUSY_BUDGET);
	case VLY_PORT_AF_PACKET:
		return snprintf(args, ARGS_BYTES, "iface=%s,qpairs=%u", spec->target,
				spec->queue_cnt);
	case VLY_PORT_TAP:
		return snprintf(args, ARGS_BYTES, "iface=%s", spec->target);
	case VLY_PORT_PCAP:
		/* Without tx_pcap, the driver drops sent packets. */
		return snprintf(args, ARGS_BYTES, "rx_pcap=%s%s%s%s", spec->file,
				spec->loop ? ",infinite_rx=1" : "",
				spec->out[0] != '\0' ? ",tx_pcap=" : "", spec->out);
	default:
		return snprintf(args, ARGS_BYTES, "%s", "");
	}
}

static int
find_pci(const struct vly_port_spec *spec, uint16_t *port_id)
{
	char full[sizeof(spec->target) + 8];

	if (rte_eth_dev_get_port_by_name(spec->target, port_id) == 0)
		return 0;
	snprintf(full, sizeof(full), "0000:%s", spec->target);
	if (rte_eth_dev_get_port_by_name(full, port_id) == 0)
		return 0;
	vly_log_error("port %s: the device is not bound to a DPDK driver: dpdk-devbind.py "
		      "--bind=vfio-pci %s",
		      spec->name, spec->target);
	return -1;
}

int
vly_device_create(const struct vly_port_spec *spec, unsigned port_idx, const char *xdp_program,
		  uint16_t *port_id)
{
	static const char *const driver[] = {
		[VLY_PORT_AF_XDP] = "net_af_xdp",       [VLY_PORT_PCAP] = "net_pcap",
		[VLY_PORT_AF_PACKET] = "net_af_packet", [VLY_PORT_TAP] = "net_tap",
		[VLY_PORT_RING] = "net_ring",           [VLY_PORT_NULL] = "net_null",
	};
	char name[32];
	char args[ARGS_BYTES];

	if (spec->kind == VLY_PORT_PCI)
		return find_pci(spec, port_id);
	snprintf(name, sizeof(name), "%s%u", driver[spec->kind], port_idx);
	format_args(args, spec, xdp_program);
	int error = rte_eal_hotplug_add("vdev", name, args);
	if (error != 0)
		return vly_device_failed(spec, "cannot create the device", error);
	error = rte_eth_dev_get_port_by_name(name, port_id);
	if (error != 0)
		return vly_device_failed(spec, "device missing after creation", error);
	return 0;
}
