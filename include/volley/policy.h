/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one policy: what becomes of a received frame, and why. The XDP program and native code
 * compile this header, so every port drops exactly the same frames.
 *
 * Use:
 *   1. vly_policy_classify() a frame, with a function that knows our addresses;
 *   2. VLY_VERDICT_pass: the kernel's. VLY_VERDICT_serve: a DNS query for us, and *packet says
 *      where its parts are. Anything else is a drop, and the verdict is its reason.
 *
 * Only frames that nobody could make use of are dropped. What is merely not for the fast path
 * (fragments, IP options, IPv6 extension headers, TCP, other ports and addresses) passes.
 *
 * A new reason is one line in VLY_VERDICTS and one test in the function. It must suit the BPF
 * verifier: compare with `end` before each load, keep offsets constant or few, no unbounded loops.
 */
#ifndef VLY_POLICY_H
#define VLY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include <volley/prefix.h>
#include <volley/rate.h>

/* name, help. Verdicts up to serve keep the frame, those behind it drop it. */
#define VLY_VERDICTS(X)                                                                            \
	X(pass, "left to the kernel")                                                              \
	X(serve, "DNS queries for us")                                                             \
	X(truncated, "dropped: the frame ends inside a header")                                    \
	X(bad_length, "dropped: IP length, UDP length and frame contradict each other")            \
	X(bad_source, "dropped: a source that no host can have")                                   \
	X(dns_short, "dropped: less than a DNS header")                                            \
	X(dns_response, "dropped: a DNS response sent to port 53")                                 \
	X(unserved, "dropped: an opcode or a QDCOUNT that is never served, above its rate")        \
	X(reflector, "dropped: a source port of protocols that attackers reflect")                 \
	X(denied, "dropped: a denied source")                                                      \
	X(source_rate, "dropped: a source above its rate")

enum vly_verdict {
#define X(name, help) VLY_VERDICT_##name,
	VLY_VERDICTS(X)
#undef X
		VLY_VERDICT_CNT
};

/* Where the parts of a served frame are, in octets from its start. */
struct vly_packet {
	uint16_t l3_off;    /* IP header: Ethernet and up to two VLAN tags come before it */
	uint16_t l4_off;    /* UDP header */
	uint16_t dns_off;   /* DNS message */
	uint16_t dns_len;   /* 12..65527, inside the frame */
	uint8_t ip_version; /* 4 or 6 */
};

/* The prefix lengths that sources are counted by: an address, and two sizes of network around it.
 */
#define VLY_SOURCE_LEVEL_CNT 3
#define VLY_SOURCE_BITS4                                                                           \
	{                                                                                          \
		32, 24, 20                                                                         \
	}
#define VLY_SOURCE_BITS6                                                                           \
	{                                                                                          \
		128, 64, 48                                                                        \
	}

/* What may change at run time: part of struct vly_defence, and as a whole the value of an XDP map.
 */
struct vly_policy_rules {
	uint32_t source_mode;                         /* enum vly_limit_mode (defence.h) */
	struct vly_rate source[VLY_SOURCE_LEVEL_CNT]; /* packets of one source, per queue */
	/* Messages that are never served get their NOTIMP or FORMERR up to this rate, per queue. */
	struct vly_rate unserved;
	uint32_t pad;
	uint64_t source_key;               /* random: keys the sketch's hashes */
	uint8_t reflector_port[65536 / 8]; /* bit n % 8 of octet n / 8: UDP source port n */
	struct vly_prefix_table prefixes;
};

enum {
	VLY_ETHERNET_BYTES = 14,
	VLY_VLAN_BYTES = 4,
	VLY_VLAN_TAGS_MAX = 2,
	VLY_IPV4_BYTES = 20,
	VLY_IPV6_BYTES = 40,
	VLY_UDP_BYTES = 8,
};

#define VLY_POLICY_INLINE static inline __attribute__((always_inline))

VLY_POLICY_INLINE unsigned
vly_policy_be16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* No host has 0.0.0.0, a group's address or that of the local broadcast (RFC 1122 §3.2.1.3). */
VLY_POLICY_INLINE bool
vly_policy_ipv4_is_host(const uint8_t *address)
{
	uint32_t value = vly_policy_be16(address) << 16 | vly_policy_be16(address + 2);

	return value != 0 && value != 0xffffffff && (value >> 28) != 14;
}

VLY_POLICY_INLINE bool
vly_policy_ipv6_is_host(const uint8_t *address)
{
	unsigned any = 0;

	for (unsigned i = 0; i < 16; i += 2)
		any |= vly_policy_be16(address + i);
	return any != 0 && address[0] != 0xff;
}

/* From the UDP header on. `ip_payload` is what the IP header claims to follow it, not yet
 * verified. */
VLY_POLICY_INLINE enum vly_verdict
vly_policy_classify_udp(const uint8_t *udp, const uint8_t *end, int ip_payload, bool source_is_host,
			struct vly_packet *packet)
{
	if (udp + VLY_UDP_BYTES > end)
		return VLY_VERDICT_truncated;
	if (vly_policy_be16(udp + 2) != 53)
		return VLY_VERDICT_pass;

	/* A frame may be padded behind the IP packet (IEEE 802.3), and an IP packet may have a
	 * surplus behind the UDP datagram, to be ignored by who does not know its options (RFC 9868
	 * §5). */
	int udp_len = (int)vly_policy_be16(udp + 4);
	if (ip_payload > end - udp || udp_len > ip_payload || udp_len < VLY_UDP_BYTES)
		return VLY_VERDICT_bad_length;

	if (!source_is_host || vly_policy_be16(udp) == 0)
		return VLY_VERDICT_bad_source;

	const uint8_t *dns = udp + VLY_UDP_BYTES;
	if (udp_len < VLY_UDP_BYTES + 12 || dns + 12 > end)
		return VLY_VERDICT_dns_short;
	if (dns[2] & 0x80) /* QR (RFC 1035 §4.1.1): answering could loop between two servers */
		return VLY_VERDICT_dns_response;

	packet->l4_off = (uint16_t)(packet->l3_off +
				    (packet->ip_version == 4 ? VLY_IPV4_BYTES : VLY_IPV6_BYTES));
	packet->dns_off = (uint16_t)(packet->l4_off + VLY_UDP_BYTES);
	packet->dns_len = (uint16_t)(udp_len - VLY_UDP_BYTES);
	return VLY_VERDICT_serve;
}

/*
 * Decides on the Ethernet frame [data, end) (untrusted). `is_ours` tells whether we answer on the
 * 4 or 16 octets at `address`; it is asked about host addresses only.
 * Fills *packet when the verdict is serve; otherwise its contents are undefined.
 */
VLY_POLICY_INLINE enum vly_verdict
vly_policy_classify(const uint8_t *data, const uint8_t *end, struct vly_packet *packet,
		    bool (*is_ours)(const void *context, const uint8_t *address, unsigned version),
		    const void *context)
{
	const uint8_t *ip = data + VLY_ETHERNET_BYTES;

	if (ip > end)
		return VLY_VERDICT_truncated;
	if (data[0] & 1) /* a group address: no reply could have it as its source */
		return VLY_VERDICT_pass;

	unsigned type = vly_policy_be16(data + 12);
	packet->l3_off = VLY_ETHERNET_BYTES;
	for (int i = 0; i < VLY_VLAN_TAGS_MAX && (type == 0x8100 || type == 0x88a8); i++) {
		if (ip + VLY_VLAN_BYTES > end)
			return VLY_VERDICT_truncated;
		type = vly_policy_be16(ip + 2);
		ip += VLY_VLAN_BYTES;
		packet->l3_off = (uint16_t)(packet->l3_off + VLY_VLAN_BYTES);
	}

	if (type == 0x0800) {
		if (ip + VLY_IPV4_BYTES > end)
			return VLY_VERDICT_truncated;
		if (ip[0] != 0x45 || ip[9] != 17) /* options, or not UDP */
			return VLY_VERDICT_pass;
		if (vly_policy_be16(ip + 6) & 0x3fff) /* MF or an offset: a fragment */
			return VLY_VERDICT_pass;
		if (!vly_policy_ipv4_is_host(ip + 16) || !is_ours(context, ip + 16, 4))
			return VLY_VERDICT_pass;
		packet->ip_version = 4;
		return vly_policy_classify_udp(ip + VLY_IPV4_BYTES, end,
					       (int)vly_policy_be16(ip + 2) - VLY_IPV4_BYTES,
					       vly_policy_ipv4_is_host(ip + 12), packet);
	}
	if (type == 0x86dd) {
		if (ip + VLY_IPV6_BYTES > end)
			return VLY_VERDICT_truncated;
		if (ip[0] >> 4 != 6 || ip[6] != 17) /* an extension header, or not UDP */
			return VLY_VERDICT_pass;
		if (!vly_policy_ipv6_is_host(ip + 24) || !is_ours(context, ip + 24, 6))
			return VLY_VERDICT_pass;
		packet->ip_version = 6;
		return vly_policy_classify_udp(ip + VLY_IPV6_BYTES, end,
					       (int)vly_policy_be16(ip + 4),
					       vly_policy_ipv6_is_host(ip + 8), packet);
	}
	return VLY_VERDICT_pass;
}

#endif
