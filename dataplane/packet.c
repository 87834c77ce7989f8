/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "packet.h"

#include <netinet/in.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include <volley/checksum.h>

/* The recommended default (RFC 1700), and far more than any path needs. */
#define HOP_LIMIT 64

static void
swap_macs(uint8_t *frame)
{
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)frame;
	struct rte_ether_addr sender = ether->src_addr;

	ether->src_addr = ether->dst_addr;
	ether->dst_addr = sender;
}

/* Returns the sum of the addresses, for the pseudo header (RFC 768). */
static uint64_t
reply_ipv4(struct rte_ipv4_hdr *ip, uint16_t udp_len)
{
	rte_be32_t sender = ip->src_addr;
	rte_be32_t us = ip->dst_addr;

	/* Neither DSCP nor ECN of the query speak for the response. Never fragmented, so the
	 * identification may be anything (RFC 6864 §4.1); DF, so that nobody fragments it (RFC
	 * 9715). */
	ip->type_of_service = 0;
	rte_be16_t total_length = htons((uint16_t)(udp_len + VLY_IPV4_BYTES));
	ip->total_length = total_length;
	ip->packet_id = 0;
	ip->fragment_offset = htons(RTE_IPV4_HDR_DF_FLAG);
	ip->time_to_live = HOP_LIMIT;
	ip->src_addr = us;
	ip->dst_addr = sender;
	/* Summed from registers: reading the header back would wait for the store buffer. */
	uint64_t addresses = (uint64_t)us + sender;
	ip->hdr_checksum = (uint16_t)~vly_sum_fold(addresses + htons(0x4500) + total_length +
						   htons(RTE_IPV4_HDR_DF_FLAG) +
						   htons(HOP_LIMIT << 8 | IPPROTO_UDP));
	return addresses;
}

static uint64_t
reply_ipv6(struct rte_ipv6_hdr *ip, uint16_t udp_len)
{
	uint8_t sender[16];
	/* Before they are written: reading them back would wait for the store buffer. */
	uint64_t addresses = vly_sum_octets(ip->src_addr, 2 * sizeof(sender));

	ip->vtc_flow = htonl(UINT32_C(6) << 28);
	ip->payload_len = htons(udp_len);
	ip->hop_limits = HOP_LIMIT;
	memcpy(sender, ip->src_addr, sizeof(sender));
	memcpy(ip->src_addr, ip->dst_addr, sizeof(sender));
	memcpy(ip->dst_addr, sender, sizeof(sender));
	return addresses;
}

uint16_t
vly_packet_reply(uint8_t *frame, const struct vly_packet *packet, uint16_t dns_len,
		 uint64_t dns_sum)
{
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(frame + packet->l4_off);
	uint16_t udp_len = (uint16_t)(dns_len + VLY_UDP_BYTES);
	rte_be16_t client_port = udp->src_port;
	rte_be16_t our_port = udp->dst_port;
	rte_be16_t length = htons(udp_len);
	uint64_t sum;

	swap_macs(frame);
	if (packet->ip_version == 4)
		sum = reply_ipv4((struct rte_ipv4_hdr *)(frame + packet->l3_off), udp_len);
	else
		sum = reply_ipv6((struct rte_ipv6_hdr *)(frame + packet->l3_off), udp_len);

	udp->src_port = our_port;
	udp->dst_port = client_port;
	udp->dgram_len = length;

	/* In full, never from the query's checksum: that of a sender on the same machine is not
	 * filled in yet. The length counts twice: in the pseudo header and in the UDP header. */
	sum += (uint64_t)htons(IPPROTO_UDP) + 2 * (uint64_t)length + our_port + client_port +
	       dns_sum;
	uint16_t checksum = (uint16_t)~vly_sum_fold(sum);
	udp->dgram_cksum = checksum != 0 ? checksum : 0xffff; /* 0 means none (RFC 768) */
	return (uint16_t)(packet->dns_off + dns_len);
}
