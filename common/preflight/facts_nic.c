/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings of an interface, by ethtool's ioctl, which all kernels and drivers have. */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "facts.h"

/* More features than any kernel has names for: there are 64 or so. */
#define FEATURES_MAX 256

struct device {
	int fd;
	const char *name;
};

static bool
ask(const struct device *device, void *command)
{
	struct ifreq request = {.ifr_data = command};

	memcpy(request.ifr_name, device->name, strnlen(device->name, IFNAMSIZ - 1));
	return ioctl(device->fd, SIOCETHTOOL, &request) == 0;
}

static void
ask_driver(const struct device *device, struct vly_preflight_nic *nic)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};

	if (!ask(device, &info))
		return;
	memcpy(nic->driver, info.driver, sizeof(nic->driver) - 1);
	memcpy(nic->bus, info.bus_info, sizeof(nic->bus) - 1);
}

static void
ask_queues(const struct device *device, struct vly_preflight_nic *nic)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};

	nic->queue_cnt = 1;
	nic->rx_queue_cnt = 1;
	if (!ask(device, &channels))
		return;
	nic->has_combined = channels.max_combined > 0;
	if (nic->has_combined)
		nic->queue_cnt = channels.combined_count;
	nic->rx_queue_cnt = channels.combined_count + channels.rx_count;
}

static void
ask_rings(const struct device *device, struct vly_preflight_nic *nic)
{
	struct ethtool_ringparam rings = {.cmd = ETHTOOL_GRINGPARAM};

	if (!ask(device, &rings))
		return;
	nic->rx_ring = rings.rx_pending;
	nic->rx_ring_max = rings.rx_max_pending;
}

static void
ask_hashed(const struct device *device, struct vly_preflight_nic *nic)
{
	static const uint32_t flow[] = {UDP_V4_FLOW, UDP_V6_FLOW};

	for (unsigned i = 0; i < 2; i++) {
		struct ethtool_rxnfc rules = {.cmd = ETHTOOL_GRXFH, .flow_type = flow[i]};
		if (ask(device, &rules))
			nic->hashed[i] = rules.data;
	}
}

/* The number of features that have names, at most FEATURES_MAX; 0 when that can't be asked. */
static unsigned
count_features(const struct device *device)
{
	union {
		struct ethtool_sset_info info;
		uint8_t room[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)];
	} sets = {.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << ETH_SS_FEATURES}};
	uint32_t cnt;

	if (!ask(device, &sets) || sets.info.sset_mask == 0)
		return 0;
	memcpy(&cnt, sets.room + offsetof(struct ethtool_sset_info, data), sizeof(cnt));
	return cnt < FEATURES_MAX ? cnt : 0;
}

static enum vly_preflight_offload
offload_state(const struct ethtool_gfeatures *features, unsigned bit)
{
	const struct ethtool_get_features_block *block = &features->features[bit / 32];
	uint32_t mask = 1u << bit % 32;

	if ((block->active & mask) == 0)
		return VLY_PREFLIGHT_OFF;
	bool fixed = (block->never_changed & mask) != 0 || (block->available & mask) == 0;
	return fixed ? VLY_PREFLIGHT_FIXED : VLY_PREFLIGHT_ON;
}

static void
ask_offloads(const struct device *device, struct vly_preflight_nic *nic)
{
	unsigned cnt = count_features(device);
	struct ethtool_gstrings *names = calloc(1, sizeof(*names) + FEATURES_MAX * ETH_GSTRING_LEN);
	struct ethtool_gfeatures *features =
		calloc(1, sizeof(*features) + FEATURES_MAX / 32 * sizeof(features->features[0]));

	if (names != NULL && features != NULL) {
		*names = (struct ethtool_gstrings){ETHTOOL_GSTRINGS, ETH_SS_FEATURES, cnt};
		*features = (struct ethtool_gfeatures){ETHTOOL_GFEATURES, (cnt + 31) / 32};
		if (cnt == 0 || !ask(device, names) || !ask(device, features))
			cnt = 0;
	}
	for (unsigned i = 0; i < cnt && names != NULL && features != NULL; i++) {
		const char *name = (const char *)names->data + (size_t)i * ETH_GSTRING_LEN;
		if (strncmp(name, "rx-lro", ETH_GSTRING_LEN) == 0)
			nic->lro = offload_state(features, i);
		if (strncmp(name, "rx-gro-hw", ETH_GSTRING_LEN) == 0)
			nic->gro_hw = offload_state(features, i);
	}
	free(names);
	free(features);
}

static void
ask_link(const struct device *device, struct vly_preflight_nic *nic)
{
	struct ifreq request = {0};

	memcpy(request.ifr_name, device->name, strnlen(device->name, IFNAMSIZ - 1));
	if (ioctl(device->fd, SIOCGIFFLAGS, &request) == 0) {
		nic->up = (request.ifr_flags & IFF_UP) != 0;
		nic->running = (request.ifr_flags & IFF_RUNNING) != 0;
	}
	if (ioctl(device->fd, SIOCGIFMTU, &request) == 0)
		nic->mtu = (unsigned)request.ifr_mtu;
}

void
vly_preflight_ask_nic(struct vly_preflight_nic *nic, const char *name)
{
	struct device device = {.name = name};

	nic->index = if_nametoindex(name);
	if (nic->index == 0)
		return;
	device.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (device.fd < 0)
		return;
	ask_link(&device, nic);
	ask_driver(&device, nic);
	ask_queues(&device, nic);
	ask_rings(&device, nic);
	ask_hashed(&device, nic);
	ask_offloads(&device, nic);
	close(device.fd);
}
