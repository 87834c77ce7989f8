/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "exception_class.h"

#include <netinet/in.h>
#include <stdbool.h>

#include <volley/octets.h>
#include <volley/policy.h>

/* Behind the IP header, as much as is looked at. */
#define PORTS_BYTES 4

enum {
	PROTOCOL_OSPF = 89,
	PROTOCOL_VRRP = 112,
	PORT_BGP = 179,
	PORT_BFD = 3784,      /* RFC 5881 */
	PORT_BFD_ECHO = 3785, /* RFC 5881 */
	PORT_BFD_FAR = 4784,  /* RFC 5883 */
	ND_FIRST = 133,       /* router solicitation (RFC 4861) */
	ND_LAST = 137,        /* redirect */
	/* Neighbours send ND (RFC 4861 §6.1), VRRP (RFC 5798 §5.1.1.3) and BFD (RFC 5881 §5) with
	 * this hop limit. Routers lower it, so a flood from far away has another class. */
	HOPS_NEIGHBOUR = 255,
};

static enum vly_exception_class
classify_udp(const uint8_t *udp, unsigned hops)
{
	switch (vly_be16(udp + 2)) {
	case PORT_BFD:
		return hops == HOPS_NEIGHBOUR ? VLY_EXCEPTION_ROUTING : VLY_EXCEPTION_OTHER;
	case PORT_BFD_ECHO: /* comes back through the neighbour's forwarding */
	case PORT_BFD_FAR:
		return VLY_EXCEPTION_ROUTING;
	}
	return VLY_EXCEPTION_OTHER;
}

static enum vly_exception_class
classify_icmpv6(const uint8_t *icmp, unsigned hops)
{
	bool is_nd = icmp[0] >= ND_FIRST && icmp[0] <= ND_LAST && hops == HOPS_NEIGHBOUR;

	return is_nd ? VLY_EXCEPTION_LINK : VLY_EXCEPTION_OTHER;
}

/* By the protocol and the hop limit in the IP header; the first octets behind it are at `at`. */
static enum vly_exception_class
classify_payload(unsigned protocol, unsigned hops, const uint8_t *at, const uint8_t *end)
{
	if (protocol == PROTOCOL_OSPF || (protocol == PROTOCOL_VRRP && hops == HOPS_NEIGHBOUR))
		return VLY_EXCEPTION_ROUTING;
	if (at + PORTS_BYTES > end)
		return VLY_EXCEPTION_OTHER;
	switch (protocol) {
	case IPPROTO_TCP:
		return vly_be16(at) == PORT_BGP || vly_be16(at + 2) == PORT_BGP
			       ? VLY_EXCEPTION_ROUTING
			       : VLY_EXCEPTION_TCP;
	case IPPROTO_UDP:
		return classify_udp(at, hops);
	case IPPROTO_ICMPV6:
		return classify_icmpv6(at, hops);
	}
	return VLY_EXCEPTION_OTHER;
}

static enum vly_exception_class
classify_ipv4(const uint8_t *ip, const uint8_t *end)
{
	if (ip + VLY_IPV4_BYTES > end)
		return VLY_EXCEPTION_OTHER;
	unsigned header_bytes = (ip[0] & 15) * 4u;
	bool is_later_fragment = (vly_be16(ip + 6) & 0x1fff) != 0;
	if (header_bytes < VLY_IPV4_BYTES || is_later_fragment || ip[9] == IPPROTO_ICMPV6)
		return VLY_EXCEPTION_OTHER;
	return classify_payload(ip[9], ip[8], ip + header_bytes, end);
}

enum vly_exception_class
vly_exception_classify(const uint8_t *frame, unsigned bytes)
{
	const uint8_t *end = frame + bytes;
	const uint8_t *ip = frame + VLY_ETHERNET_BYTES;

	if (ip > end)
		return VLY_EXCEPTION_OTHER;
	unsigned type = vly_be16(frame + 12);
	for (int i = 0; i < VLY_VLAN_TAGS_MAX && (type == 0x8100 || type == 0x88a8); i++) {
		if (ip + VLY_VLAN_BYTES > end)
			return VLY_EXCEPTION_OTHER;
		type = vly_be16(ip + 2);
		ip += VLY_VLAN_BYTES;
	}
	if (type == 0x0800)
		return classify_ipv4(ip, end);
	if (type != 0x86dd)
		return VLY_EXCEPTION_LINK;
	if (ip + VLY_IPV6_BYTES > end)
		return VLY_EXCEPTION_OTHER;
	return classify_payload(ip[6], ip[7], ip + VLY_IPV6_BYTES, end);
}
