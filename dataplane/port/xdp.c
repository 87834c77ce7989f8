/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "xdp.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "common/log.h"
#include "setup/capabilities.h"
#include "xdp_map.h"

/* More than our program has: four, without inner maps. */
#define MAPS_MAX 8

/* The program attached to an interface; id 0: none. */
struct attached {
	uint32_t id;
	uint32_t flags; /* to detach it: the mode it runs in */
	char name[BPF_OBJ_NAME_LEN];
	uint32_t map_id[MAPS_MAX];
	uint32_t map_cnt;
};

static int
query_attached(unsigned if_index, struct attached *attached)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct bpf_prog_info info = {0};
	uint32_t info_bytes = sizeof(info);

	memset(attached, 0, sizeof(*attached));
	int error = bpf_xdp_query((int)if_index, 0, &query);
	if (error != 0 || query.attach_mode == XDP_ATTACHED_NONE)
		return error;

	attached->id = query.prog_id;
	if (query.attach_mode == XDP_ATTACHED_SKB)
		attached->flags = XDP_FLAGS_SKB_MODE;
	else if (query.attach_mode == XDP_ATTACHED_DRV)
		attached->flags = XDP_FLAGS_DRV_MODE;
	else /* in hardware, or several programs: not ours */
		return 0;

	int fd = bpf_prog_get_fd_by_id(attached->id);
	if (fd < 0)
		return fd;
	info.nr_map_ids = MAPS_MAX;
	info.map_ids = (uint64_t)(uintptr_t)attached->map_id;
	error = bpf_obj_get_info_by_fd(fd, &info, &info_bytes);
	close(fd);
	if (error != 0)
		return error;
	memcpy(attached->name, info.name, sizeof(attached->name));
	attached->map_cnt = info.nr_map_ids < MAPS_MAX ? info.nr_map_ids : MAPS_MAX;
	return 0;
}

static bool
is_ours(const struct attached *attached)
{
	return attached->id != 0 && strcmp(attached->name, VLY_XDP_PROGRAM) == 0;
}

/* An abstract socket is a lock within this network namespace, which is released when the process
 * ends. */
static int
lock_interface(const char *interface)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int len = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
			   "volley-dataplane/%s", interface);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) != 0) {
		int error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

static int
remove_stale(const struct vly_xdp *xdp)
{
	char missing[VLY_CAPABILITIES_CHARS];
	struct attached attached;
	int error = query_attached(xdp->if_index, &attached);

	if (error != 0) {
		vly_capabilities_hint(VLY_PORT_AF_XDP, missing);
		vly_log_error("%s: cannot query the XDP program: %s%s", xdp->interface,
			      strerror(-error), missing);
		return -1;
	}
	if (attached.id == 0)
		return 0;
	if (!is_ours(&attached)) {
		vly_log_error("%s: another XDP program is attached: %u \"%s\"; if it is unused: "
			      "ip link set dev %s xdp off",
			      xdp->interface, attached.id, attached.name, xdp->interface);
		return -1;
	}
	error = bpf_xdp_detach((int)xdp->if_index, attached.flags, NULL);
	if (error != 0) {
		vly_capabilities_hint(VLY_PORT_AF_XDP, missing);
		vly_log_error("%s: cannot remove XDP program %u, left by a killed "
			      "volley-dataplane: %s%s",
			      xdp->interface, attached.id, strerror(-error), missing);
		return -1;
	}
	vly_log_warning("%s: removed XDP program %u, left by a killed volley-dataplane",
			xdp->interface, attached.id);
	return 0;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int
vly_xdp_claim(struct vly_xdp *xdp, const char *interface, unsigned if_index)
{
	*xdp = (struct vly_xdp){.interface = interface,
				.if_index = if_index,
				.config_fd = -1,
				.rules_fd = -1,
				.cpus_fd = -1};
	xdp->claim_fd = lock_interface(interface);
	if (xdp->claim_fd < 0) {
		vly_log_error("%s: %s", interface,
			      xdp->claim_fd == -EADDRINUSE
				      ? "in use by another volley-dataplane: stop that one first"
				      : strerror(-xdp->claim_fd));
		xdp->claim_fd = -1;
		return -1;
	}
	if (remove_stale(xdp) == 0)
		return 0;
	/* vly_xdp_release() would fail in the same way, and log the error again */
	close_fd(&xdp->claim_fd);
	return -1;
}

/* Takes the map with this id if it is one of ours and has the expected size. */
static int
take_map(struct vly_xdp *xdp, uint32_t id)
{
	struct bpf_map_info info = {0};
	uint32_t info_bytes = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id);

	if (fd < 0)
		return -1;
	if (bpf_obj_get_info_by_fd(fd, &info, &info_bytes) == 0) {
		int *wanted = NULL;
		if (strcmp(info.name, VLY_XDP_CONFIG) == 0 &&
		    info.value_size == sizeof(struct vly_xdp_config))
			wanted = &xdp->config_fd;
		else if (strcmp(info.name, VLY_XDP_RULES) == 0)
			wanted = &xdp->rules_fd;
		else if (strcmp(info.name, VLY_XDP_CPUS) == 0)
			wanted = &xdp->cpus_fd;
		if (wanted != NULL && *wanted < 0) {
			*wanted = fd;
			return 0;
		}
	}
	close(fd);
	return 0;
}

/* Finds the port's AF_XDP sockets, for their statistics: DPDK does not return the sockets, and its
 * own statistics lack packets that found the ring full. Ports are opened one after the other, so
 * sockets that no earlier port has taken are this port's. */
static void
find_sockets(struct vly_xdp *xdp)
{
	static bool taken[4096];
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		struct xdp_options options;
		socklen_t bytes = sizeof(options);
		unsigned long fd = strtoul(entry->d_name, NULL, 10);
		if (fd >= sizeof(taken) || taken[fd] || xdp->socket_cnt == VLY_XDP_SOCKETS_MAX)
			continue;
		if (getsockopt((int)fd, SOL_XDP, XDP_OPTIONS, &options, &bytes) != 0)
			continue;
		taken[fd] = true;
		xdp->socket_fd[xdp->socket_cnt++] = (int)fd;
	}
	if (dir != NULL)
		closedir(dir);
}

int
vly_xdp_open(struct vly_xdp *xdp)
{
	char missing[VLY_CAPABILITIES_CHARS];
	struct attached attached;
	int error = query_attached(xdp->if_index, &attached);

	if (error != 0 || !is_ours(&attached)) {
		vly_capabilities_hint(VLY_PORT_AF_XDP, missing);
		vly_log_error("%s: XDP program missing after attach: %s%s", xdp->interface,
			      error != 0 ? strerror(-error) : "another one is attached", missing);
		return -1;
	}
	for (uint32_t i = 0; i < attached.map_cnt; i++)
		if (take_map(xdp, attached.map_id[i]) != 0)
			break;
	if (xdp->config_fd < 0 || xdp->rules_fd < 0 || xdp->cpus_fd < 0) {
		vly_log_error(
			"%s: the XDP program is of another version: pass the volley_xdp.o of this "
			"release with --xdp-program",
			xdp->interface);
		return -1;
	}
	find_sockets(xdp);
	error = vly_xdp_cpus_add(&xdp->cpus, xdp->cpus_fd);
	if (error != 0)
		vly_log_error("%s: no memory for the counters of the XDP program: %s",
			      xdp->interface, strerror(-error));
	return error != 0 ? -1 : 0;
}

/* The length of a jiffy, which is the resolution of coarse clocks. */
static uint32_t
tick_units(void)
{
	struct timespec tick;

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	return vly_rate_now((uint64_t)tick.tv_sec * 1000000000u + (uint64_t)tick.tv_nsec);
}

static int
write_config(const struct vly_xdp *xdp, enum vly_xdp_mode mode, uint64_t mac,
	     const struct vly_addresses *addresses)
{
	struct vly_xdp_config config = {.mode = mode, .tick_units = tick_units(), .mac = mac};
	uint32_t key = 0;

	if (addresses != NULL)
		config.addresses = *addresses;
	return bpf_map_update_elem(xdp->config_fd, &key, &config, BPF_ANY);
}

int
vly_xdp_serve(struct vly_xdp *xdp, uint64_t mac, const struct vly_addresses *addresses)
{
	/* The program may see a partly written configuration, so the mode is written last. */
	int error = write_config(xdp, VLY_XDP_PASS, mac, addresses);

	if (error == 0)
		error = write_config(xdp, VLY_XDP_SERVE, mac, addresses);
	if (error != 0)
		vly_log_error("%s: cannot configure the XDP program: %s", xdp->interface,
			      strerror(-error));
	return error != 0 ? -1 : 0;
}

void
vly_xdp_set_mac(struct vly_xdp *xdp, uint64_t mac)
{
	struct vly_xdp_config config;
	uint32_t key = 0;
	int error = bpf_map_lookup_elem(xdp->config_fd, &key, &config);

	/* the kernel copies words: the program sees the old or the new address */
	config.mac = mac;
	if (error == 0)
		error = bpf_map_update_elem(xdp->config_fd, &key, &config, BPF_ANY);
	if (error != 0)
		vly_log_error("%s: cannot set the new MAC address in the XDP program: %s; restart "
			      "volley-dataplane",
			      xdp->interface, strerror(-error));
}

int
vly_xdp_set_rules(struct vly_xdp *xdp, const struct vly_policy_rules *rules)
{
	uint32_t key = 0;
	void *set;
	int fd = vly_xdp_map_create("vly_rules_set", sizeof(*rules), &set);
	int error = fd;

	if (fd >= 0) {
		/* written through the mapping: a copy by the kernel would block our CPU for
		 * others */
		memcpy(set, rules, sizeof(*rules));
		munmap(set, sizeof(*rules));
		error = bpf_map_update_elem(xdp->rules_fd, &key, &fd, BPF_ANY);
		close(fd);
	}
	if (error != 0)
		vly_log_error("%s: cannot update the rules of the XDP program, still using the "
			      "previous ones: %s",
			      xdp->interface, strerror(-error));
	return error != 0 ? -1 : 0;
}

void
vly_xdp_read(const struct vly_xdp *xdp, struct vly_port_counters *counters)
{
	uint64_t missed = 0;

	vly_xdp_cpus_read(&xdp->cpus, counters);
	for (unsigned i = 0; i < xdp->socket_cnt; i++) {
		struct xdp_statistics statistics = {0};
		socklen_t bytes = sizeof(statistics);
		if (getsockopt(xdp->socket_fd[i], SOL_XDP, XDP_STATISTICS, &statistics, &bytes) ==
		    0)
			missed += statistics.rx_dropped + statistics.rx_ring_full;
	}
	counters->rx_missed = missed;
}

int
vly_xdp_is_attached(const struct vly_xdp *xdp)
{
	struct attached attached;
	int error = query_attached(xdp->if_index, &attached);

	return error != 0 ? error : is_ours(&attached);
}

void
vly_xdp_stop(struct vly_xdp *xdp)
{
	if (xdp->config_fd >= 0 && write_config(xdp, VLY_XDP_PASS, 0, NULL) != 0)
		vly_log_warning("%s: cannot make the XDP program pass all frames", xdp->interface);
}

void
vly_xdp_release(struct vly_xdp *xdp)
{
	struct attached attached;

	if (xdp->claim_fd < 0)
		return;
	/* DPDK's driver detaches when it closes the port, but not if opening it has failed. */
	if (query_attached(xdp->if_index, &attached) == 0 && is_ours(&attached) &&
	    bpf_xdp_detach((int)xdp->if_index, attached.flags, NULL) != 0)
		vly_log_error("%s: cannot detach XDP program %u: ip link set dev %s xdp off",
			      xdp->interface, attached.id, xdp->interface);
	close_fd(&xdp->config_fd);
	close_fd(&xdp->rules_fd);
	close_fd(&xdp->cpus_fd);
	vly_xdp_cpus_free(&xdp->cpus);
	close_fd(&xdp->claim_fd);
}

const char *
vly_xdp_program_path(const char *given)
{
	static char beside[PATH_MAX];
	const char *path = given;

	if (path == NULL) {
		ssize_t len = readlink("/proc/self/exe", beside, sizeof(beside) - 32);
		beside[len > 0 ? len : 0] = '\0';
		char *slash = strrchr(beside, '/');
		if (slash != NULL)
			strcpy(slash, "/../bpf/volley_xdp.o");
		path = access(beside, R_OK) == 0 ? beside : VLY_XDP_PROGRAM_INSTALLED;
	}
	if (access(path, R_OK) == 0)
		return path;
	vly_log_error("cannot read the XDP program %s: %s; give its path with --xdp-program", path,
		      strerror(errno));
	return NULL;
}
