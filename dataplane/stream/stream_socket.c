/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include <volley/dns.h>

#include "common/log.h"
#include "common/socket_owner.h"

/* From <linux/in6.h>, which can't be included together with <netinet/in.h>. */
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

struct option {
	int level;
	int name;
	int value;
};

static const struct option ipv4_options[] = {
	{SOL_IP, IP_FREEBIND, 1}, /* the address may be added later, as anycast addresses are */
	{0, 0, 0},
};

static const struct option ipv6_options[] = {
	{SOL_IPV6, IPV6_V6ONLY, 1},
	{SOL_IPV6, IPV6_FREEBIND, 1},
	{0, 0, 0},
};

/*
 * Accepted sockets inherit these. TCP_DEFER_ACCEPT is not used: an accepted silent connection can
 * be closed for a new one, but in the kernel's queue it would cause new ones to be dropped.
 */
static const struct option tcp_options[] = {
	{SOL_SOCKET, SO_REUSEADDR, 1}, /* despite connections of a previous process */
	{SOL_SOCKET, SO_SNDBUF, VLY_STREAM_SNDBUF_BYTES},
	{SOL_SOCKET, SO_RCVBUF, VLY_STREAM_RCVBUF_BYTES},
	{SOL_TCP, TCP_NODELAY, 1}, /* responses are sent whole: nothing to wait for */
	{0, 0, 0},
};

/* Responses are sent from the address to which the query was sent. No ICMP error, which can be
 * forged, causes fragments (RFC 9715 §3.1). */
static const struct option udp_ipv4_options[] = {
	{SOL_IP, IP_PKTINFO, 1},
	{SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT},
	{0, 0, 0},
};

static const struct option udp_ipv6_options[] = {
	{SOL_IPV6, IPV6_RECVPKTINFO, 1},
	{SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT},
	{0, 0, 0},
};

static const struct option shared_options[] = {
	{SOL_SOCKET, SO_REUSEPORT, 1},
	{0, 0, 0},
};

static int
set_options(int fd, const struct option *option)
{
	for (; option->name != 0; option++) /* SOL_IP is 0 */
		if (setsockopt(fd, option->level, option->name, &option->value,
			       sizeof(option->value)) != 0)
			return -1;
	return 0;
}

static int
set_all_options(int fd, const struct vly_stream_place *place)
{
	bool ipv4 = place->family == AF_INET;
	const struct option *for_type = ipv4 ? udp_ipv4_options : udp_ipv6_options;

	if (place->type == SOCK_STREAM)
		for_type = tcp_options;
	if (place->shared && set_options(fd, shared_options) != 0)
		return -1;
	if (set_options(fd, ipv4 ? ipv4_options : ipv6_options) != 0)
		return -1;
	return set_options(fd, for_type);
}

static int
bind_socket(int fd, const struct vly_stream_place *place)
{
	if (place->family == AF_INET) {
		struct sockaddr_in address = {.sin_family = AF_INET,
					      .sin_port = htons(place->port)};
		memcpy(&address.sin_addr, place->address.octet + 12, sizeof(address.sin_addr));
		return bind(fd, (const struct sockaddr *)&address, sizeof(address));
	}
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(place->port)};
	memcpy(&address.sin6_addr, place->address.octet, sizeof(address.sin6_addr));
	return bind(fd, (const struct sockaddr *)&address, sizeof(address));
}

static void
complain(const struct vly_stream_place *place, int error)
{
	const uint8_t *octet = place->address.octet + (place->family == AF_INET ? 12 : 0);
	const char *protocol = place->type == SOCK_STREAM ? "TCP" : "UDP";
	char address[INET6_ADDRSTRLEN];
	char owner[VLY_SOCKET_OWNER_CHARS];

	inet_ntop(place->family, octet, address, sizeof(address));
	if (error == EADDRINUSE) {
		vly_port_owner(owner, place->type, place->port);
		vly_log_error("%s port %u of %s is in use%s: stop that program, give other "
			      "addresses with --listen, or set %s 0",
			      protocol, place->port, address, owner,
			      place->port == VLY_DNS_PORT ? "--stream-threads"
							  : "--stream-tls-port");
	} else if (error == EACCES || error == EPERM) {
		vly_log_error("%s port %u of %s: not permitted: needs CAP_NET_BIND_SERVICE",
			      protocol, place->port, address);
	} else {
		vly_log_error("%s port %u of %s: %s", protocol, place->port, address,
			      strerror(error));
	}
}

int
vly_stream_socket_open(const struct vly_stream_place *place)
{
	int fd = socket(place->family, place->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 && errno == EAFNOSUPPORT && place->any)
		return -2;
	if (fd >= 0 && set_all_options(fd, place) == 0 && bind_socket(fd, place) == 0)
		return fd;
	complain(place, errno);
	if (fd >= 0)
		close(fd);
	return -1;
}
