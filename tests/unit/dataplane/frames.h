/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames made by hand: a good query, then bent as a test wants it. */
#ifndef VLY_TEST_FRAMES_H
#define VLY_TEST_FRAMES_H

#include <stdint.h>
#include <string.h>

#include <volley/policy.h>

/* header, "a.", A, IN */
#define TEST_DNS_BYTES 19

struct test_frame {
	uint8_t octet[512];
	uint16_t len;
	uint16_t l3_off;
	uint16_t l4_off;
	uint16_t dns_off;
};

static inline void
test_put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void
test_put_ip(struct test_frame *frame, int version, unsigned dns_len)
{
	static const uint8_t ipv4[] = {192, 0, 2, 1, 192, 0, 2, 53};
	static const uint8_t ipv6[] = {0x20, 1, 0xd, 0xb8, [15] = 1,
				       0x20, 1, 0xd, 0xb8, [31] = 0x53};
	uint8_t *ip = frame->octet + frame->l3_off;

	if (version == 4) {
		ip[0] = 0x45;
		test_put16(ip + 2, 28 + dns_len);
		test_put16(ip + 4, 0x1234);
		ip[8] = 61;
		ip[9] = 17;
		memcpy(ip + 12, ipv4, sizeof(ipv4));
	} else {
		ip[0] = 0x60;
		ip[2] = 0x77; /* flow label */
		test_put16(ip + 4, 8 + dns_len);
		ip[6] = 17;
		ip[7] = 61;
		memcpy(ip + 8, ipv6, sizeof(ipv6));
	}
}

/* Of the port that test frames are for, as the policy wants it. */
static inline uint64_t
test_frame_mac(void)
{
	static const uint8_t mac[8] = {2, 0, 0, 0, 0, 0x53};

	return vly_policy_mac(mac);
}

/* RFC 1071 by the book: big-endian words, one at a time. */
static inline uint32_t
test_naive_sum(uint32_t sum, const uint8_t *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		sum += i % 2 == 0 ? (uint32_t)from[i] << 8 : from[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* What a receiver computes over pseudo header and datagram: 0xffff when the checksum is right. */
static inline uint32_t
test_udp_sum(const struct test_frame *frame, int version, unsigned udp_len)
{
	const uint8_t *ip = frame->octet + frame->l3_off;
	uint32_t sum = test_naive_sum(17 + udp_len, version == 4 ? ip + 12 : ip + 8,
				      version == 4 ? 8 : 32);

	return test_naive_sum(sum, frame->octet + frame->l4_off, udp_len);
}

/* Fills in the checksums of a frame that is otherwise done. */
static inline void
test_frame_sum(struct test_frame *frame, int version)
{
	uint8_t *ip = frame->octet + frame->l3_off;
	uint8_t *udp = frame->octet + frame->l4_off;
	unsigned udp_len = (unsigned)udp[4] << 8 | udp[5];

	test_put16(udp + 6, 0);
	test_put16(udp + 6, ~test_udp_sum(frame, version, udp_len) & 0xffff);
	if (udp[6] == 0 && udp[7] == 0)
		test_put16(udp + 6, 0xffff);
	if (version != 4)
		return;
	test_put16(ip + 10, 0);
	test_put16(ip + 10, ~test_naive_sum(0, ip, 20) & 0xffff);
}

/* A query for "a." A from port 5353 to port 53, behind `tag_cnt` VLAN tags. Checksums are left
 * 0. */
static inline struct test_frame
test_frame_query(int version, int tag_cnt)
{
	static const uint8_t macs[] = {2, 0, 0, 0, 0, 0x53, 2, 0, 0, 0, 0, 1};
	static const uint8_t dns[TEST_DNS_BYTES] = {0xab, 0xcd, 0, 0,   0, 1, 0, 0, 0, 0,
						    0,    0,    1, 'a', 0, 0, 1, 0, 1};
	struct test_frame frame = {.len = 12};

	memcpy(frame.octet, macs, sizeof(macs));
	for (int i = 0; i < tag_cnt; i++, frame.len = (uint16_t)(frame.len + 4)) {
		test_put16(frame.octet + frame.len, i + 1 < tag_cnt ? 0x88a8 : 0x8100);
		test_put16(frame.octet + frame.len + 2, 100 + (unsigned)i);
	}
	test_put16(frame.octet + frame.len, version == 4 ? 0x0800 : 0x86dd);
	frame.l3_off = (uint16_t)(frame.len + 2);
	frame.l4_off = (uint16_t)(frame.l3_off + (version == 4 ? 20 : 40));
	frame.dns_off = (uint16_t)(frame.l4_off + 8);
	frame.len = (uint16_t)(frame.dns_off + sizeof(dns));
	test_put_ip(&frame, version, sizeof(dns));
	test_put16(frame.octet + frame.l4_off, 5353);
	test_put16(frame.octet + frame.l4_off + 2, 53);
	test_put16(frame.octet + frame.l4_off + 4, 8 + sizeof(dns));
	memcpy(frame.octet + frame.dns_off, dns, sizeof(dns));
	return frame;
}

#endif
