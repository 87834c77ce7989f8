/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one policy: what becomes of a received frame, and why. The XDP program and native code
 * compile this header, so every port drops exactly the same frames.
 *
 * Use:
 *   1. vly_policy_classify() a frame, with the port's MAC address and our addresses;
 *   2. with a verdict before VLY_VERDICT_serve, the frame is the kernel's; with VLY_VERDICT_serve
 *      it is a DNS query for us, and `packet` says where its parts are and who sent it; with one
 *      behind that it is dropped, and the verdict is the reason;
 *   3. vly_policy_admit() what is to be served, by the rules in force. Not where an XDP program has
 *      done it already: a packet is charged once.
 * Who gets a message from a socket has no frame: vly_policy_classify_message() stands for step 1.
 *
 * classify() drops only what nobody could make use of; what is merely not for the fast path
 * (fragments, IP options, IPv6 extension headers, TCP, other ports and addresses) passes.
 *
 * A new reason is one line in VLY_VERDICTS and one test in a function. It must suit the BPF
 * verifier: compare with `end` before each load, keep offsets constant or few, no unbounded loops.
 */
#ifndef VLY_POLICY_H
#define VLY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include <volley/address.h>
#include <volley/octets.h>
#include <volley/prefix.h>
#include <volley/rate.h>
#include <volley/sketch.h>

/* name, help. Verdicts up to serve keep the frame, those behind it drop it. The last four are those
 * of lcores alone: an XDP program leaves such frames to the kernel, and checksums to the lcores. */
#define VLY_VERDICTS(X)                                                                            \
	X(pass, "left to the kernel")                                                              \
	X(other_host, "for another host's MAC address: never answered here")                       \
	X(no_lcore, "DNS queries on a queue without an lcore: left to the kernel")                 \
	X(serve, "DNS queries for us")                                                             \
	X(truncated, "dropped: the frame ends inside a header")                                    \
	X(bad_length, "dropped: IP length, UDP length and frame contradict each other")            \
	X(bad_source, "dropped: a source that no host can have")                                   \
	X(dns_short, "dropped: less than a DNS header")                                            \
	X(dns_response, "dropped: a DNS response sent to port 53")                                 \
	X(unserved, "dropped: an opcode or a QDCOUNT that is never served, above its rate")        \
	X(reflector, "dropped: a source port of protocols that attackers reflect")                 \
	X(denied, "dropped: a denied source")                                                      \
	X(source_rate, "dropped: a source above its rate")                                         \
	X(no_kernel_path, "dropped: no query for us, and from this port no way to the kernel")     \
	X(too_large, "dropped: a frame too large for one packet buffer")                           \
	X(bad_checksum, "dropped: a wrong IPv4 header checksum or UDP checksum")                   \
	X(exception_full, "dropped: no query for us, and more than goes to the kernel")

enum vly_verdict {
#define X(name, help) VLY_VERDICT_##name,
	VLY_VERDICTS(X)
#undef X
		VLY_VERDICT_CNT
};

/* Those that an XDP program may have. */
#define VLY_VERDICT_XDP_CNT VLY_VERDICT_no_kernel_path

/* A served frame: where its message is, and what rules ask about it. Right before the message are
 * the UDP header and an IP header without options, before them Ethernet and up to two VLAN tags. */
struct vly_packet {
	uint16_t dns_off;     /* DNS message, in octets from the frame's start */
	uint16_t dns_len;     /* 12..65527, inside the frame */
	uint16_t source_port; /* 1..65535 */
	uint8_t ip_version;   /* 4 or 6 */
	bool unserved;        /* gets NOTIMP or FORMERR, whatever it asks */
	uint64_t source_high; /* of an IPv6 address in host order; of an IPv4 address 0 */
	uint64_t source_low;
};

/* Of source rates and of response limits. */
enum vly_limit_mode {
	VLY_LIMIT_OFF = 0,
	VLY_LIMIT_DRY_RUN = 1, /* counts what it would limit, and limits nothing */
	VLY_LIMIT_ON = 2,
};

/* What may change at run time: part of struct vly_defence, and as a whole the value of an XDP map.
 * All zeros: nothing is limited, listed or denied. */
struct vly_policy_rules {
	uint32_t source_mode; /* enum vly_limit_mode */
	/* Packets of one source, per queue. Bursts span at least VLY_SOURCE_BURST_MS_MIN. */
	struct vly_sketch_rates source;
	/* Messages that are never served get their NOTIMP or FORMERR up to this rate, per queue. */
	struct vly_rate unserved;
	uint32_t reflector_cnt;              /* of ports in reflector_port[] */
	uint64_t source_key;                 /* random: keys the sketch's hashes */
	uint32_t reflector_port[65536 / 32]; /* bit n % 32 of word n / 32: UDP source port n */
	struct vly_prefix_table prefixes;
};

/* Time goes in ticks in the XDP program, of 10 ms on the slowest kernel: within a shorter burst, a
 * source would not get its rate. */
#define VLY_SOURCE_BURST_MS_MIN 10

/* What the rules have counted on one queue. Zeros to begin with. */
struct vly_policy_state {
	uint64_t source_dry_run; /* packets that the source rate would have dropped */
	uint32_t unserved;       /* a cell, rate.h */
	uint32_t pad;
	struct vly_sketch sketch;
};

enum {
	VLY_ETHERNET_BYTES = 14,
	VLY_VLAN_BYTES = 4,
	VLY_VLAN_TAGS_MAX = 2,
	VLY_IPV4_BYTES = 20,
	VLY_IPV6_BYTES = 40,
	VLY_UDP_BYTES = 8,
	VLY_POLICY_DNS_BYTES = 12, /* the header of a message */
};

#define VLY_POLICY_INLINE static inline __attribute__((always_inline))

/* No host has 0.0.0.0, a group's address or that of the local broadcast (RFC 1122 §3.2.1.3). */
VLY_POLICY_INLINE bool
vly_policy_ipv4_is_host(uint32_t address)
{
	const uint32_t groups = UINT32_C(0xe0000000);

	/* one comparison for nearly all, which 0 fails, too */
	return address - 1 < groups - 1 || (address >> 28 == 15 && address != UINT32_MAX);
}

VLY_POLICY_INLINE bool
vly_policy_ipv6_is_host(uint64_t high, uint64_t low)
{
	return (high | low) != 0 && high >> 56 != 0xff;
}

/* A source in 127/8 is a host's only inside of that host. */
VLY_POLICY_INLINE bool
vly_policy_ipv4_is_source(uint32_t address)
{
	return vly_policy_ipv4_is_host(address) && address >> 24 != 127;
}

/* Nor does a host send from ::/64: there are ::, ::1, IPv4-mapped addresses, which stay inside of a
 * host, and the IPv4-compatible ones, which are no more (RFC 4291 §2.5). */
VLY_POLICY_INLINE bool
vly_policy_ipv6_is_source(uint64_t high)
{
	return high != 0 && high >> 56 != 0xff;
}

/* What most messages to us are: no response, opcode QUERY, one question. */
VLY_POLICY_INLINE bool
vly_policy_is_plain(const uint8_t *dns)
{
	return (vly_be32(dns + 2) & 0xf800ffff) == 1;
}

/* Of what is no response and not plain: any other opcode; of queries, only one with a cookie may
 * come without a question (RFC 7873 §5.4). */
VLY_POLICY_INLINE bool
vly_policy_is_unserved(const uint8_t *dns)
{
	unsigned opcode = dns[2] >> 3 & 15;
	unsigned question_cnt = vly_be16(dns + 4);

	return opcode != 0 || question_cnt != 0 || vly_be16(dns + 10) == 0;
}

/* What the header of a message says, whose 12 octets are at `dns`: serve, with packet->unserved
 * set, or the reason to drop it. */
VLY_POLICY_INLINE enum vly_verdict
vly_policy_classify_message(const uint8_t *dns, struct vly_packet *packet)
{
	packet->unserved = false;
	if (vly_policy_is_plain(dns))
		return VLY_VERDICT_serve;
	/* QR (RFC 1035 §4.1.1): answering could loop between two servers */
	if (dns[2] & 0x80)
		return VLY_VERDICT_dns_response;
	packet->unserved = vly_policy_is_unserved(dns);
	return VLY_VERDICT_serve;
}

/* Both ends of a packet. */
struct vly_policy_ends {
	struct vly_address from;
	struct vly_address to; /* one of ours */
};

/* Whether somebody else can have sent the packet. Where we answer on every address, we know no
 * other one of ours than the one that was asked. */
VLY_POLICY_INLINE bool
vly_policy_source_is_sound(const struct vly_packet *packet, struct vly_policy_ends ends,
			   const struct vly_addresses *ours)
{
	bool is_host = packet->ip_version == 4
			       ? vly_policy_ipv4_is_source((uint32_t)packet->source_low)
			       : vly_policy_ipv6_is_source(packet->source_high);

	if (!is_host)
		return false;
	return !(ours->cnt == 0 ? vly_address_equals(&ends.from, &ends.to)
				: vly_addresses_list(ours, &ends.from));
}

/* From the UDP header on. `ip_payload` is what the IP header claims to follow it, not yet
 * verified. Fields are taken out of words of 32 bits, whose octets any register can exchange. */
VLY_POLICY_INLINE enum vly_verdict
vly_policy_classify_udp(const uint8_t *data, const uint8_t *udp, const uint8_t *end,
			long ip_payload, struct vly_policy_ends ends,
			const struct vly_addresses *ours, struct vly_packet *packet)
{
	if (udp + VLY_UDP_BYTES > end)
		return VLY_VERDICT_truncated;
	uint32_t ports = vly_be32(udp);
	if ((uint16_t)ports != 53)
		return VLY_VERDICT_pass;

	/* A frame may be padded behind the IP packet (IEEE 802.3), and an IP packet may have a
	 * surplus behind the UDP datagram, to be ignored by who does not know its options (RFC 9868
	 * §5). */
	long udp_len = vly_be32(udp + 4) >> 16;
	if (ip_payload > end - udp || udp_len > ip_payload || udp_len < VLY_UDP_BYTES)
		return VLY_VERDICT_bad_length;

	packet->source_port = (uint16_t)(ports >> 16);
	if (packet->source_port == 0 || !vly_policy_source_is_sound(packet, ends, ours))
		return VLY_VERDICT_bad_source;

	const uint8_t *dns = udp + VLY_UDP_BYTES;
	if (udp_len < VLY_UDP_BYTES + VLY_POLICY_DNS_BYTES || dns + VLY_POLICY_DNS_BYTES > end)
		return VLY_VERDICT_dns_short;
	packet->dns_off = (uint16_t)(dns - data);
	packet->dns_len = (uint16_t)(udp_len - VLY_UDP_BYTES);
	return vly_policy_classify_message(dns, packet);
}

VLY_POLICY_INLINE enum vly_verdict
vly_policy_classify_ipv4(const uint8_t *data, const uint8_t *ip, const uint8_t *end,
			 struct vly_packet *packet, const struct vly_addresses *ours)
{
	if (ip + VLY_IPV4_BYTES > end)
		return VLY_VERDICT_truncated;
	if (ip[0] != 0x45 || ip[9] != 17) /* options, or not UDP */
		return VLY_VERDICT_pass;
	if (vly_be16(ip + 6) & 0x3fff) /* MF or an offset: a fragment */
		return VLY_VERDICT_pass;
	struct vly_policy_ends ends = {vly_address_from_ipv4(ip + 12),
				       vly_address_from_ipv4(ip + 16)};
	if (!vly_policy_ipv4_is_host(vly_be32(ip + 16)) || !vly_addresses_have(ours, &ends.to))
		return VLY_VERDICT_pass;
	packet->ip_version = 4;
	packet->source_high = 0;
	packet->source_low = vly_be32(ip + 12);
	return vly_policy_classify_udp(data, ip + VLY_IPV4_BYTES, end,
				       (long)(vly_be32(ip) & 0xffff) - VLY_IPV4_BYTES, ends, ours,
				       packet);
}

VLY_POLICY_INLINE enum vly_verdict
vly_policy_classify_ipv6(const uint8_t *data, const uint8_t *ip, const uint8_t *end,
			 struct vly_packet *packet, const struct vly_addresses *ours)
{
	if (ip + VLY_IPV6_BYTES > end)
		return VLY_VERDICT_truncated;
	if (ip[0] >> 4 != 6 || ip[6] != 17) /* an extension header, or not UDP */
		return VLY_VERDICT_pass;
	struct vly_policy_ends ends = {vly_address_from_ipv6(ip + 8),
				       vly_address_from_ipv6(ip + 24)};
	if (!vly_policy_ipv6_is_host(vly_be64(ip + 24), vly_be64(ip + 32)) ||
	    !vly_addresses_have(ours, &ends.to))
		return VLY_VERDICT_pass;
	packet->ip_version = 6;
	packet->source_high = vly_be64(ip + 8);
	packet->source_low = vly_be64(ip + 16);
	return vly_policy_classify_udp(data, ip + VLY_IPV6_BYTES, end, vly_be32(ip + 4) >> 16, ends,
				       ours, packet);
}

/* The MAC address at the start of 8 octets, as it is compared. */
VLY_POLICY_INLINE uint64_t
vly_policy_mac(const uint8_t *octets)
{
	return VLY_OCTETS_LOAD(64, octets) & VLY_BE(64, UINT64_C(0xffffffffffff0000));
}

/*
 * Decides on the Ethernet frame [data, end) (untrusted). `mac` is vly_policy_mac() of the port's
 * address, or 0: whatever comes is for this host. `ours` are the addresses that we answer on.
 * Fills *packet when the verdict is serve; otherwise its contents are undefined.
 */
VLY_POLICY_INLINE enum vly_verdict
vly_policy_classify(const uint8_t *data, const uint8_t *end, struct vly_packet *packet,
		    uint64_t mac, const struct vly_addresses *ours)
{
	const uint8_t *ip = data + VLY_ETHERNET_BYTES;

	if (ip > end)
		return VLY_VERDICT_truncated;
	if (vly_policy_mac(data) != mac) {
		if (data[0] & 1) /* a group address: no reply could have it as its source */
			return VLY_VERDICT_pass;
		/* The kernel may have other addresses on the interface, such as VRRP's. */
		if (mac != 0)
			return VLY_VERDICT_other_host;
	}

	unsigned type = vly_be16(data + 12);
	for (int i = 0; i < VLY_VLAN_TAGS_MAX && (type == 0x8100 || type == 0x88a8); i++) {
		if (ip + VLY_VLAN_BYTES > end)
			return VLY_VERDICT_truncated;
		type = vly_be16(ip + 2);
		ip += VLY_VLAN_BYTES;
	}
	if (type == 0x0800)
		return vly_policy_classify_ipv4(data, ip, end, packet, ours);
	if (type == 0x86dd)
		return vly_policy_classify_ipv6(data, ip, end, packet, ours);
	return VLY_VERDICT_pass;
}

/* Whether the rules may drop anything at all. */
VLY_POLICY_INLINE bool
vly_policy_has_rules(const struct vly_policy_rules *rules)
{
	return (rules->source_mode | rules->unserved.cost | rules->reflector_cnt |
		rules->prefixes.range4_cnt | rules->prefixes.range6_cnt) != 0;
}

/* Lists a UDP source port of services that attackers reflect from. */
VLY_POLICY_INLINE void
vly_policy_add_reflector(struct vly_policy_rules *rules, uint16_t port)
{
	uint32_t bit = UINT32_C(1) << port % 32;

	rules->reflector_cnt += (rules->reflector_port[port / 32] & bit) == 0;
	rules->reflector_port[port / 32] |= bit;
}

VLY_POLICY_INLINE enum vly_prefix_action
vly_policy_find_prefix(const struct vly_packet *packet, const struct vly_prefix_table *prefixes)
{
	return packet->ip_version == 4
		       ? vly_prefix_find4(prefixes, (uint32_t)packet->source_low)
		       : vly_prefix_find6(prefixes, packet->source_high, packet->source_low);
}

/* What the lists say of a packet that vly_policy_classify() would serve: serve, or the reason to
 * drop it. *exempt tells whether rates apply to it. */
VLY_POLICY_INLINE enum vly_verdict
vly_policy_look_up(const struct vly_packet *packet, const struct vly_policy_rules *rules,
		   bool *exempt)
{
	unsigned port = packet->source_port;

	if (rules->reflector_port[port / 32] >> port % 32 & 1)
		return VLY_VERDICT_reflector;

	enum vly_prefix_action action = vly_policy_find_prefix(packet, &rules->prefixes);
	*exempt = action == VLY_PREFIX_ALLOW;
	return action == VLY_PREFIX_DENY ? VLY_VERDICT_denied : VLY_VERDICT_serve;
}

/* Whether the rate of what is never served lets this packet through; others it does not concern. */
VLY_POLICY_INLINE bool
vly_policy_may_be_unserved(const struct vly_packet *packet, const struct vly_policy_rules *rules,
			   struct vly_policy_state *state, uint32_t now)
{
	if (!packet->unserved)
		return true;
	struct vly_rate rate = rules->unserved;
	if (rate.cost == 0)
		return true;
	if (!vly_rate_has(state->unserved, now, rate, rate.cost))
		return false;
	state->unserved = vly_rate_spend(state->unserved, now, rate, rate.cost);
	return true;
}

VLY_POLICY_INLINE struct vly_sketch_source
vly_policy_source(const struct vly_packet *packet, const struct vly_policy_rules *rules)
{
	return vly_sketch_source(packet->source_high, packet->source_low, packet->ip_version == 4,
				 rules->source_key);
}

/* The verdict on a packet whose source is over its rate. */
VLY_POLICY_INLINE enum vly_verdict
vly_policy_over_rate(const struct vly_policy_rules *rules, struct vly_policy_state *state)
{
	if (rules->source_mode != VLY_LIMIT_DRY_RUN)
		return VLY_VERDICT_source_rate;
	state->source_dry_run++;
	return VLY_VERDICT_serve;
}

/*
 * What the rules say of a packet that vly_policy_classify() would serve: serve, or the reason to
 * drop it. Counts it in `state`, the queue's own. `now` is vly_rate_now() of a clock that never
 * goes back. dataplane/guard/judge.h does the same for many packets.
 */
VLY_POLICY_INLINE enum vly_verdict
vly_policy_admit(const struct vly_packet *packet, const struct vly_policy_rules *rules,
		 struct vly_policy_state *state, uint32_t now)
{
	bool exempt = false;
	enum vly_verdict verdict = vly_policy_look_up(packet, rules, &exempt);

	if (verdict != VLY_VERDICT_serve || exempt)
		return verdict;
	if (!vly_policy_may_be_unserved(packet, rules, state, now))
		return VLY_VERDICT_unserved;
	if (rules->source_mode == VLY_LIMIT_OFF)
		return VLY_VERDICT_serve;
	return vly_sketch_admit(&state->sketch, vly_policy_source(packet, rules), rules->source_key,
				&rules->source, now)
		       ? VLY_VERDICT_serve
		       : vly_policy_over_rate(rules, state);
}

#endif
