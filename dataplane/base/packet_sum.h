/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Verifies the checksums in the frame of a query.
 *
 * Use, on a frame that the policy serves (policy.h), before anything is written to it:
 * vly_packet_is_intact(). If the device has checked the UDP checksum, vly_packet_ipv4_is_intact()
 * and vly_packet_udp_may_have() are enough. Pure; any thread. The policy has verified the lengths
 * in the frame; all other octets are untrusted.
 */
#ifndef VLY_DATAPLANE_PACKET_SUM_H
#define VLY_DATAPLANE_PACKET_SUM_H

#include <netinet/in.h>
#include <string.h>

#include <volley/checksum.h>
#include <volley/policy.h>

/* The sum of octets that include their own correct checksum (RFC 1071 §1). */
#define VLY_SUM_RIGHT 0xffff

/* Most queries are shorter, from the UDP header on: one path without a loop, as the branch at the
 * end of one that runs for each name's length is predicted badly, and costs 15 cycles. */
#define VLY_PACKET_SUM_BYTES 64

/* The sum of an IPv4 header without options, and that of its addresses. */
struct vly_packet_ipv4_sum {
	uint64_t header;
	uint64_t addresses;
};

static inline struct vly_packet_ipv4_sum
vly_packet_ipv4_sum(const uint8_t *udp)
{
	const uint8_t *ip = udp - VLY_IPV4_BYTES;
	uint64_t addresses = VLY_OCTETS_LOAD(64, ip + 12);
	uint64_t sum = vly_sum_word(addresses);

	return (struct vly_packet_ipv4_sum){
		.header = sum + vly_sum_word(VLY_OCTETS_LOAD(64, ip)) + VLY_OCTETS_LOAD(32, ip + 8),
		.addresses = sum,
	};
}

/* Whether the checksum of the IPv4 header (without options) in front of `udp` is correct. */
static inline bool
vly_packet_ipv4_is_intact(const uint8_t *udp)
{
	return vly_sum_fold(vly_packet_ipv4_sum(udp).header) == VLY_SUM_RIGHT;
}

typedef uint64_t vly_sum_lanes __attribute__((vector_size(16)));

/* The sum of up to VLY_PACKET_SUM_BYTES octets, all of which are read. */
static inline uint64_t
vly_packet_sum_short(const uint8_t *from, unsigned bytes)
{
	static const uint8_t mask[2 * VLY_PACKET_SUM_BYTES] = {[0 ... VLY_PACKET_SUM_BYTES - 1] =
								       0xff};
	const uint8_t *kept = mask + VLY_PACKET_SUM_BYTES - bytes;
	vly_sum_lanes sum = {0};

	for (unsigned at = 0; at < VLY_PACKET_SUM_BYTES; at += sizeof(sum)) {
		vly_sum_lanes octets, wanted;
		memcpy(&octets, from + at, sizeof(octets));
		memcpy(&wanted, kept + at, sizeof(wanted));
		octets &= wanted;
		sum += (octets & UINT32_MAX) + (octets >> 32);
	}
	return sum[0] + sum[1];
}

/* The UDP header and what follows. */
static inline uint64_t
vly_packet_udp_sum(const uint8_t *udp, unsigned udp_len)
{
	return udp_len <= VLY_PACKET_SUM_BYTES ? vly_packet_sum_short(udp, udp_len)
					       : vly_sum_octets(udp, udp_len);
}

/* Whether the field's value is allowed: 0 means no checksum, which IPv6 does not allow (RFC 8200
 * §8.1; the exceptions of RFC 6935 are tunnels). */
static inline bool
vly_packet_udp_may_have(uint16_t checksum, bool is_ipv4)
{
	return is_ipv4 || checksum != 0;
}

/*
 * Whether the checksums of IPv4 header and UDP of a query of `dns_len` octets at `dns` are correct.
 * With `may_be_partial`, the UDP checksum may also be the sum of the pseudo header alone: Linux
 * leaves the rest to the sending device, and a virtual device does not compute it.
 * VLY_PACKET_SUM_BYTES from the UDP header on can be read, even if the query is shorter: no packet
 * buffer is so small. `udp_sum` becomes the sum of the octets of UDP header and query.
 */
static inline bool
vly_packet_is_intact(const uint8_t *dns, unsigned dns_len, bool is_ipv4, bool may_be_partial,
		     uint64_t *udp_sum)
{
	const uint8_t *udp = dns - VLY_UDP_BYTES;
	unsigned udp_len = dns_len + VLY_UDP_BYTES;
	uint16_t checksum = VLY_OCTETS_LOAD(16, udp + 6);
	/* of the pseudo header (RFC 768, RFC 8200 §8.1) */
	uint64_t pseudo = (uint64_t)htons(IPPROTO_UDP) + htons((uint16_t)udp_len);

	if (is_ipv4) {
		struct vly_packet_ipv4_sum ip = vly_packet_ipv4_sum(udp);
		if (vly_sum_fold(ip.header) != VLY_SUM_RIGHT)
			return false;
		pseudo += ip.addresses;
	} else {
		pseudo += vly_sum_octets(udp - 32, 32);
	}
	*udp_sum = vly_packet_udp_sum(udp, udp_len);
	uint16_t sum = vly_sum_fold(pseudo + *udp_sum);
	if (__builtin_expect(sum == VLY_SUM_RIGHT && checksum != 0, true))
		return true;
	if (checksum == 0)
		return is_ipv4;
	return may_be_partial && checksum == vly_sum_fold(pseudo);
}

#endif
