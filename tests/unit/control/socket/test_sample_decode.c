/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <volley/defence.h>

#include "socket/sample_decode.h"

static const uint8_t ethernet4[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
static const uint8_t ipv4[20] = {0x45, 0, 0,   53, 0, 1, 0,  0,  64, 17,
				 0,    0, 192, 0,  2, 7, 10, 53, 0,  1};
static const uint8_t udp[8] = {0x10, 0x92, 0, 53, 0, 33, 0, 0};
static const uint8_t header[12] = {1, 2, 1, 0, 0, 1};
static const uint8_t question[] = "\3wWw\4test\0\0\x1c\0\1";

static struct vly_sample sample;
static struct vly_sample_view view;
static char source[VLY_SAMPLE_SOURCE_BYTES];

static void
add(const void *bytes, size_t len)
{
	cr_assert_leq(sample.kept_len + len, VLY_SAMPLE_FRAME_BYTES);
	memcpy(sample.frame + sample.kept_len, bytes, len);
	sample.kept_len = (uint16_t)(sample.kept_len + len);
	sample.frame_len = sample.kept_len;
}

static void
set_up(void)
{
	memset(&sample, 0, sizeof(sample));
	sample.cause = VLY_VERDICT_denied;
	add(ethernet4, sizeof(ethernet4));
	add(ipv4, sizeof(ipv4));
	add(udp, sizeof(udp));
	add(header, sizeof(header));
	add(question, sizeof(question) - 1);
}

TestSuite(sample_decode, .init = set_up);

Test(sample_decode, a_query)
{
	vly_sample_decode(&sample, &view);
	cr_expect_str_eq(view.reason, "denied");
	cr_expect(view.is_drop && !view.is_served);
	cr_expect_eq(view.ip_version, 4);
	cr_expect_str_eq(vly_sample_source(&view, source), "192.0.2.7");
	cr_expect(view.has_port && view.has_question);
	cr_expect_eq(view.source_port, 4242);
	cr_expect_str_eq(view.name, "wWw.test.");
	cr_expect_str_eq(view.type, "AAAA");
}

Test(sample_decode, causes)
{
	static const struct {
		uint16_t cause;
		const char *reason;
		bool served;
		bool drop;
	} causes[] = {
		{VLY_VERDICT_pass, "pass", false, false},
		{VLY_VERDICT_serve, "serve", true, false},
		{VLY_VERDICT_source_rate, "source_rate", false, true},
		{VLY_SAMPLE_LIMITED + VLY_RESPONSE_nxdomain, "limited_nxdomain", false, true},
		{VLY_SAMPLE_LIMITED + VLY_RESPONSE_KIND_CNT, "unknown", false, true},
		{UINT16_MAX, "unknown", false, true},
	};

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		sample.cause = causes[i].cause;
		vly_sample_decode(&sample, &view);
		cr_expect_str_eq(view.reason, causes[i].reason);
		cr_expect_eq(view.is_served, causes[i].served);
		cr_expect_eq(view.is_drop, causes[i].drop);
	}
}

/* What is cut off is left out, though the octets behind the end are those of a whole frame. */
Test(sample_decode, cut_off_anywhere)
{
	uint16_t whole = sample.kept_len;

	for (uint16_t len = 0; len <= whole; len++) {
		set_up();
		sample.kept_len = len;
		vly_sample_decode(&sample, &view);
		cr_expect_eq(view.ip_version, len >= 34 ? 4 : 0, "%u", len);
		cr_expect_eq(view.has_port, len >= 42, "%u", len);
		cr_expect_eq(view.has_question, len == whole, "%u", len);
		cr_expect_eq(view.name[0] != '\0', len == whole, "%u", len);
	}
}

Test(sample_decode, hostile_names)
{
	static const uint8_t hostile[] = "\x0a\x1b[2J.\\\"\x7f\xff \0\0\x63\0\1";

	sample.kept_len = 54;
	add(hostile, sizeof(hostile) - 1);
	vly_sample_decode(&sample, &view);
	cr_expect_str_eq(view.name, "\\027[2J\\.\\\\\\\"\\127\\255\\032.");
	cr_expect_str_eq(view.type, "SPF");
}

Test(sample_decode, longest_name)
{
	uint8_t label[64];

	memset(label, 0xff, sizeof(label));
	label[0] = 63;
	sample.kept_len = 54;
	add(label, 64);
	add(label, 64);
	label[0] = 16;
	add(label, 17);
	add("\0\0\1\0\1", 5);
	vly_sample_decode(&sample, &view);
	cr_expect(view.has_question);
	cr_expect_eq(strlen(view.name), (63 + 63 + 16) * 4 + 3);
}

Test(sample_decode, what_is_no_question)
{
	static const struct {
		const char *wire;
		size_t len;
	} bad[] = {
		{"\xc0\x0c\0\1\0\1", 6},
		{"\x40zz\0\0\1\0\1", 8},
		{"\3www", 4},
		{"\0\0\1", 3},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		sample.kept_len = 54;
		add(bad[i].wire, bad[i].len);
		vly_sample_decode(&sample, &view);
		cr_expect_not(view.has_question, "%zu", i);
		cr_expect(view.has_port);
	}
	set_up();
	sample.frame[14 + 20 + 8 + 5] = 0; /* QDCOUNT */
	vly_sample_decode(&sample, &view);
	cr_expect_not(view.has_question);
	set_up();
	sample.frame[14 + 7] = 5; /* not the first fragment: no ports in there */
	vly_sample_decode(&sample, &view);
	cr_expect(view.ip_version == 4 && !view.has_port);
}

Test(sample_decode, the_root_and_types_without_a_name)
{
	sample.kept_len = 54;
	add("\0\xff\0\0\1", 5);
	vly_sample_decode(&sample, &view);
	cr_expect_str_eq(view.name, ".");
	cr_expect_str_eq(view.type, "TYPE65280");
}

Test(sample_decode, tags_and_ipv6)
{
	static const uint8_t tags[] = {0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 0x86, 0xdd};
	uint8_t ipv6[40] = {0x60, 0, 0, 0, 0, 33, 17, 64, 0x20, 1, 0xd, 0xb8};

	ipv6[23] = 9;
	sample.kept_len = 12;
	add(tags, sizeof(tags));
	add(ipv6, sizeof(ipv6));
	add(udp, sizeof(udp));
	add(header, sizeof(header));
	add(question, sizeof(question) - 1);
	vly_sample_decode(&sample, &view);
	cr_expect_eq(view.ip_version, 6);
	cr_expect_str_eq(vly_sample_source(&view, source), "2001:db8::9");
	cr_expect_str_eq(view.name, "wWw.test.");
}

Test(sample_decode, a_length_that_lies)
{
	sample.kept_len = UINT16_MAX;
	vly_sample_decode(&sample, &view);
	cr_expect_str_eq(view.name, "wWw.test.");
}

/* As the writer does it: the number of a sample, from 1, is its seq. */
static void
write_sample(struct vly_sample_ring *ring)
{
	struct vly_sample *to = &ring->sample[ring->written % VLY_SAMPLE_RING_CNT];

	to->weight = (uint32_t)ring->written;
	to->seq = ++ring->written;
}

Test(sample_decode, rings)
{
	struct vly_sample_ring *ring = aligned_alloc(64, sizeof(*ring));
	struct vly_sample out;
	uint64_t first;

	memset(ring, 0, sizeof(*ring));
	cr_expect_eq(vly_sample_range(ring, &first), 0);
	cr_expect_not(vly_sample_copy(ring, 0, &out), "never written");
	for (int i = 0; i < 5; i++)
		write_sample(ring);
	cr_expect_eq(vly_sample_range(ring, &first), 5);
	cr_expect_eq(first, 0);
	cr_assert(vly_sample_copy(ring, 4, &out));
	cr_expect_eq(out.weight, 4);
	cr_expect_not(vly_sample_copy(ring, 5, &out), "not yet written");
	for (int i = 0; i < 3 * VLY_SAMPLE_RING_CNT; i++)
		write_sample(ring);
	uint64_t end = vly_sample_range(ring, &first);
	cr_expect_eq(end - first, VLY_SAMPLE_RING_CNT);
	for (uint64_t number = first; number < end; number++) {
		cr_assert(vly_sample_copy(ring, number, &out));
		cr_expect_eq(out.weight, number);
	}
	cr_expect_not(vly_sample_copy(ring, first - 1, &out), "overwritten");
	ring->sample[first % VLY_SAMPLE_RING_CNT].seq = 0;
	cr_expect_not(vly_sample_copy(ring, first, &out), "being written");
	free(ring);
}
