/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The policy: decides whether a received frame is served, passed to the kernel or dropped, and
 * gives the reason. The XDP program and native code compile this header, so every port drops
 * exactly the same frames.
 *
 * Use:
 *   1. vly_policy_classify() a frame, with the port's MAC address and our addresses. A verdict
 *      below VLY_VERDICT_serve leaves the frame to the kernel. VLY_VERDICT_serve means a DNS query
 *      for us: `packet` says where its parts are and who sent it. A verdict above that drops the
 *      frame, and is the reason.
 *   2. vly_policy_admit() a frame to be served, by the rules in force. If it is still to be served,
 *      vly_policy_wants_signed() and vly_policy_is_signed(), then vly_policy_admit_signed(). But not if
 *      an XDP program has already done it: a packet is charged once.
 * A message from a socket has no frame: vly_policy_classify_message() takes the place of step 1.
 *
 * vly_policy_classify() drops only frames that nobody could use. Frames that are merely not for
 * the fast path pass: fragments, IP options, IPv6 extension headers, TCP, other ports and
 * addresses.
 *
 * Trust: frames and messages are untrusted; rules and addresses were checked (dataplane/guard/
 * defence.c). Threads: pure, except for `state`, which has one writer. Nothing blocks. Rules are
 * read inside an RCU read side.
 *
 * A new reason is one line in VLY_VERDICTS and one test in a function. It must suit the BPF
 * verifier: compare with `end` before each load, keep offsets constant or few, bound every loop.
 */
#ifndef VLY_POLICY_H
#define VLY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include <volley/address.h>
#include <volley/dns.h>
#include <volley/octets.h>
#include <volley/prefix.h>
#include <volley/rate.h>
#include <volley/sketch.h>

/* name, help. Verdicts up to serve keep the frame, those behind it drop it. Only lcores use the last
 * four: an XDP program leaves such frames to the kernel, and checksums to the lcores. */
#define VLY_VERDICTS(X)                                                                            \
	X(pass, "left to the kernel")                                                              \
	X(other_host, "for another host's MAC address: never answered here")                       \
	X(no_lcore, "DNS queries on a queue without an lcore: left to the kernel")                 \
	X(serve, "DNS queries for us")                                                             \
	X(truncated, "dropped: the frame ends inside a header")                                    \
	X(bad_length, "dropped: inconsistent IP, UDP and frame lengths")                           \
	X(bad_source, "dropped: a source that no host can have")                                   \
	X(dns_short, "dropped: shorter than a DNS header")                                         \
	X(dns_response, "dropped: a DNS response sent to port 53")                                 \
	X(unserved, "dropped: an opcode, QDCOUNT or signed query for others than the lcores, "     \
		    "above its rate")                                                              \
	X(reflector, "dropped: the source port of a protocol used for reflection attacks")         \
	X(denied, "dropped: a denied source")                                                      \
	X(source_rate, "dropped: a source above its rate")                                         \
	X(no_kernel_path, "dropped: not a query for us, and this port has no way to the kernel")   \
	X(too_large, "dropped: a frame too large for one packet buffer")                           \
	X(bad_checksum, "dropped: a wrong IPv4 header checksum or UDP checksum")                   \
	X(exception_full, "dropped: no query for us, and more of these than go to the kernel")

enum vly_verdict {
#define X(name, help) VLY_VERDICT_##name,
	VLY_VERDICTS(X)
#undef X
		VLY_VERDICT_CNT
};

/* The verdicts of an XDP program are below this one. */
#define VLY_VERDICT_XDP_CNT VLY_VERDICT_no_kernel_path

/* A served frame: the place of its message, and the properties that rules look at. Right before the
 * message are the UDP header and an IP header without options, before them the Ethernet header with
 * up to two VLAN tags. */
struct vly_packet {
	uint16_t dns_off;     /* of the DNS message, in octets from the frame's start */
	uint16_t dns_len;     /* 12..65527, inside the frame */
	uint16_t source_port; /* 1..65535 */
	uint8_t ip_version;   /* 4 or 6 */
	/* 0; or 1 + the opcode of a message that gets NOTIMP or FORMERR, whatever the question, or that
	 * volley-control answers */
	uint8_t unserved;
	uint64_t source_high; /* of an IPv6 address in host order; of an IPv4 address 0 */
	uint64_t source_low;
};

/* The mode of the source rates, and that of the response limits. */
enum vly_limit_mode {
	VLY_LIMIT_OFF = 0,
	VLY_LIMIT_DRY_RUN = 1, /* counts the packets over a limit, but limits nothing */
	VLY_LIMIT_ON = 2,
};

/* The rules that can change at run time: a part of struct vly_defence, and as a whole the value of
 * an XDP map. All zeros: nothing is limited, listed or denied. */
struct vly_policy_rules {
	uint32_t source_mode; /* enum vly_limit_mode */
	/* packets of one source, per queue; a burst spans at least VLY_SOURCE_BURST_MS_MIN */
	struct vly_sketch_rates source;
	/* messages that are never served get NOTIMP or FORMERR up to this rate, per queue */
	struct vly_rate unserved;
	/* messages that volley-control answers, and signed queries, per queue */
	struct vly_rate request;
	/* bit n: volley-control answers messages of opcode n; bit VLY_REQUEST_SIGNED_QUERY: it signs the
	 * responses to signed queries. They pass to the kernel, and reach it by the stream threads. */
	uint32_t request_opcodes;
	uint32_t reflector_cnt; /* ports in reflector_port[] */
	uint32_t pad;
	uint64_t source_key;                 /* random: keys the sketch's hashes */
	uint32_t reflector_port[65536 / 32]; /* bit n % 32 of word n / 32: UDP source port n */
	struct vly_prefix_table prefixes;
};

/* The clock of the XDP program ticks every 10 ms on the slowest kernel (CONFIG_HZ=100). With a
 * shorter burst, a source would not get its rate. */
#define VLY_SOURCE_BURST_MS_MIN 10

/* The counts behind the rules, one for each queue. Starts as zeros. */
struct vly_policy_state {
	uint64_t source_dry_run; /* packets that the source rate would have dropped */
	uint32_t unserved;       /* a cell, rate.h */
	uint32_t request;        /* the same */
	struct vly_sketch sketch;
};

enum {
	VLY_ETHERNET_BYTES = 14,
	VLY_VLAN_BYTES = 4,
	VLY_VLAN_TAGS_MAX = 2,
	VLY_IPV4_BYTES = 20,
	VLY_IPV6_BYTES = 40,
	VLY_UDP_BYTES = 8,
	VLY_POLICY_DNS_BYTES = VLY_DNS_HEADER_BYTES,
};

/* EtherTypes. Named here, since <linux/if_ether.h> and DPDK have different names for them, and this
 * header includes neither. */
enum {
	VLY_ETHERTYPE_IPV4 = 0x0800,
	VLY_ETHERTYPE_IPV6 = 0x86dd,
	VLY_ETHERTYPE_VLAN = 0x8100, /* IEEE 802.1Q */
	VLY_ETHERTYPE_QINQ = 0x88a8, /* IEEE 802.1ad */
};

/* Fields of IP headers. */
enum {
	VLY_IPV4_PLAIN = 0x45,      /* version 4, five words: no options (RFC 791 §3.1) */
	VLY_IPV4_FRAGMENT = 0x3fff, /* MF or an offset: part of a fragmented packet */
	VLY_IPV4_FRAGMENT_OFF = 6,  /* octets before the flags and the fragment offset */
	VLY_IPV4_PROTOCOL_OFF = 9,  /* octets before the protocol */
	VLY_IPV6_PROTOCOL_OFF = 6,  /* octets before the next header (RFC 8200 §3) */
	VLY_IP_PROTOCOL_UDP = 17,
};

/* Fields of a message's header (RFC 1035 §4.1.1), by their octets. */
enum {
	VLY_DNS_FLAGS_OFF = 2,
	VLY_DNS_QDCOUNT_OFF = 4,
	VLY_DNS_ARCOUNT_OFF = 10,
	VLY_DNS_QR_OCTET = VLY_FLAG_QR >> 8, /* in the octet at VLY_DNS_FLAGS_OFF */
	VLY_DNS_OPCODE_OCTET_SHIFT = 3,      /* in the same octet */
};

/* The bit of request_opcodes, beside those of opcodes, for queries with TSIG. */
#define VLY_REQUEST_SIGNED_QUERY 16

/* The last octets of a signed query: the length of the longest MAC (64 octets), the MAC, original ID,
 * error, and the length of other data (RFC 8945 §4.2). Nearly all queries with TSIG have more; those with
 * a truncated MAC and the shortest names may not. */
#define VLY_SIGNED_TAIL_BYTES 72

/* Octets before these. Longer queries are not recognised. A power of two less 1, so that the BPF verifier
 * sees the bound. */
#define VLY_SIGNED_FRONT_MAX 1023

/* packet->dns_off is no larger: Ethernet, two VLAN tags, IPv6 and UDP have 70 octets. */
#define VLY_POLICY_DNS_OFF_MAX 127

#define VLY_POLICY_INLINE static inline __attribute__((always_inline))

/* No host has 0.0.0.0, a multicast address or the local broadcast address (RFC 1122 §3.2.1.3). */
VLY_POLICY_INLINE bool
vly_policy_ipv4_is_host(uint32_t address)
{
	const uint32_t groups = UINT32_C(0xe0000000);

	/* one comparison is enough for nearly all addresses; 0 fails it, too */
	return address - 1 < groups - 1 || (address >> 28 == 15 && address != UINT32_MAX);
}

VLY_POLICY_INLINE bool
vly_policy_ipv6_is_host(uint64_t high, uint64_t low)
{
	return (high | low) != 0 && high >> 56 != 0xff;
}

/* 127/8 is a source only inside a host. */
VLY_POLICY_INLINE bool
vly_policy_ipv4_is_source(uint32_t address)
{
	return vly_policy_ipv4_is_host(address) && address >> 24 != 127;
}

/* No host sends from ::/64: it holds ::, ::1 and the IPv4-mapped addresses, which stay inside a
 * host, and the IPv4-compatible ones, which are obsolete (RFC 4291 §2.5). */
VLY_POLICY_INLINE bool
vly_policy_ipv6_is_source(uint64_t high)
{
	return high != 0 && high >> 56 != 0xff;
}

/* Whether a message is a query with opcode QUERY and one question, as nearly all are: QR, opcode
 * and QDCOUNT in one comparison. */
VLY_POLICY_INLINE bool
vly_policy_is_plain(const uint8_t *dns)
{
	const uint32_t fields = (uint32_t)(VLY_FLAG_QR | VLY_FLAG_OPCODE) << 16 | 0xffff;

	return (vly_be32(dns + VLY_DNS_FLAGS_OFF) & fields) == 1;
}

/* Whether a message that is neither plain nor a response is never served: it has another opcode, or
 * it is a query without exactly one question. Without a question, a query may still ask for a
 * cookie (RFC 7873 §5.4), and then has an OPT. */
VLY_POLICY_INLINE bool
vly_policy_is_unserved(const uint8_t *dns)
{
	unsigned opcode = dns[VLY_DNS_FLAGS_OFF] >> VLY_DNS_OPCODE_OCTET_SHIFT & 15;
	unsigned question_cnt = vly_be16(dns + VLY_DNS_QDCOUNT_OFF);

	return opcode != VLY_OPCODE_QUERY || question_cnt != 0 ||
	       vly_be16(dns + VLY_DNS_ARCOUNT_OFF) == 0;
}

/* Decides by the header of a message, whose 12 octets are at `dns`: serve, with packet->unserved
 * set, or the reason to drop it. */
VLY_POLICY_INLINE enum vly_verdict
vly_policy_classify_message(const uint8_t *dns, struct vly_packet *packet)
{
	packet->unserved = 0;
	if (vly_policy_is_plain(dns))
		return VLY_VERDICT_serve;
	/* a response: answering it could start a loop between two servers */
	if (dns[VLY_DNS_FLAGS_OFF] & VLY_DNS_QR_OCTET)
		return VLY_VERDICT_dns_response;
	if (vly_policy_is_unserved(dns))
		packet->unserved =
			(uint8_t)(1 + (dns[VLY_DNS_FLAGS_OFF] >> VLY_DNS_OPCODE_OCTET_SHIFT & 15));
	return VLY_VERDICT_serve;
}

/* Both ends of a packet. */
struct vly_policy_ends {
	struct vly_address from;
	struct vly_address to; /* one of ours */
};

/* Whether another host can have sent the packet. If we answer on every address, the destination is
 * the only one that we know to be ours. */
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

/* Classifies from the UDP header on. `ip_payload` are the octets behind the IP header according to
 * it, not yet verified. Fields are taken out of 32-bit words, whose octets any register can
 * swap. */
VLY_POLICY_INLINE enum vly_verdict
vly_policy_classify_udp(const uint8_t *data, const uint8_t *udp, const uint8_t *end,
			long ip_payload, struct vly_policy_ends ends,
			const struct vly_addresses *ours, struct vly_packet *packet)
{
	if (udp + VLY_UDP_BYTES > end)
		return VLY_VERDICT_truncated;
	uint32_t ports = vly_be32(udp);
	if ((uint16_t)ports != VLY_DNS_PORT)
		return VLY_VERDICT_pass;

	/* A frame may be padded behind the IP packet (IEEE 802.3), and an IP packet may have a
	 * surplus area behind the UDP datagram, which receivers without UDP options ignore (RFC
	 * 9868 §5). */
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
	if (ip[0] != VLY_IPV4_PLAIN || ip[VLY_IPV4_PROTOCOL_OFF] != VLY_IP_PROTOCOL_UDP)
		return VLY_VERDICT_pass;
	if (vly_be16(ip + VLY_IPV4_FRAGMENT_OFF) & VLY_IPV4_FRAGMENT)
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
	/* an extension header in front of UDP passes, too */
	if (ip[0] >> 4 != 6 || ip[VLY_IPV6_PROTOCOL_OFF] != VLY_IP_PROTOCOL_UDP)
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

/* The MAC address at the start of 8 octets, in the form in which addresses are compared. */
VLY_POLICY_INLINE uint64_t
vly_policy_mac(const uint8_t *octets)
{
	return VLY_OCTETS_LOAD(64, octets) & VLY_BE(64, UINT64_C(0xffffffffffff0000));
}

/*
 * Decides on the Ethernet frame [data, end) (untrusted). `mac` is vly_policy_mac() of the port's
 * address, or 0: every frame is for this host. `ours` are the addresses on which we answer. Fills
 * *packet if the verdict is serve; otherwise its contents are undefined.
 */
VLY_POLICY_INLINE enum vly_verdict
vly_policy_classify(const uint8_t *data, const uint8_t *end, struct vly_packet *packet,
		    uint64_t mac, const struct vly_addresses *ours)
{
	const uint8_t *ip = data + VLY_ETHERNET_BYTES;

	if (ip > end)
		return VLY_VERDICT_truncated;
	if (vly_policy_mac(data) != mac) {
		if (data[0] & 1) /* a group address, which no reply can have as its source */
			return VLY_VERDICT_pass;
		/* The interface may have more addresses in the kernel, such as VRRP's. */
		if (mac != 0)
			return VLY_VERDICT_other_host;
	}

	unsigned type = vly_be16(data + 12);
	for (int i = 0;
	     i < VLY_VLAN_TAGS_MAX && (type == VLY_ETHERTYPE_VLAN || type == VLY_ETHERTYPE_QINQ);
	     i++) {
		if (ip + VLY_VLAN_BYTES > end)
			return VLY_VERDICT_truncated;
		type = vly_be16(ip + 2);
		ip += VLY_VLAN_BYTES;
	}
	if (type == VLY_ETHERTYPE_IPV4)
		return vly_policy_classify_ipv4(data, ip, end, packet, ours);
	if (type == VLY_ETHERTYPE_IPV6)
		return vly_policy_classify_ipv6(data, ip, end, packet, ours);
	return VLY_VERDICT_pass;
}

/* Whether the rules can drop anything at all. */
VLY_POLICY_INLINE bool
vly_policy_has_rules(const struct vly_policy_rules *rules)
{
	return (rules->source_mode | rules->unserved.cost | rules->reflector_cnt |
		rules->request_opcodes | rules->prefixes.range4_cnt | rules->prefixes.range6_cnt) !=
	       0;
}

/* Adds a UDP source port from which queries are dropped, since attackers use it for reflection. */
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

/* Applies the lists to a packet that vly_policy_classify() would serve: serve, or the reason to
 * drop it. *exempt: no rate applies to it. */
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

/* Whether volley-control answers the message; it passes to the kernel, then. */
VLY_POLICY_INLINE bool
vly_policy_is_request(const struct vly_packet *packet, const struct vly_policy_rules *rules)
{
	return packet->unserved != 0 && (rules->request_opcodes >> (packet->unserved - 1) & 1) != 0;
}

/* Whether a rate admits a packet, which is charged to its cell then. */
VLY_POLICY_INLINE bool
vly_policy_spend(uint32_t *cell, struct vly_rate rate, uint32_t now)
{
	if (rate.cost == 0)
		return true;
	if (!vly_rate_has(*cell, now, rate, rate.cost))
		return false;
	*cell = vly_rate_spend(*cell, now, rate, rate.cost);
	return true;
}

/* Whether the rate of messages that are never served, or that of those that volley-control answers, admits
 * the packet; true for all others. */
VLY_POLICY_INLINE bool
vly_policy_may_be_unserved(const struct vly_packet *packet, const struct vly_policy_rules *rules,
			   struct vly_policy_state *state, uint32_t now)
{
	if (!packet->unserved)
		return true;
	return vly_policy_is_request(packet, rules)
		       ? vly_policy_spend(&state->request, rules->request, now)
		       : vly_policy_spend(&state->unserved, rules->unserved, now);
}

VLY_POLICY_INLINE struct vly_sketch_source
vly_policy_source(const struct vly_packet *packet, const struct vly_policy_rules *rules)
{
	return vly_sketch_source(packet->source_high, packet->source_low, packet->ip_version == 4,
				 rules->source_key);
}

/* The verdict on a packet from a source that is over its rate. */
VLY_POLICY_INLINE enum vly_verdict
vly_policy_over_rate(const struct vly_policy_rules *rules, struct vly_policy_state *state)
{
	if (rules->source_mode != VLY_LIMIT_DRY_RUN)
		return VLY_VERDICT_source_rate;
	state->source_dry_run++;
	return VLY_VERDICT_serve;
}

/*
 * Applies the rules to a packet that vly_policy_classify() would serve: serve, pass, or the reason to
 * drop it. Counts it in `state`, the queue's own. `now` is vly_rate_now() of a clock that does not
 * go back. vly_judge() (dataplane/guard/judge.h) does the same for a burst.
 */
VLY_POLICY_INLINE enum vly_verdict
vly_policy_admit(const struct vly_packet *packet, const struct vly_policy_rules *rules,
		 struct vly_policy_state *state, uint32_t now)
{
	bool exempt = false;
	enum vly_verdict verdict = vly_policy_look_up(packet, rules, &exempt);

	if (verdict != VLY_VERDICT_serve)
		return verdict;
	if (!exempt && !vly_policy_may_be_unserved(packet, rules, state, now))
		return VLY_VERDICT_unserved;
	if (vly_policy_is_request(packet, rules))
		return VLY_VERDICT_pass;
	if (exempt || rules->source_mode == VLY_LIMIT_OFF)
		return VLY_VERDICT_serve;
	return vly_sketch_admit(&state->sketch, vly_policy_source(packet, rules), rules->source_key,
				&rules->source, now)
		       ? VLY_VERDICT_serve
		       : vly_policy_over_rate(rules, state);
}

/* Whether a MAC of so many octets, with its length, ends the tail but for the last six octets. */
VLY_POLICY_INLINE bool
vly_policy_has_mac(const uint8_t *tail, unsigned mac_bytes)
{
	return vly_be16(tail + VLY_SIGNED_TAIL_BYTES - 8 - mac_bytes) == mac_bytes;
}

/*
 * Whether the message of dns_len octets at dns_off of the served frame [data, end) ends as queries with
 * TSIG do: no error, no other data; the message's own ID, and before it a MAC behind its length, whole or
 * truncated to half. Records are not looked for, since that takes a walk. A message that is taken for one
 * by accident is answered all the same, by way of the kernel. One that is not recognised, such as one that
 * was forwarded, gets BADKEY.
 */
VLY_POLICY_INLINE bool
vly_policy_is_signed(const uint8_t *data, const uint8_t *end, unsigned dns_off, unsigned dns_len)
{
	const uint8_t *dns = data + (dns_off & VLY_POLICY_DNS_OFF_MAX);
	unsigned front = dns_len - VLY_SIGNED_TAIL_BYTES;

	if (front > VLY_SIGNED_FRONT_MAX)
		return false;
	const uint8_t *tail = dns + (front & VLY_SIGNED_FRONT_MAX);
	if (dns + VLY_POLICY_DNS_BYTES > end || tail + VLY_SIGNED_TAIL_BYTES > end)
		return false;
	if (vly_be32(tail + VLY_SIGNED_TAIL_BYTES - 4) != 0 ||
	    vly_be16(tail + VLY_SIGNED_TAIL_BYTES - 6) != vly_be16(dns))
		return false;
	return vly_policy_has_mac(tail, 64) || vly_policy_has_mac(tail, 48) ||
	       vly_policy_has_mac(tail, 32) || vly_policy_has_mac(tail, 28) ||
	       vly_policy_has_mac(tail, 24) || vly_policy_has_mac(tail, 20) ||
	       vly_policy_has_mac(tail, 16) || vly_policy_has_mac(tail, 14) ||
	       vly_policy_has_mac(tail, 10);
}

/* Whether packets that vly_policy_admit() would serve are to be looked at with vly_policy_is_signed(). */
VLY_POLICY_INLINE bool
vly_policy_wants_signed(const struct vly_packet *packet, const struct vly_policy_rules *rules)
{
	return (rules->request_opcodes >> VLY_REQUEST_SIGNED_QUERY & 1) != 0 && !packet->unserved;
}

/* Decides about a signed query: pass, since volley-control signs the response; or the reason to drop
 * it. */
VLY_POLICY_INLINE enum vly_verdict
vly_policy_admit_signed(const struct vly_policy_rules *rules, struct vly_policy_state *state,
			uint32_t now)
{
	return vly_policy_spend(&state->request, rules->request, now) ? VLY_VERDICT_pass
								      : VLY_VERDICT_unserved;
}

#endif
