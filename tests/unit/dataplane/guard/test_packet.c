/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include <criterion/criterion.h>

#include <volley/checksum.h>

#include "base/packet.h"
#include "frames.h"

#define RESPONSE_MAX 300

static unsigned
get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static void
check_addresses(const struct test_frame *query, const struct test_frame *reply, int version)
{
	unsigned at = query->l3_off + (version == 4 ? 12u : 8u);
	unsigned bytes = version == 4 ? 4 : 16;

	cr_expect_arr_eq(reply->octet, query->octet + 6, 6);
	cr_expect_arr_eq(reply->octet + 6, query->octet, 6);
	cr_expect_arr_eq(reply->octet + 12, query->octet + 12, query->l3_off - 12u);
	cr_expect_arr_eq(reply->octet + at, query->octet + at + bytes, bytes);
	cr_expect_arr_eq(reply->octet + at + bytes, query->octet + at, bytes);
	cr_expect_eq(get16(reply->octet + reply->l4_off), 53);
	cr_expect_eq(get16(reply->octet + reply->l4_off + 2), 5353);
}

static void
check_ip(const struct test_frame *reply, int version, unsigned udp_len)
{
	const uint8_t *ip = reply->octet + reply->l3_off;

	if (version == 4) {
		cr_expect_eq(get16(ip + 2), udp_len + 20);
		cr_expect_eq(get16(ip + 4), 0);
		cr_expect_eq(get16(ip + 6), 0x4000);
		cr_expect_eq(ip[8], 64);
		cr_expect_eq(test_naive_sum(0, ip, 20), 0xffff);
	} else {
		cr_expect_eq(ip[0], 0x60);
		cr_expect_eq(ip[1] | ip[2] | ip[3], 0);
		cr_expect_eq(get16(ip + 4), udp_len);
		cr_expect_eq(ip[7], 64);
	}
}

static void
check_reply(int version, int tag_cnt, unsigned dns_len)
{
	struct test_frame query = test_frame_query(version, tag_cnt);
	struct test_frame reply = query;

	/* A checksum as a kernel on the same machine leaves it: half done. It must not matter. */
	test_put16(reply.octet + reply.l4_off + 6, 0xdead);
	for (unsigned i = 0; i < dns_len; i++)
		reply.octet[reply.dns_off + i] = (uint8_t)rand();
	uint16_t dns_sum = vly_sum_fold(vly_sum_octets(reply.octet + reply.dns_off, dns_len));
	reply.len = vly_packet_reply(reply.octet, reply.octet + reply.dns_off, version == 4,
				     dns_len, dns_sum);

	cr_expect_eq(reply.len, query.dns_off + dns_len);
	check_addresses(&query, &reply, version);
	check_ip(&reply, version, 8 + dns_len);
	cr_expect_eq(get16(reply.octet + reply.l4_off + 4), 8 + dns_len);
	cr_expect_neq(get16(reply.octet + reply.l4_off + 6), 0);
	cr_expect_eq(test_udp_sum(&reply, version, 8 + dns_len), 0xffff);
}

Test(packet, replies)
{
	for (int version = 4; version <= 6; version += 2)
		for (int tag_cnt = 0; tag_cnt <= 2; tag_cnt++)
			for (unsigned dns_len = 12; dns_len <= RESPONSE_MAX; dns_len++)
				check_reply(version, tag_cnt, dns_len);
}

/* A checksum of 0 would mean that there is none: it is sent as 0xffff. */
Test(packet, checksum_zero)
{
	for (int version = 4; version <= 6; version += 2) {
		struct test_frame frame = test_frame_query(version, 0);
		uint8_t *dns = frame.octet + frame.dns_off;
		unsigned zero_cnt = 0;
		for (unsigned id = 0; id < 65536; id++) {
			test_put16(dns, id);
			uint16_t sum = vly_sum_fold(vly_sum_octets(dns, 12));
			uint16_t len = vly_packet_reply(frame.octet, frame.octet + frame.dns_off,
							version == 4, 12, sum);
			unsigned checksum = get16(frame.octet + frame.l4_off + 6);
			cr_assert_eq(len, frame.dns_off + 12);
			cr_assert_neq(checksum, 0);
			cr_assert_eq(test_udp_sum(&frame, version, 20), 0xffff);
			zero_cnt += checksum == 0xffff;
		}
		cr_expect_gt(zero_cnt, 0);
	}
}
