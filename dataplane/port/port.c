/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "port.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <uv.h>

#include "device.h"
#include "interface.h"
#include "setup/eal.h"
#include "xdp_refusal.h"
#include "xsk.h"

/* For ports without an MTU: that of Ethernet. */
#define MTU_DEFAULT 1500

/* NICs distribute packets over queues by addresses and UDP ports. */
#define RSS_UDP                                                                                    \
	(RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV6_UDP | RTE_ETH_RSS_IPV6_UDP_EX)

/* What a device does not check, or does not say, lcores check. */
#define RX_CHECKSUMS (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM)

static int
check_queues(const struct vly_port_spec *spec, const struct vly_interface *interface)
{
	const char *kind = interface->combined ? "combined" : "rx";

	if (spec->queue_cnt > interface->queue_cnt) {
		if (interface->combined)
			vly_log_error("port %s: %u queues requested, but the interface has %u: "
				      "ethtool -L %s combined %u",
				      spec->name, spec->queue_cnt, interface->queue_cnt,
				      spec->target, spec->queue_cnt);
		else
			vly_log_error("port %s: %u queues requested, but DPDK supports only one on "
				      "an interface whose driver has no combined queues",
				      spec->name, spec->queue_cnt);
		return -1;
	}
	if (spec->queue_cnt < interface->rx_queue_cnt)
		vly_log_warning(
			"port %s: packets arrive on %u queues, but lcores serve only %u: queries "
			"on the others go to the kernel; ethtool -L %s %s %u",
			spec->name, interface->rx_queue_cnt, spec->queue_cnt, spec->target, kind,
			spec->queue_cnt);
	return 0;
}

static int
check_interface(struct vly_port *port)
{
	const struct vly_port_spec *spec = port->spec;
	struct vly_interface interface;
	int error = vly_interface_query(spec->target, &interface);

	if (error != 0) {
		vly_log_error("port %s: interface %s: %s", spec->name, spec->target,
			      error == -ENODEV ? "does not exist" : strerror(-error));
		return -1;
	}
	if (!interface.up) {
		vly_log_error("port %s: interface %s is down: ip link set dev %s up", spec->name,
			      spec->target, spec->target);
		return -1;
	}
	if (interface.mtu < VLY_MTU_MIN) {
		vly_log_error("port %s: MTU %u is below %u: ip link set dev %s mtu 1500",
			      spec->name, interface.mtu, VLY_MTU_MIN, spec->target);
		return -1;
	}
	port->mtu = interface.mtu;
	port->if_index = interface.index;
	port->mac = vly_policy_mac(interface.mac);
	port->partial_sums = interface.partial_sums;
	if (spec->kind != VLY_PORT_AF_XDP)
		return 0;
	if (interface.is_bond) {
		vly_log_error("port %s: %s is a bond, and the kernel gives an AF_XDP socket only "
			      "frames of its own interface: use a port for each member of the "
			      "bond, such as af_xdp:eth0",
			      spec->name, spec->target);
		return -1;
	}
	if (check_queues(spec, &interface) != 0)
		return -1;
	if (interface.strips_vlan_tags)
		vly_log_debug("port %s: the driver may strip VLAN tags before XDP; if VLANs are "
			      "in use: ethtool -K %s rxvlan off",
			      spec->name, spec->target);
	port->has_xdp = true;
	return vly_xdp_claim(&port->xdp, spec->target, interface.index);
}

int
vly_port_plan(struct vly_port *port, const struct vly_port_spec *spec)
{
	memset(port, 0, sizeof(*port));
	port->spec = spec;
	port->port_id = VLY_PORT_NONE;
	port->mtu = MTU_DEFAULT;
	port->partial_sums = spec->kind != VLY_PORT_PCI;
	port->xdp.claim_fd = -1;
	if (spec->kind == VLY_PORT_AF_XDP || spec->kind == VLY_PORT_AF_PACKET) {
		if (check_interface(port) != 0)
			return -1;
	} else if (spec->kind == VLY_PORT_PCAP && access(spec->file, R_OK) != 0) {
		vly_log_error("port %s: %s: %s", spec->name, spec->file, strerror(errno));
		return -1;
	}
	port->plan = vly_pool_plan_port(spec, port->mtu);
	return 0;
}

static int
configure(struct vly_port *port)
{
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	uint16_t queue_cnt = (uint16_t)port->spec->queue_cnt;
	int error = rte_eth_dev_info_get(port->port_id, &info);

	if (error != 0)
		return vly_device_failed(port->spec, "cannot query the device's capabilities",
					 error);
	if (queue_cnt > info.max_rx_queues || queue_cnt > info.max_tx_queues) {
		vly_log_error("port %s: %u queues requested, but the device has %u",
			      port->spec->name, queue_cnt,
			      RTE_MIN(info.max_rx_queues, info.max_tx_queues));
		return -1;
	}
	if (queue_cnt > 1 && (info.flow_type_rss_offloads & RSS_UDP) != 0) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = info.flow_type_rss_offloads & RSS_UDP;
	} else if (queue_cnt > 1 && port->spec->kind == VLY_PORT_PCI) {
		vly_log_warning("port %s: the device cannot distribute UDP by ports (RSS): the "
				"load of the queues will be uneven",
				port->spec->name);
	}
	if (port->spec->kind == VLY_PORT_PCI)
		conf.rxmode.offloads = info.rx_offload_capa & RX_CHECKSUMS;
	port->checks_sums = (conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_UDP_CKSUM) != 0;
	/* All packets sent on a queue are from its own mempool, with one reference each. */
	conf.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	error = rte_eth_dev_configure(port->port_id, queue_cnt, queue_cnt, &conf);
	if (error == 0)
		error = rte_eth_dev_adjust_nb_rx_tx_desc(port->port_id, &port->plan.rx_desc_cnt,
							 &port->plan.tx_desc_cnt);
	if (error != 0)
		return vly_device_failed(port->spec, "cannot configure the device", error);
	return 0;
}

/* Without a socket to wait on, an idle lcore polls. */
static int
set_up_rx(struct vly_port *port, uint16_t queue_idx, struct rte_mempool *pool)
{
	struct vly_xsk_list before, after;

	vly_xsk_list(&before);
	int error =
		rte_eth_rx_queue_setup(port->port_id, queue_idx, port->plan.rx_desc_cnt,
				       (unsigned)rte_eth_dev_socket_id(port->port_id), NULL, pool);
	vly_xsk_list(&after);
	port->wait_fd[queue_idx] = vly_xsk_find_new(&before, &after);
	if (error == 0 && port->has_xdp && port->wait_fd[queue_idx] < 0)
		vly_log_debug("port %s: queue %u has no socket to wait on", port->spec->name,
			      queue_idx);
	return error;
}

/* With huge pages, DPDK takes memory as it is needed, and says ENOMEM for whatever keeps it from that. */
static int
pool_failed(const struct vly_port *port)
{
	if (rte_errno == ENOMEM && rte_eal_has_hugepages()) {
		vly_log_warning("port %s: no huge pages for %u packets: another program has taken "
				"them meanwhile, they are on another NUMA node, or --memory is too "
				"small: restarting with ordinary pages",
				port->spec->name, port->plan.mbuf_cnt);
		return VLY_EAL_NO_HUGE_PAGES;
	}
	vly_log_error("port %s: no memory for %u packets: %s%s", port->spec->name,
		      port->plan.mbuf_cnt, rte_strerror(rte_errno),
		      rte_errno == ENOMEM ? "; raise --memory, or see what else the machine's "
					    "memory is used for"
					  : "");
	return -1;
}

static int
set_up_queue(struct vly_port *port, uint16_t queue_idx, const char *xdp_program)
{
	char name[RTE_MEMPOOL_NAMESIZE];
	int socket_id = rte_eth_dev_socket_id(port->port_id);

	snprintf(name, sizeof(name), "port%u.%u", port->port_id, queue_idx);
	struct rte_mempool *pool = vly_pool_create(&port->plan, name, socket_id);
	if (pool == NULL)
		return pool_failed(port);
	if (queue_idx == 0)
		port->pool = pool;
	int error = set_up_rx(port, queue_idx, pool);
	if (error != 0 && port->has_xdp && vly_xdp_refusal_report(port->spec->name, xdp_program))
		return -1;
	if (error == 0)
		error = rte_eth_tx_queue_setup(port->port_id, queue_idx, port->plan.tx_desc_cnt,
					       (unsigned)socket_id, NULL);
	if (error != 0)
		return vly_device_failed(port->spec, "cannot set up a queue", error);
	return 0;
}

static uint64_t
device_mac(const struct vly_port *port)
{
	union {
		struct rte_ether_addr address;
		uint8_t octet[8];
	} mac = {0};

	return rte_eth_macaddr_get(port->port_id, &mac.address) == 0 ? vly_policy_mac(mac.octet)
								     : 0;
}

/* The kernel needs multicast frames, for ND, and frames of any VLAN. A virtio device drops tags that
 * it does not know of, unless it is promiscuous; lcores compare MAC addresses themselves. */
static void
open_filters(const struct vly_port *port)
{
	struct rte_eth_dev_info info;

	if (rte_eth_dev_info_get(port->port_id, &info) == 0 &&
	    strcmp(info.driver_name, "net_virtio") == 0 &&
	    rte_eth_promiscuous_enable(port->port_id) != 0)
		vly_log_warning("port %s: the device drops frames with VLAN tags",
				port->spec->name);
	if (rte_eth_allmulticast_enable(port->port_id) != 0)
		vly_log(port->spec->kind == VLY_PORT_PCI ? VLY_LOG_WARNING : VLY_LOG_DEBUG,
			"port %s: the device cannot be set to receive all multicast frames: IPv6 "
			"neighbours may not find this port",
			port->spec->name);
}

/* The way to the kernel. ND needs multicast frames; a packet socket gets them anyway. */
static int
open_exception(struct vly_port *port, const struct vly_addresses *addresses)
{
	/* a port whose lcores accept any MAC address has one, too */
	uint64_t mac = port->mac != 0 ? port->mac : device_mac(port);

	open_filters(port);
	port->exception = vly_exception_open(&(struct vly_exception_plan){
		.spec = port->spec,
		.addresses = addresses,
		.mac = (const uint8_t *)&mac,
		.mtu = port->mtu,
		.port_id = port->port_id,
		.pool = port->pool,
	});
	return port->exception != NULL ? 0 : -1;
}

int
vly_port_open(struct vly_port *port, unsigned port_idx, const struct vly_addresses *addresses,
	      const char *xdp_program)
{
	uint16_t port_id;

	vly_eal_forget_error();
	if (vly_device_create(port->spec, port_idx, xdp_program, &port_id) != 0)
		return -1;
	port->port_id = port_id;
	if (configure(port) != 0)
		return -1;
	int error = 0;
	for (uint16_t i = 0; error == 0 && i < port->spec->queue_cnt; i++)
		error = set_up_queue(port, i, xdp_program);
	if (error != 0)
		return error;
	error = rte_eth_dev_start(port->port_id);
	if (error != 0)
		return vly_device_failed(port->spec, "cannot start the device", error);
	if (port->spec->kind == VLY_PORT_PCI)
		port->mac = device_mac(port);
	if (port->spec->kernel[0] != '\0' && open_exception(port, addresses) != 0)
		return -1;
	return port->has_xdp ? vly_xdp_open(&port->xdp) : 0;
}

int
vly_port_serve(struct vly_port *port, const struct vly_addresses *addresses)
{
	return port->has_xdp ? vly_xdp_serve(&port->xdp, port->mac, addresses) : 0;
}

int
vly_port_set_rules(struct vly_port *port, const struct vly_policy_rules *rules)
{
	return port->has_xdp ? vly_xdp_set_rules(&port->xdp, rules) : 0;
}

/* Until this is noticed, frames for the new address go to the kernel, and stream threads answer. */
static void
follow_mac(struct vly_port *port, const struct vly_interface *interface)
{
	uint64_t mac = vly_policy_mac(interface->mac);

	if (mac == port->mac)
		return;
	port->mac = mac;
	if (port->has_xdp)
		vly_xdp_set_mac(&port->xdp, mac);
	vly_log_info("port %s: the MAC address of interface %s has changed", port->spec->name,
		     port->spec->target);
}

/* An error of the query itself, such as too many open files, leaves the state as it is. */
static enum vly_port_trouble
look_at(struct vly_port *port)
{
	char name[IF_NAMESIZE];
	struct vly_interface interface;

	/* By its index: an interface that was renamed still works. */
	if (if_indextoname(port->if_index, name) == NULL)
		return errno == ENXIO ? VLY_PORT_TROUBLE_gone : port->trouble;
	int error = vly_interface_query(name, &interface);
	if (error != 0)
		return error == -ENODEV ? VLY_PORT_TROUBLE_gone : port->trouble;
	follow_mac(port, &interface);
	int attached = port->has_xdp ? vly_xdp_is_attached(&port->xdp) : 1;
	if (attached <= 0)
		return attached == 0 ? VLY_PORT_TROUBLE_detached : port->trouble;
	if (!interface.up)
		return VLY_PORT_TROUBLE_down;
	if (!interface.running)
		return VLY_PORT_TROUBLE_no_carrier;
	return interface.mtu != port->mtu ? VLY_PORT_TROUBLE_mtu : VLY_PORT_TROUBLE_none;
}

/* Logs each change of the interface's state once. */
static void
watch(struct vly_port *port)
{
	static const char *const text[] = {
#define X(id, text) text,
		VLY_PORT_TROUBLES(X)
#undef X
	};
	enum vly_port_trouble trouble = look_at(port);

	if (trouble == port->trouble)
		return;
	port->trouble = trouble;
	vly_log(trouble == VLY_PORT_TROUBLE_none ? VLY_LOG_INFO : VLY_LOG_ERROR,
		"port %s: interface %s %s", port->spec->name, port->spec->target, text[trouble]);
}

bool
vly_port_is_lost(const struct vly_port *port)
{
	return port->trouble >= VLY_PORT_TROUBLE_detached;
}

void
vly_port_read(struct vly_port *port, struct vly_port_counters *counters)
{
	struct rte_eth_stats stats;

	if (port->if_index != 0)
		watch(port);
	counters->trouble = port->trouble;
	if (port->exception != NULL)
		vly_exception_read(port->exception, counters);
	if (port->has_xdp) {
		vly_xdp_read(&port->xdp, counters);
		counters->xdp_attached = !vly_port_is_lost(port);
		vly_unserved_queues_watch(&port->unserved_queues, port->spec, &port->xdp.cpus,
					  counters, uv_hrtime());
	} else if (rte_eth_stats_get(port->port_id, &stats) == 0) {
		counters->rx_missed = stats.imissed;
	}
}

void
vly_port_sample(struct vly_port *port, unsigned port_idx, struct vly_sampler *sampler, uint32_t now)
{
	sampler->port_idx = (uint16_t)port_idx;
	if (port->has_xdp)
		vly_xdp_cpus_sample(&port->xdp.cpus, sampler, now);
}

void
vly_port_stop(struct vly_port *port)
{
	if (port->has_xdp)
		vly_xdp_stop(&port->xdp);
}

void
vly_port_close(struct vly_port *port)
{
	vly_exception_close(port->exception);
	port->exception = NULL;
	if (port->port_id != VLY_PORT_NONE) {
		rte_eth_dev_stop(port->port_id);
		rte_eth_dev_close(port->port_id);
		port->port_id = VLY_PORT_NONE;
	}
	if (port->has_xdp)
		vly_xdp_release(&port->xdp);
}
