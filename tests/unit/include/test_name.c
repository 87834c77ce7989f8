/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include <criterion/criterion.h>

#include <volley/name.h>

#include "message.h"
#include "random.h"

static const struct vly_hash_key key = {{UINT64_C(0x2545f4914f6cdd1d), UINT64_C(0x9e6c63d0876a9a47),
					 UINT64_C(0xd1342543de82ef95),
					 UINT64_C(0xaf251af3b0f025b5)}};

/* A scan from a block with exactly the slack that the contract asks for. */
static unsigned
scan(struct vly_name *name, const uint8_t *wire, size_t avail)
{
	uint8_t *block = malloc(avail + VLY_NAME_SLACK_BYTES);

	memcpy(block, wire, avail);
	memset(block + avail, 0, VLY_NAME_SLACK_BYTES); /* zeroes would end any name */
	unsigned len = vly_name_scan(name, block, avail);
	free(block);
	return len;
}

static void
scan_text(struct vly_name *name, const char *text)
{
	uint8_t wire[VLY_NAME_BYTES_MAX];
	unsigned len = vly_test_name_wire(wire, text);

	cr_assert_neq(len, 0, "%s is no name", text);
	cr_assert_eq(scan(name, wire, len), len, "%s", text);
	vly_name_hash(name, &key);
}

/* `cnt` labels of `label_len` octets, then one of `rest` octets (0: none), then the root. */
static unsigned
make_name(uint8_t *wire, unsigned cnt, unsigned label_len, unsigned rest)
{
	uint8_t *at = wire;

	for (; cnt > 0; cnt--) {
		*at++ = (uint8_t)label_len;
		memset(at, 'x', label_len);
		at += label_len;
	}
	if (rest > 0) {
		*at++ = (uint8_t)rest;
		memset(at, 'y', rest);
		at += rest;
	}
	*at++ = 0;
	return (unsigned)(at - wire);
}

Test(name_scan, tells_length_and_label_starts)
{
	struct vly_name name;

	scan_text(&name, "www.Example.");
	cr_expect_eq(name.len, 13);
	cr_expect_eq(name.label_cnt, 2);
	cr_expect_eq(name.start[0], 0);
	cr_expect_eq(name.start[1], 4);
	cr_expect_eq(name.start[2], 12);
	cr_expect_eq(vly_name_suffix_len(&name, 0), 13);
	cr_expect_eq(vly_name_suffix_len(&name, 1), 9);
	cr_expect_eq(vly_name_suffix_len(&name, 2), 1);
	cr_expect_eq(memcmp(name.lower, "\3www\7example", 13), 0);
}

Test(name_scan, takes_the_root)
{
	struct vly_name name;

	cr_expect_eq(scan(&name, (const uint8_t *)"", 1), 1);
	cr_expect_eq(name.label_cnt, 0);
	cr_expect_eq(name.len, 1);
}

Test(name_scan, refuses_every_truncation)
{
	static const uint8_t wire[] = "\3www\7example\2de";
	struct vly_name name;

	for (size_t avail = 0; avail < sizeof(wire); avail++)
		cr_expect_eq(scan(&name, wire, avail), 0, "%zu octets", avail);
	cr_expect_eq(scan(&name, wire, sizeof(wire)), sizeof(wire));
}

Test(name_scan, holds_the_limits)
{
	static const struct {
		unsigned cnt, label_len, rest;
		unsigned expected; /* 0: refused */
	} cases[] = {
		{127, 1, 0, 255}, {126, 1, 2, 0}, {128, 1, 0, 0},   {3, 63, 61, 255},
		{3, 63, 62, 0},   {0, 0, 63, 65}, {1, 63, 63, 129}, {4, 63, 0, 0},
		{0, 0, 64, 0},    {1, 1, 64, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t wire[400];
		struct vly_name name;
		unsigned len = make_name(wire, cases[i].cnt, cases[i].label_len, cases[i].rest);
		cr_expect_eq(scan(&name, wire, len), cases[i].expected, "case %zu", i);
	}
}

Test(name_scan, does_not_read_on_when_a_long_name_has_more_room)
{
	uint8_t wire[400];
	struct vly_name name;
	unsigned len = make_name(wire, 127, 1, 0);

	cr_expect_eq(scan(&name, wire, len + 50), 255);
	cr_expect_eq(name.label_cnt, 127);
	cr_expect_eq(name.start[127], 254);
}

Test(name_scan, refuses_all_other_label_types)
{
	struct vly_name name;
	uint8_t wire[100] = {1, 'a'};

	for (unsigned type = 64; type < 256; type++) {
		wire[2] = (uint8_t)type;
		cr_expect_eq(scan(&name, wire, sizeof(wire)), 0, "label type %02x", type);
	}
}

Test(name_scan, lowers_ascii_letters_and_nothing_else)
{
	for (unsigned c = 0; c < 256; c++) {
		struct vly_name name;
		const uint8_t wire[3] = {1, (uint8_t)c, 0};
		unsigned expected = c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;

		cr_assert_eq(scan(&name, wire, 3), 3);
		cr_expect_eq(name.lower[1], expected, "octet %02x", c);
		cr_expect_eq(name.lower[0], 1);
	}
}

Test(name_hash, of_a_suffix_is_that_of_the_name_alone)
{
	struct vly_test_random random = {1};

	for (unsigned round = 0; round < 2000; round++) {
		struct vly_name whole, part;
		uint8_t wire[VLY_NAME_BYTES_MAX];
		unsigned len = 0;

		while (len < 190 && (len == 0 || vly_test_random_chance(&random, 70))) {
			wire[len] = (uint8_t)(1 + vly_test_random_below(&random, 63));
			vly_test_random_fill(&random, wire + len + 1, wire[len]);
			len += wire[len] + 1u;
		}
		wire[len++] = 0;
		cr_assert_eq(scan(&whole, wire, len), len);
		vly_name_hash(&whole, &key);
		for (unsigned i = 0; i <= whole.label_cnt; i++) {
			unsigned at = whole.start[i];
			cr_assert_eq(scan(&part, wire + at, len - at), len - at);
			vly_name_hash(&part, &key);
			cr_assert_eq(part.hash[0], whole.hash[i], "round %u, label %u", round, i);
		}
	}
}

Test(name_hash, sees_no_case)
{
	struct vly_name lower, mixed;

	scan_text(&lower, "www.some-longer-label.example.");
	scan_text(&mixed, "wWw.SOME-longer-LaBeL.eXample.");
	cr_expect_eq(lower.hash[0], mixed.hash[0]);
}

Test(name_hash, depends_on_each_used_key_word)
{
	struct vly_name name;

	scan_text(&name, "a-label-of-more-than-sixteen-octets.example.");
	uint64_t before = name.hash[0];
	for (unsigned word = 0; word < 3; word++) {
		struct vly_hash_key other = key;
		other.word[word] ^= 1;
		vly_name_hash(&name, &other);
		cr_expect_neq(name.hash[0], before, "key word %u", word);
	}
}

/* Length octets are hashed too: moving a label's border makes another name. */
Test(name_hash, tells_label_borders_apart)
{
	struct vly_name one, two;

	scan_text(&one, "ab.c.");
	scan_text(&two, "a.bc.");
	cr_expect_neq(one.hash[0], two.hash[0]);
}

/* Numbered names, the worst friends of weak hashes: buckets fill as evenly as by chance. Both
 * halves are used: the upper picks the bucket, the lower is the tag. */
Test(name_hash, spreads_names_over_both_halves)
{
	enum { NAMES = 65536, BINS = 256 };
	static unsigned upper[BINS], lower[BINS];

	for (unsigned i = 0; i < NAMES; i++) {
		struct vly_name name;
		char text[40];
		snprintf(text, sizeof(text), "host-%u.example.", i);
		scan_text(&name, text);
		upper[name.hash[0] >> 56]++;
		lower[name.hash[0] & 255]++;
	}
	for (unsigned i = 0; i < BINS; i++) { /* 256 expected, standard deviation 16 */
		cr_expect(upper[i] > 160 && upper[i] < 352, "upper bin %u has %u", i, upper[i]);
		cr_expect(lower[i] > 160 && lower[i] < 352, "lower bin %u has %u", i, lower[i]);
	}
}
