/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>

#include <volley/checksum.h>

#include "message.h"
#include "random.h"

Test(checksum, is_the_naive_sum_at_every_length_and_alignment)
{
	struct vly_test_random random = {2};
	uint8_t block[600];

	for (unsigned round = 0; round < 20; round++) {
		vly_test_random_fill(&random, block, sizeof(block));
		for (unsigned from = 0; from < 8; from++)
			for (unsigned bytes = 0; bytes < 580; bytes++)
				cr_assert_eq(vly_sum_fold(vly_sum_octets(block + from, bytes)),
					     vly_test_naive_sum(block + from, bytes),
					     "%u octets from %u", bytes, from);
	}
}

Test(checksum, reads_nothing_behind_the_end)
{
	struct vly_test_random random = {3};

	for (unsigned bytes = 1; bytes < 70; bytes++) {
		uint8_t *block = malloc(bytes);
		vly_test_random_fill(&random, block, bytes);
		cr_expect_eq(vly_sum_fold(vly_sum_octets(block, bytes)),
			     vly_test_naive_sum(block, bytes));
		free(block);
	}
}

/* The sum of a message is that of its parts, those at odd offsets moved. */
Test(checksum, adds_up_over_any_cut)
{
	struct vly_test_random random = {4};
	uint8_t block[301];

	vly_test_random_fill(&random, block, sizeof(block));
	uint16_t expected = vly_test_naive_sum(block, sizeof(block));
	for (unsigned cut = 0; cut <= sizeof(block); cut++) {
		uint64_t part = vly_sum_octets(block + cut, sizeof(block) - cut);
		uint64_t sum = vly_sum_octets(block, cut) + vly_sum_at(part, cut);
		cr_expect_eq(vly_sum_fold(sum), expected, "cut at %u", cut);
	}
}

Test(checksum, folds_any_64_bits)
{
	static const uint64_t sums[] = {
		0,          1,          0xffff,      0x10000,        0xfffffffe,
		0xffffffff, UINT64_MAX, 0x1fffe0001, 0xffff0000ffff, 0xffffffff00000000,
	};

	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		unsigned expected = (unsigned)(sums[i] % 0xffff);
		if (expected == 0 && sums[i] != 0)
			expected = 0xffff; /* the one's complement's other zero */
		cr_expect_eq(vly_sum_fold(sums[i]), expected, "%llx", (unsigned long long)sums[i]);
	}
}

Test(checksum, does_not_overflow_over_the_largest_message)
{
	static uint8_t block[65535];

	memset(block, 0xff, sizeof(block));
	cr_expect_eq(vly_sum_fold(vly_sum_octets(block, sizeof(block))),
		     vly_test_naive_sum(block, sizeof(block)));
}
