/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Turns the frame of a query into that of its response, in place.
 *
 * Use, when the DNS response is in place of the query, in a frame that the policy serves
 * (policy.h): vly_packet_reply(), then send the frame with the length that it returns. Pure; any
 * thread.
 */
#ifndef VLY_DATAPLANE_PACKET_H
#define VLY_DATAPLANE_PACKET_H

#include <netinet/in.h>
#include <string.h>

#include <volley/checksum.h>
#include <volley/dns.h>
#include <volley/policy.h>

/* The recommended default (RFC 1700), far more than any path needs. */
#define VLY_PACKET_HOP_LIMIT 64

/* Flags and fragment offset: DF only. */
#define VLY_PACKET_DF 0x4000

/* The beginning of a frame: two MAC addresses, the type, and two more octets. */
typedef uint8_t vly_frame_head __attribute__((vector_size(16)));

/* htons(), which compilers may implement through memory if there is MOVBE. */
static inline uint16_t
vly_packet_be16(unsigned value)
{
	return (uint16_t)(VLY_BE(32, (uint32_t)value) >> 16);
}

/* Four words of 16 bits in the order of a little-endian machine's memory. */
static inline uint64_t
vly_packet_pack(uint16_t first, uint16_t second, uint16_t third, uint16_t fourth)
{
	return first | (uint32_t)second << 16 | (uint64_t)third << 32 | (uint64_t)fourth << 48;
}

static inline void
vly_packet_swap_macs(uint8_t *frame)
{
	vly_frame_head head;

	memcpy(&head, frame, sizeof(head));
	head = __builtin_shufflevector(head, head, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 12, 13, 14,
				       15);
	memcpy(frame, &head, sizeof(head));
}

/* Headers are written a word at a time and summed from registers: reading them back would wait for
 * the store buffer. Returns the sum of the addresses, for the pseudo header (RFC 768). */
static inline uint64_t
vly_packet_reply_ipv4(uint8_t *ip, unsigned udp_len)
{
	uint64_t addresses = VLY_OCTETS_LOAD(64, ip + 12); /* the sender's, ours */
	uint64_t swapped = addresses << 32 | addresses >> 32;
	uint64_t sum = vly_sum_word(addresses);
	/* DSCP and ECN of the query do not apply to the response. It is not fragmented, so the
	 * identification may have any value (RFC 6864 §4.1); DF prevents fragmentation on the way
	 * (RFC 9715). */
	uint64_t first = vly_packet_pack(htons(0x4500), vly_packet_be16(udp_len + VLY_IPV4_BYTES),
					 0, htons(VLY_PACKET_DF));
	uint16_t hops = htons(VLY_PACKET_HOP_LIMIT << 8 | IPPROTO_UDP);
	uint32_t checksum = (uint16_t)~vly_sum_fold(sum + vly_sum_word(first) + hops);
	uint32_t second = hops | checksum << 16;

	memcpy(ip, &first, 8);
	memcpy(ip + 8, &second, 4);
	memcpy(ip + 12, &swapped, 8);
	return sum;
}

static inline uint64_t
vly_packet_reply_ipv6(uint8_t *ip, unsigned udp_len)
{
	enum { SOURCE = 8, DESTINATION = 24, ADDRESS_BYTES = 16 };
	uint64_t sum = vly_sum_octets(ip + SOURCE, 2 * ADDRESS_BYTES);
	uint64_t first = vly_packet_pack(htons(0x6000), 0, vly_packet_be16(udp_len),
					 htons(IPPROTO_UDP << 8 | VLY_PACKET_HOP_LIMIT));
	uint8_t sender[ADDRESS_BYTES];

	memcpy(ip, &first, 8);
	memcpy(sender, ip + SOURCE, ADDRESS_BYTES);
	memcpy(ip + SOURCE, ip + DESTINATION, ADDRESS_BYTES);
	memcpy(ip + DESTINATION, sender, ADDRESS_BYTES);
	return sum;
}

/*
 * Addresses `frame` back to its sender: MAC addresses, IP addresses and ports change sides, VLAN
 * tags stay. Lengths, TTL or hop limit and checksums become those of a response of `dns_len` octets
 * at `dns`, whose one's complement sum is `dns_sum` (not folded: volley/checksum.h). Returns the
 * octets of the new frame. The policy must have served the frame.
 */
static inline uint16_t
vly_packet_reply(uint8_t *frame, uint8_t *dns, bool is_ipv4, unsigned dns_len, uint64_t dns_sum)
{
	uint8_t *udp = dns - VLY_UDP_BYTES;
	unsigned udp_len = dns_len + VLY_UDP_BYTES;
	uint16_t length = vly_packet_be16(udp_len);
	uint16_t client_port = VLY_OCTETS_LOAD(16, udp);
	const uint16_t our_port = htons(VLY_DNS_PORT); /* the policy serves no other */

	vly_packet_swap_macs(frame);
	uint64_t sum = dns_sum + (is_ipv4 ? vly_packet_reply_ipv4(udp - VLY_IPV4_BYTES, udp_len)
					  : vly_packet_reply_ipv6(udp - VLY_IPV6_BYTES, udp_len));

	/* Computed in full, not from the query's checksum, which is not filled in yet if the sender
	 * is on the same machine. The length counts twice: in the pseudo header and in the UDP
	 * header. */
	sum += (uint64_t)htons(IPPROTO_UDP) + 2 * (uint64_t)length + our_port + client_port;
	uint16_t checksum = (uint16_t)~vly_sum_fold(sum);
	if (checksum == 0)
		checksum = 0xffff; /* 0 means none (RFC 768) */
	uint64_t header = vly_packet_pack(our_port, client_port, length, checksum);
	memcpy(udp, &header, 8);
	return (uint16_t)(dns + dns_len - frame);
}

#endif
