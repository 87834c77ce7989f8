/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "client_frame.h"

#include <string.h>

#include "packet.h"
#include "wire.h"

size_t
vly_client_frame_head_bytes(bool ipv4)
{
	return VLY_ETHERNET_BYTES + (ipv4 ? VLY_IPV4_BYTES : VLY_IPV6_BYTES) + VLY_UDP_BYTES;
}

static void
write_ipv4(uint8_t *ip, const uint8_t *address, uint8_t protocol, unsigned udp_bytes)
{
	ip[0] = 0x45; /* version, and five words of header */
	vly_write_u16(ip + 2, VLY_IPV4_BYTES + udp_bytes);
	ip[8] = VLY_PACKET_HOP_LIMIT;
	ip[9] = protocol;
	memcpy(ip + 12, address, 4);
}

static void
write_ipv6(uint8_t *ip, const uint8_t *address, uint8_t protocol, unsigned udp_bytes)
{
	ip[0] = 0x60; /* version */
	vly_write_u16(ip + 4, udp_bytes);
	ip[6] = protocol;
	ip[7] = VLY_PACKET_HOP_LIMIT;
	memcpy(ip + 8, address, 16);
}

void
vly_client_frame_write(uint8_t *frame, const uint8_t *address, bool ipv4, uint16_t port,
		       uint8_t protocol, size_t message_bytes)
{
	uint8_t *ip = frame + VLY_ETHERNET_BYTES;
	uint8_t *udp = ip + (ipv4 ? VLY_IPV4_BYTES : VLY_IPV6_BYTES);
	unsigned udp_bytes = VLY_UDP_BYTES + (unsigned)message_bytes;

	memset(frame, 0, vly_client_frame_head_bytes(ipv4));
	vly_write_u16(ip - 2, ipv4 ? VLY_ETHERTYPE_IPV4 : VLY_ETHERTYPE_IPV6);
	if (ipv4)
		write_ipv4(ip, address, protocol, udp_bytes);
	else
		write_ipv6(ip, address, protocol, udp_bytes);
	vly_write_u16(udp, port);
	vly_write_u16(udp + 2, VLY_DNS_PORT);
	vly_write_u16(udp + 4, udp_bytes);
}
