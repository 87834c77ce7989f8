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

#include <volley/checksum.h>
#include <volley/policy.h>

/* The sum of octets that include their own correct checksum (RFC 1071 §1). */
#define VLY_SUM_RIGHT 0xffff

/* Whether the checksum of the IPv4 header (without options) in front of `udp` is correct. */
static inline bool
vly_packet_ipv4_is_intact(const uint8_t *udp)
{
	return vly_sum_fold(vly_sum_octets(udp - VLY_IPV4_BYTES, VLY_IPV4_BYTES)) == VLY_SUM_RIGHT;
}

/* The sum of the pseudo header (RFC 768, RFC 8200 §8.1). The addresses are directly before
 * `udp`. */
static inline uint64_t
vly_packet_pseudo_sum(const uint8_t *udp, bool is_ipv4, unsigned udp_len)
{
	unsigned addresses = is_ipv4 ? 8 : 32;

	return vly_sum_octets(udp - addresses, addresses) + htons(IPPROTO_UDP) +
	       htons((uint16_t)udp_len);
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
 */
static inline bool
vly_packet_is_intact(const uint8_t *dns, unsigned dns_len, bool is_ipv4, bool may_be_partial)
{
	const uint8_t *udp = dns - VLY_UDP_BYTES;
	unsigned udp_len = dns_len + VLY_UDP_BYTES;
	uint16_t checksum = VLY_OCTETS_LOAD(16, udp + 6);

	if (is_ipv4 && !vly_packet_ipv4_is_intact(udp))
		return false;
	if (checksum == 0)
		return vly_packet_udp_may_have(checksum, is_ipv4);
	uint64_t pseudo = vly_packet_pseudo_sum(udp, is_ipv4, udp_len);
	if (vly_sum_fold(pseudo + vly_sum_octets(udp, udp_len)) == VLY_SUM_RIGHT)
		return true;
	return may_be_partial && checksum == vly_sum_fold(pseudo);
}

#endif
