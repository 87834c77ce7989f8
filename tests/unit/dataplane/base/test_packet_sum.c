/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "base/packet_sum.h"
#include "frames.h"

/* Longer than any frame of a test's. */
#define DNS_MAX 400

static bool
is_intact(const struct test_frame *frame, int version, bool may_be_partial)
{
	const uint8_t *udp = frame->octet + frame->l4_off;
	unsigned udp_len = (unsigned)udp[4] << 8 | udp[5];

	uint64_t udp_sum = 0;
	bool intact = vly_packet_is_intact(frame->octet + frame->dns_off, udp_len - VLY_UDP_BYTES,
					   version == 4, may_be_partial, &udp_sum);
	if (intact)
		cr_assert_eq(vly_sum_fold(udp_sum), vly_sum_fold(vly_sum_octets(udp, udp_len)));
	return intact;
}

/* A query with `dns_len` random octets as its message, behind `tag_cnt` tags, checksums right. */
static struct test_frame
random_frame(int version, int tag_cnt, unsigned dns_len)
{
	struct test_frame frame = test_frame_query(version, tag_cnt);

	test_put_ip(&frame, version, dns_len);
	test_put16(frame.octet + frame.l4_off + 4, VLY_UDP_BYTES + dns_len);
	for (unsigned i = 0; i < dns_len; i++)
		frame.octet[frame.dns_off + i] = (uint8_t)rand();
	frame.len = (uint16_t)(frame.dns_off + dns_len);
	test_frame_sum(&frame, version);
	return frame;
}

Test(packet_sum, right_ones_of_every_length)
{
	for (int version = 4; version <= 6; version += 2)
		for (int tag_cnt = 0; tag_cnt <= 2; tag_cnt++)
			for (unsigned dns_len = 12; dns_len <= DNS_MAX; dns_len++) {
				struct test_frame frame = random_frame(version, tag_cnt, dns_len);
				cr_assert(is_intact(&frame, version, false));
				cr_assert(is_intact(&frame, version, true));
			}
}

/* One's complement finds every change of one bit; of an IPv6 header only the addresses count, and of
 * an IPv4 packet also what its own checksum covers. */
Test(packet_sum, every_flipped_bit)
{
	for (int version = 4; version <= 6; version += 2) {
		struct test_frame frame = random_frame(version, 1, 33);
		unsigned from = version == 4 ? frame.l3_off : frame.l3_off + 8u;
		for (unsigned bit = from * 8; bit < frame.len * 8u; bit++) {
			unsigned at = bit / 8;
			bool is_length = at == frame.l4_off + 4u || at == frame.l4_off + 5u;
			if (is_length) /* the policy has held it against the others */
				continue;
			frame.octet[at] ^= (uint8_t)(1 << bit % 8);
			cr_expect_not(is_intact(&frame, version, false),
				      "IPv%d: bit %u of octet %u", version, bit % 8, at);
			frame.octet[at] ^= (uint8_t)(1 << bit % 8);
		}
		cr_expect(is_intact(&frame, version, false));
	}
}

/* Exactly one of the 65,536 values is right, one may be partial, and over IPv4 one says that there
 * is none. */
Test(packet_sum, all_values)
{
	for (int version = 4; version <= 6; version += 2) {
		struct test_frame frame = random_frame(version, 0, 40);
		unsigned whole = 0, partial = 0;
		for (unsigned value = 0; value < 65536; value++) {
			test_put16(frame.octet + frame.l4_off + 6, value);
			whole += is_intact(&frame, version, false);
			partial += is_intact(&frame, version, true);
		}
		cr_expect_eq(whole, version == 4 ? 2 : 1);
		cr_expect_eq(partial, whole + 1);
	}
}

Test(packet_sum, partial_is_the_sum_of_the_pseudo_header)
{
	for (int version = 4; version <= 6; version += 2) {
		struct test_frame frame = random_frame(version, 0, 40);
		const uint8_t *ip = frame.octet + frame.l3_off;
		test_put16(frame.octet + frame.l4_off + 6,
			   test_naive_sum(17 + 48, version == 4 ? ip + 12 : ip + 8,
					  version == 4 ? 8 : 32));
		cr_expect(is_intact(&frame, version, true));
		cr_expect_not(is_intact(&frame, version, false));
		frame.octet[frame.l3_off + 10] ^= 1; /* its checksum, or a part of the address */
		cr_expect_not(is_intact(&frame, version, true));
	}
}
