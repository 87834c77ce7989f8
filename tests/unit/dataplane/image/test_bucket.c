/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>

#include "image/bucket.h"
#include "random.h"

#define SLOT_CNT 8

Test(bucket, slots_that_match_are_those_whose_tag_it_is)
{
	struct vly_test_random random = {11};
	struct vly_image_bucket bucket = {0};

	for (unsigned round = 0; round < 100000; round++) {
		/* few values, and such as differ in their sign or one half alone */
		static const uint32_t tag[] = {0, 1, 0x8000, 0x10000, 0x80000000, UINT32_MAX};
		uint32_t wanted = tag[vly_test_random_below(&random, 6)];
		unsigned expected = 0;
		for (unsigned i = 0; i < SLOT_CNT; i++) {
			bucket.tag[i] = tag[vly_test_random_below(&random, 6)];
			expected |= (unsigned)(bucket.tag[i] == wanted) << i;
		}
		cr_assert_eq(vly_bucket_match(&bucket, wanted), expected);
	}
}

Test(bucket, names_are_equal_when_all_octets_are)
{
	struct vly_test_random random = {12};
	uint8_t a[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES];
	uint8_t b[sizeof(a)];

	for (unsigned len = 1; len <= VLY_NAME_BYTES_MAX; len++) {
		vly_test_random_fill(&random, a, sizeof(a));
		vly_test_random_fill(&random, b, sizeof(b));
		memcpy(b, a, len); /* what lies behind them is not compared */
		cr_assert(vly_bucket_name_equal(a, b, len), "%u octets", len);
		for (unsigned at = 0; at < len; at++) {
			b[at] ^= (uint8_t)(1 << at % 8);
			cr_assert_not(vly_bucket_name_equal(a, b, len), "octet %u of %u", at, len);
			b[at] = a[at];
		}
	}
}
