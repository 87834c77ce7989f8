/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tap_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

/* One request: RTM_NEWADDR with three attributes. */
struct request {
	struct nlmsghdr head;
	struct ifaddrmsg address;
	uint8_t attributes[3 * RTA_SPACE(16)];
};

static bool
is_ipv4(const struct vly_address *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};

	return memcmp(address->octet, mapped, sizeof(mapped)) == 0;
}

static const char *
text_of(const struct vly_address *address, char text[INET6_ADDRSTRLEN])
{
	return is_ipv4(address) ? inet_ntop(AF_INET, address->octet + 12, text, INET6_ADDRSTRLEN)
				: inet_ntop(AF_INET6, address->octet, text, INET6_ADDRSTRLEN);
}

static void
add_attribute(struct request *request, unsigned short type, const void *from, unsigned short bytes)
{
	struct rtattr *attribute =
		(struct rtattr *)((uint8_t *)request + NLMSG_ALIGN(request->head.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = (unsigned short)RTA_LENGTH(bytes);
	memcpy(RTA_DATA(attribute), from, bytes);
	request->head.nlmsg_len =
		NLMSG_ALIGN(request->head.nlmsg_len) + (unsigned)RTA_ALIGN(attribute->rta_len);
}

static struct request
make_request(unsigned if_index, const struct vly_port_address *address)
{
	bool ipv4 = is_ipv4(&address->address);
	const uint8_t *octets = address->address.octet + (ipv4 ? 12 : 0);
	unsigned short bytes = ipv4 ? 4 : 16;
	/* Anycast addresses are not asked for on the link (RFC 4862 §5.4). */
	uint32_t flags = ipv4 ? 0 : IFA_F_NODAD;
	struct request request = {
		.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
			 .nlmsg_type = RTM_NEWADDR,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL},
		.address = {.ifa_family = ipv4 ? AF_INET : AF_INET6,
			    .ifa_prefixlen = (uint8_t)address->prefix_bits,
			    .ifa_index = if_index},
	};

	add_attribute(&request, IFA_LOCAL, octets, bytes);
	add_attribute(&request, IFA_ADDRESS, octets, bytes);
	add_attribute(&request, IFA_FLAGS, &flags, sizeof(flags));
	return request;
}

/* Returns 0 or a negative errno. */
static int
ask_kernel(int fd, const struct request *request)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		uint8_t more[512];
	} answer;

	if (send(fd, request, request->head.nlmsg_len, 0) < 0)
		return -errno;
	ssize_t bytes = recv(fd, &answer, sizeof(answer), 0);
	if (bytes < 0)
		return -errno;
	if (bytes < (ssize_t)NLMSG_LENGTH(sizeof(answer.error)) ||
	    answer.head.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return answer.error.error;
}

static int
add(const struct vly_port_spec *spec, int fd, const struct vly_port_address *address)
{
	const struct request request = make_request(if_nametoindex(spec->kernel), address);
	char text[INET6_ADDRSTRLEN];
	int error = ask_kernel(fd, &request);

	if (error == 0)
		return 0;
	vly_log_error(
		"port %s: interface %s to the kernel: can't get the address %s/%u: %s%s",
		spec->name, spec->kernel, text_of(&address->address, text), address->prefix_bits,
		strerror(-error),
		error == -EACCES && !is_ipv4(&address->address)
			? "; IPv6 is switched off: sysctl net.ipv6.conf.default.disable_ipv6=0"
			: "");
	return -1;
}

static bool
is_same(const struct sockaddr *found, const struct vly_address *address)
{
	if (found == NULL)
		return false;
	if (found->sa_family == AF_INET && is_ipv4(address))
		return memcmp(&((const struct sockaddr_in *)found)->sin_addr, address->octet + 12,
			      4) == 0;
	return found->sa_family == AF_INET6 &&
	       memcmp(&((const struct sockaddr_in6 *)found)->sin6_addr, address->octet, 16) == 0;
}

/* Two networks of one prefix would each get a part of the packets. An address of --listen, which is
 * that of a host, may be elsewhere, too: on lo, or on the next port's interface. */
static int
refuse_taken(const struct vly_port_spec *spec, const struct ifaddrs *list)
{
	char text[INET6_ADDRSTRLEN];

	for (const struct ifaddrs *at = list; at != NULL; at = at->ifa_next)
		for (unsigned i = 0; i < spec->address_cnt; i++) {
			if (!is_same(at->ifa_addr, &spec->address[i].address))
				continue;
			vly_log_error("port %s: interface %s to the kernel: the address %s is in "
				      "use on interface %s: ip addr del, or another address=",
				      spec->name, spec->kernel,
				      text_of(&spec->address[i].address, text), at->ifa_name);
			return -1;
		}
	return 0;
}

static bool
has_own(const struct vly_port_spec *spec, const struct vly_address *address)
{
	for (unsigned i = 0; i < spec->address_cnt; i++)
		if (vly_address_equals(&spec->address[i].address, address))
			return true;
	return false;
}

static int
add_all(const struct vly_port_spec *spec, const struct vly_addresses *listen, int fd)
{
	for (unsigned i = 0; i < spec->address_cnt; i++)
		if (add(spec, fd, &spec->address[i]) != 0)
			return -1;
	for (unsigned i = 0; i < listen->cnt; i++) {
		const struct vly_port_address host = {
			.address = listen->address[i],
			.prefix_bits = is_ipv4(&listen->address[i]) ? 32 : 128,
		};
		if (!has_own(spec, &host.address) && add(spec, fd, &host) != 0)
			return -1;
	}
	return 0;
}

int
vly_tap_add_addresses(const struct vly_port_spec *spec, const struct vly_addresses *listen)
{
	struct ifaddrs *list = NULL;

	if (getifaddrs(&list) == 0) {
		int taken = refuse_taken(spec, list);
		freeifaddrs(list);
		if (taken != 0)
			return -1;
	}
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0) {
		vly_log_error("port %s: interface %s to the kernel: no netlink socket: %m",
			      spec->name, spec->kernel);
		return -1;
	}
	int result = add_all(spec, listen, fd);
	close(fd);
	return result;
}
