/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "interface.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct ifreq
request_for(const char *name)
{
	struct ifreq request = {0};

	memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	return request;
}

static void
query_queues(int fd, const char *name, struct vly_interface *interface)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq request = request_for(name);

	interface->queue_cnt = 1;
	interface->rx_queue_cnt = 1;
	request.ifr_data = (char *)&channels;
	if (ioctl(fd, SIOCETHTOOL, &request) != 0)
		return;
	interface->combined = channels.max_combined > 0;
	if (interface->combined)
		interface->queue_cnt = channels.combined_count;
	interface->rx_queue_cnt = channels.combined_count + channels.rx_count;
}

static bool
query_strips_vlan_tags(int fd, const char *name)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq request = request_for(name);

	request.ifr_data = (char *)&flags;
	return ioctl(fd, SIOCETHTOOL, &request) == 0 && (flags.data & ETH_FLAG_RXVLAN) != 0;
}

/* Fills what the driver's name and bus tell. From a NIC, packets come with whole checksums. A veth
 * or tap device, a bridge and the like hand over what a local sender left to offload, and so do
 * virtio_net and vmxnet3, from the host they run on. The bus of NICs is PCI, whose addresses alone
 * have a colon. */
static void
query_driver(int fd, const char *name, struct vly_interface *interface)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq request = request_for(name);

	request.ifr_data = (char *)&info;
	interface->partial_sums = true;
	if (ioctl(fd, SIOCETHTOOL, &request) != 0)
		return;
	interface->partial_sums = strchr(info.bus_info, ':') == NULL ||
				  strcmp(info.driver, "virtio_net") == 0 ||
				  strcmp(info.driver, "vmxnet3") == 0;
	interface->is_bond =
		strcmp(info.driver, "bonding") == 0 || strcmp(info.driver, "team") == 0;
}

static void
query_mac(int fd, const char *name, struct vly_interface *interface)
{
	struct ifreq request = request_for(name);

	if (ioctl(fd, SIOCGIFHWADDR, &request) == 0 && request.ifr_hwaddr.sa_family == ARPHRD_ETHER)
		memcpy(interface->mac, request.ifr_hwaddr.sa_data, 6);
}

int
vly_interface_query(const char *name, struct vly_interface *interface)
{
	struct ifreq request = request_for(name);

	memset(interface, 0, sizeof(*interface));
	interface->index = if_nametoindex(name);
	if (interface->index == 0)
		return -ENODEV;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int result = -ENODEV;
	if (ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
		interface->up = (request.ifr_flags & IFF_UP) != 0;
		interface->running = (request.ifr_flags & IFF_RUNNING) != 0;
		if (ioctl(fd, SIOCGIFMTU, &request) == 0) {
			interface->mtu = (unsigned)request.ifr_mtu;
			query_queues(fd, name, interface);
			query_mac(fd, name, interface);
			interface->strips_vlan_tags = query_strips_vlan_tags(fd, name);
			query_driver(fd, name, interface);
			result = 0;
		}
	}
	close(fd);
	return result;
}
