/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rights, other users of port 53, and firewalls. */
#include <arpa/inet.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <volley/dns.h>

#include "common/socket_owner.h"
#include "context.h"

static bool
makes_interface(const struct vly_preflight_plan *plan)
{
	for (unsigned i = 0; i < plan->port_cnt; i++)
		if (plan->port[i].to_kernel)
			return true;
	return false;
}

void
vly_preflight_check_capabilities(struct vly_preflight *preflight)
{
	bool xdp = vly_preflight_has(preflight, VLY_PORT_AF_XDP);
	const struct {
		unsigned capability;
		const char *name;
		bool needed;
	} need[] = {
		{CAP_NET_ADMIN, "CAP_NET_ADMIN", xdp || makes_interface(preflight->plan)},
		{CAP_NET_RAW, "CAP_NET_RAW", xdp},
		{CAP_SYS_ADMIN, "CAP_SYS_ADMIN", xdp},
		{CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE", !preflight->plan->no_streams},
	};
	char missing[96] = "";
	size_t len = 0;

	for (size_t i = 0; i < sizeof(need) / sizeof(need[0]); i++)
		if (need[i].needed &&
		    (preflight->facts->capabilities >> need[i].capability & 1) == 0)
			len += (size_t)snprintf(missing + len, sizeof(missing) - len, "%s%s",
						len > 0 ? ", " : "", need[i].name);
	if (len > 0)
		vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL, "process",
				  "%s missing\nrun as root; a container or CapabilityBoundingSet= "
				  "can take capabilities away",
				  missing);
	else
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, "process",
				  "no capability is missing that volley-dataplane needs");
}

/* The socket that stands in the way of ours. */
struct obstacle {
	const struct vly_preflight_plan *plan;
	struct vly_bound_socket socket;
	bool found;
};

/* A wildcard stands in the way of every address; one of IPv6 mostly takes IPv4, too. */
static bool
take_obstacle(void *context, const struct vly_bound_socket *socket)
{
	static const uint8_t any[16];
	struct obstacle *obstacle = context;
	const struct vly_preflight_plan *plan = obstacle->plan;
	struct vly_address address = socket->ipv4 ? vly_address_from_ipv4(socket->address)
						  : vly_address_from_ipv6(socket->address);

	obstacle->found = plan->listen_cnt == 0 || memcmp(socket->address, any, sizeof(any)) == 0;
	for (unsigned i = 0; i < plan->listen_cnt && !obstacle->found; i++)
		obstacle->found = vly_address_equals(&plan->listen[i], &address);
	obstacle->socket = *socket;
	return !obstacle->found;
}

/* Returns whether nothing stands in the way of sockets of the type. */
static bool
check_port_53(struct vly_preflight *preflight, int type)
{
	struct obstacle obstacle = {.plan = preflight->plan};
	const struct vly_bound_socket *socket = &obstacle.socket;
	char owner[VLY_SOCKET_OWNER_CHARS], address[INET6_ADDRSTRLEN];
	const char *protocol = type == SOCK_STREAM ? "TCP" : "UDP";

	vly_socket_each(preflight->root, type, VLY_DNS_PORT, take_obstacle, &obstacle);
	if (!obstacle.found)
		return true;
	vly_socket_owner(preflight->root, socket->inode, owner);
	if (strncmp(owner, "volley-dataplan", 15) == 0)
		return true;
	inet_ntop(socket->ipv4 ? AF_INET : AF_INET6, socket->address, address, sizeof(address));
	bool resolved = strncmp(owner, "systemd-resolve", 15) == 0;
	vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL, protocol, "%s uses port 53 of %s\n%s",
			  owner[0] != '\0' ? owner : "another program", address,
			  resolved ? "set DNSStubListener=no in /etc/systemd/resolved.conf, or "
				     "list other addresses in dataplane.listen"
				   : "stop it, list other addresses in dataplane.listen, or set "
				     "dataplane.stream-threads: 0");
	return false;
}

void
vly_preflight_check_port_53(struct vly_preflight *preflight)
{
	if (preflight->plan->no_streams) {
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, "port 53",
				  "not used by the configuration");
		return;
	}
	bool good = check_port_53(preflight, SOCK_DGRAM);
	good &= check_port_53(preflight, SOCK_STREAM);
	if (good)
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, "port 53",
				  "no other program uses it on the addresses of dataplane.listen");
}

static void
say_rules(struct vly_preflight *preflight, const char *subject, int cnt, const char *command)
{
	vly_preflight_say(
		preflight, VLY_PREFLIGHT_WARN, subject,
		"its rules (%d%s) do not apply to queries: XDP passes these to lcores before "
		"the firewall\nvolleyctl defence deny PREFIX drops packets in their "
		"place; %s shows the rules",
		cnt, cnt >= VLY_PREFLIGHT_RULES_MAX ? " or more" : "", command);
}

void
vly_preflight_check_firewall(struct vly_preflight *preflight)
{
	const struct vly_preflight_facts *facts = preflight->facts;

	if (facts->nft_rule_cnt > 0)
		say_rules(preflight, "nftables", facts->nft_rule_cnt, "nft list ruleset");
	if (facts->iptables_rule_cnt > 0)
		say_rules(preflight, "iptables", facts->iptables_rule_cnt, "iptables-save");
	if (facts->nft_rule_cnt < 0)
		vly_preflight_say(
			preflight, VLY_PREFLIGHT_OK, "nftables",
			"the kernel has no nftables, or does not permit reading the rules");
	else if (facts->nft_rule_cnt == 0 && facts->iptables_rule_cnt <= 0)
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, "firewall", "no rules");
}
