/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "frames.h"
#include "port/exception_class.h"

static enum vly_exception_class
classify(const struct test_frame *frame)
{
	return vly_exception_classify(frame->octet, frame->len);
}

/* A packet with this protocol, and these octets behind its IP header. */
static struct test_frame
make(int version, int tag_cnt, uint8_t protocol, const uint8_t head[4])
{
	struct test_frame frame = test_frame_query(version, tag_cnt);

	frame.octet[frame.l3_off + (version == 4 ? 9 : 6)] = protocol;
	memcpy(frame.octet + frame.l4_off, head, 4);
	return frame;
}

static void
set_hops(struct test_frame *frame, int version, uint8_t hops)
{
	frame->octet[frame->l3_off + (version == 4 ? 8 : 7)] = hops;
}

static const struct {
	int version; /* 0: both */
	uint8_t protocol;
	uint8_t head[4];
	enum vly_exception_class class;
} packets[] = {
	{0, 6, {0, 179, 0x80, 0}, VLY_EXCEPTION_ROUTING},
	{0, 6, {0x80, 0, 0, 179}, VLY_EXCEPTION_ROUTING},
	{0, 6, {0x80, 0, 0, 53}, VLY_EXCEPTION_TCP},
	{0, 6, {0x80, 0, 0, 22}, VLY_EXCEPTION_TCP},
	{0, 17, {0x80, 0, 14, 200}, VLY_EXCEPTION_ROUTING},
	{0, 17, {0x80, 0, 14, 201}, VLY_EXCEPTION_ROUTING},
	{0, 17, {0x80, 0, 18, 176}, VLY_EXCEPTION_ROUTING},
	{0, 17, {0, 179, 0, 179}, VLY_EXCEPTION_OTHER},
	{0, 89, {2, 1, 0, 0}, VLY_EXCEPTION_ROUTING},
	{0, 112, {0x21, 1, 0, 0}, VLY_EXCEPTION_ROUTING},
	{4, 1, {8, 0, 0, 0}, VLY_EXCEPTION_OTHER},
	{4, 58, {135, 0, 0, 0}, VLY_EXCEPTION_OTHER},
	{6, 58, {128, 0, 0, 0}, VLY_EXCEPTION_OTHER},
	{6, 58, {132, 0, 0, 0}, VLY_EXCEPTION_OTHER},
	{6, 58, {133, 0, 0, 0}, VLY_EXCEPTION_LINK},
	{6, 58, {135, 0, 0, 0}, VLY_EXCEPTION_LINK},
	{6, 58, {137, 0, 0, 0}, VLY_EXCEPTION_LINK},
	{6, 58, {138, 0, 0, 0}, VLY_EXCEPTION_OTHER},
	{0, 44, {0, 179, 0, 179}, VLY_EXCEPTION_OTHER},
};

#define PACKET_CNT (sizeof(packets) / sizeof(packets[0]))

Test(exception_class, packets)
{
	for (unsigned i = 0; i < PACKET_CNT; i++)
		for (int version = 4; version <= 6; version += 2)
			for (int tag_cnt = 0; tag_cnt <= 2; tag_cnt++) {
				if (packets[i].version != 0 && packets[i].version != version)
					continue;
				struct test_frame frame = make(
					version, tag_cnt, packets[i].protocol, packets[i].head);
				set_hops(&frame, version, 255);
				cr_expect_eq(classify(&frame), packets[i].class,
					     "packet %u over IPv%d behind %d tags is of class %d",
					     i, version, tag_cnt, classify(&frame));
			}
}

/* A flood from far away takes nothing from neighbours. Sessions of BGP, and BFD over several hops,
 * may come from there. */
Test(exception_class, what_a_router_has_forwarded)
{
	for (unsigned i = 0; i < PACKET_CNT; i++)
		for (int version = 4; version <= 6; version += 2) {
			bool is_bfd = packets[i].protocol == 17 && packets[i].head[3] == 200;
			bool is_neighbours = packets[i].class == VLY_EXCEPTION_LINK || is_bfd ||
					     packets[i].protocol == 112;
			if (packets[i].version != 0 && packets[i].version != version)
				continue;
			struct test_frame frame =
				make(version, 0, packets[i].protocol, packets[i].head);
			set_hops(&frame, version, 254);
			cr_expect_eq(classify(&frame),
				     is_neighbours ? VLY_EXCEPTION_OTHER : packets[i].class,
				     "packet %u over IPv%d is of class %d", i, version,
				     classify(&frame));
		}
}

Test(exception_class, other_protocols_of_the_link)
{
	static const uint16_t types[] = {0x0806, 0x88cc, 0x8809, 0x0027};

	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct test_frame frame = test_frame_query(4, 0);
		test_put16(frame.octet + 12, types[i]);
		cr_expect_eq(classify(&frame), VLY_EXCEPTION_LINK);
	}
}

Test(exception_class, options_move_the_ports_and_later_fragments_have_none)
{
	static const uint8_t bgp[] = {0x80, 0, 0, 179};
	struct test_frame frame = make(4, 0, 6, bgp);

	frame.octet[frame.l3_off] = 0x46;
	memcpy(frame.octet + frame.l4_off + 4, bgp, sizeof(bgp));
	memset(frame.octet + frame.l4_off, 1, 4);
	cr_expect_eq(classify(&frame), VLY_EXCEPTION_ROUTING);
	test_put16(frame.octet + frame.l3_off + 6, 3);
	cr_expect_eq(classify(&frame), VLY_EXCEPTION_OTHER);
	frame.octet[frame.l3_off] = 0x41; /* shorter than a header is */
	test_put16(frame.octet + frame.l3_off + 6, 0);
	cr_expect_eq(classify(&frame), VLY_EXCEPTION_OTHER);
}

/* Each cut in a block of its own, whose end the sanitizer watches. */
Test(exception_class, reads_nothing_behind_the_end)
{
	static const uint8_t bgp[] = {0x80, 0, 0, 179};

	for (int version = 4; version <= 6; version += 2)
		for (int tag_cnt = 0; tag_cnt <= 2; tag_cnt++) {
			struct test_frame frame = make(version, tag_cnt, 6, bgp);
			for (unsigned bytes = 1; bytes <= frame.len; bytes++) {
				uint8_t *cut = malloc(bytes);
				cr_assert_not_null(cut);
				memcpy(cut, frame.octet, bytes);
				enum vly_exception_class wanted = bytes < frame.l4_off + 4u
									  ? VLY_EXCEPTION_OTHER
									  : VLY_EXCEPTION_ROUTING;
				cr_expect_eq(vly_exception_classify(cut, bytes), wanted);
				free(cut);
			}
		}
}
