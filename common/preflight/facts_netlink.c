/* SPDX-License-Identifier: GPL-3.0-or-later */
/* XDP features, the attached program and the rules of nftables, by netlink; and the rules of
 * iptables' own tables. */

/* First, so that the kernel's headers leave out the same definitions. */
#include <netinet/in.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "facts.h"

/* The "netdev" family came with Linux 6.3, and Debian 12's headers are older. */
#define NETDEV_FAMILY          "netdev"
#define NETDEV_DEV_GET         1
#define NETDEV_DEV_IFINDEX     1
#define NETDEV_DEV_XDP_ACTIONS 3

/* The kernel fills up to 32 KiB of a dump at once. */
#define ANSWER_BYTES 32768

/* A dump that has not ended by then is not waited for: rules are counted to a limit anyway, and
 * each part has one at least. */
#define PARTS_MAX 1000

/* The kernel answers at once: a socket that stays silent for this long is given up, so that no
 * start waits for it. */
#define ANSWER_SECONDS 2

static bool
limit_wait(const struct mnl_socket *socket)
{
	const struct timeval limit = {.tv_sec = ANSWER_SECONDS};

	return setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &limit,
			  sizeof(limit)) == 0;
}

/* Sends the request in `buffer`, of ANSWER_BYTES, and gives its answers to `take`, until that
 * wants no more, or `part_max` parts have come. Returns false when the kernel refuses. */
static bool
ask(int family, void *buffer, unsigned part_max, mnl_cb_t take, void *context)
{
	struct nlmsghdr *request = buffer;
	struct mnl_socket *socket = mnl_socket_open2(family, SOCK_CLOEXEC);
	int more = -1;

	if (socket == NULL)
		return false;
	unsigned port = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0
				? mnl_socket_get_portid(socket)
				: 0;
	if (port != 0 && limit_wait(socket) &&
	    mnl_socket_sendto(socket, request, request->nlmsg_len) > 0)
		more = MNL_CB_OK;
	for (unsigned i = 0; more == MNL_CB_OK && i < part_max; i++) {
		ssize_t bytes = mnl_socket_recvfrom(socket, buffer, ANSWER_BYTES);
		more = bytes <= 0 ? -1 : mnl_cb_run(buffer, (size_t)bytes, 0, port, take, context);
	}
	mnl_socket_close(socket);
	return more >= 0;
}

static struct nlmsghdr *
begin(void *buffer, uint16_t type, uint16_t flags, uint8_t command)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | flags;
	struct genlmsghdr *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));
	*head = (struct genlmsghdr){.cmd = command, .version = 1};
	return request;
}

static int
take_family(const struct nlmsghdr *answer, void *context)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, answer, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U16) == 0)
			*(uint16_t *)context = mnl_attr_get_u16(attr);
	}
	return MNL_CB_STOP;
}

static int
take_xdp_features(const struct nlmsghdr *answer, void *context)
{
	struct vly_preflight_nic *nic = context;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, answer, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attr) != NETDEV_DEV_XDP_ACTIONS ||
		    mnl_attr_validate(attr, MNL_TYPE_U64) != 0)
			continue;
		nic->has_xdp_features = true;
		nic->xdp_features = mnl_attr_get_u64(attr);
	}
	return MNL_CB_STOP;
}

static void
ask_xdp_features(struct vly_preflight_nic *nic)
{
	_Alignas(struct nlmsghdr) static _Thread_local char buffer[ANSWER_BYTES];
	uint16_t family = 0;

	struct nlmsghdr *request = begin(buffer, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY);
	if (!ask(NETLINK_GENERIC, buffer, 1, take_family, &family) || family == 0)
		return;
	request = begin(buffer, family, 0, NETDEV_DEV_GET);
	mnl_attr_put_u32(request, NETDEV_DEV_IFINDEX, nic->index);
	ask(NETLINK_GENERIC, buffer, 1, take_xdp_features, nic);
}

void
vly_preflight_ask_xdp(struct vly_preflight_nic *nic)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct bpf_prog_info info = {0};
	uint32_t info_bytes = sizeof(info);

	ask_xdp_features(nic);
	if (bpf_xdp_query((int)nic->index, 0, &query) != 0)
		return;
	/* with several, one for each mode, that is 0 */
	nic->xdp_id = query.prog_id != 0 ? query.prog_id : query.drv_prog_id;
	if (nic->xdp_id == 0)
		nic->xdp_id = query.skb_prog_id != 0 ? query.skb_prog_id : query.hw_prog_id;
	int fd = nic->xdp_id != 0 ? bpf_prog_get_fd_by_id(nic->xdp_id) : -1;
	if (fd < 0)
		return;
	if (bpf_obj_get_info_by_fd(fd, &info, &info_bytes) == 0)
		snprintf(nic->xdp_name, sizeof(nic->xdp_name), "%s", info.name);
	close(fd);
}

static int
count_rule(const struct nlmsghdr *answer, void *context)
{
	(void)answer;
	return ++*(int *)context < VLY_PREFLIGHT_RULES_MAX ? MNL_CB_OK : MNL_CB_STOP;
}

/* Returns -1 when the kernel has no nftables, or does not let us ask. */
static int
count_nft_rules(void)
{
	_Alignas(struct nlmsghdr) static _Thread_local char buffer[ANSWER_BYTES];
	int cnt = 0;

	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	request->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	struct nfgenmsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));
	*head = (struct nfgenmsg){.nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0};
	return ask(NETLINK_NETFILTER, buffer, PARTS_MAX, count_rule, &cnt) ? cnt : -1;
}

/* An empty table has an entry for the policy of each chain, and one at its end. */
static int
count_table_rules(int fd, int level, const char *table)
{
	struct ipt_getinfo info = {0};
	socklen_t bytes = sizeof(info);

	snprintf(info.name, sizeof(info.name), "%s", table);
	if (getsockopt(fd, level, IPT_SO_GET_INFO, &info, &bytes) != 0)
		return 0;
	return (int)info.num_entries - __builtin_popcount(info.valid_hooks) - 1;
}

/* Of a family: IP6T_SO_GET_INFO and its structure are the same as IPv4's. The kernel would load a
 * table that is asked for, so only those that it has are. */
static int
count_iptables_rules(const char *names, int family, int level)
{
	char table[32];
	int cnt = 0;
	FILE *file = fopen(names, "re");
	int fd = file != NULL ? socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW) : -1;

	while (fd >= 0 && fscanf(file, "%31s", table) == 1)
		cnt += count_table_rules(fd, level, table);
	if (fd >= 0)
		close(fd);
	if (file != NULL)
		fclose(file);
	return cnt;
}

void
vly_preflight_ask_firewall(struct vly_preflight_facts *facts)
{
	facts->nft_rule_cnt = count_nft_rules();
	facts->iptables_rule_cnt =
		count_iptables_rules("/proc/net/ip_tables_names", AF_INET, SOL_IP) +
		count_iptables_rules("/proc/net/ip6_tables_names", AF_INET6, SOL_IPV6);
}
