/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include <criterion/criterion.h>
#include <volley/image_sum.h>

#define BYTES (2 * VLY_IMAGE_SUM_BYTES + 777)

static uint8_t *
octets(void)
{
	uint8_t *image = malloc(BYTES);

	cr_assert_not_null(image);
	for (size_t i = 0; i < BYTES; i++)
		image[i] = (uint8_t)(i * i >> 7);
	return image;
}

Test(image_sum, is_that_of_all_octets_but_its_own)
{
	uint8_t *image = octets();
	uint64_t sum = vly_image_sum(image, BYTES);
	size_t begin = offsetof(struct vly_image_header, checksum);

	for (size_t at = 0; at < BYTES; at += at < 600 || at > BYTES - 600 ? 1 : 4099) {
		image[at] ^= 0x10;
		bool own = at >= begin && at < begin + sizeof(sum);
		cr_expect_eq(vly_image_sum(image, BYTES) == sum, own, "octet %zu", at);
		image[at] ^= 0x10;
	}
	cr_expect_neq(vly_image_sum(image, BYTES - 1), sum);
	free(image);
}

Test(image_sum, is_that_of_its_ranges)
{
	uint8_t *image = octets();
	uint64_t cnt = vly_image_sum_chunk_cnt(BYTES);

	cr_expect_eq(cnt, 3);
	for (uint64_t cut = 0; cut <= cnt; cut++)
		cr_expect_eq(vly_image_sum_range(image, BYTES, 0, cut) +
				     vly_image_sum_range(image, BYTES, cut, cnt),
			     vly_image_sum(image, BYTES));
	free(image);
}

/* The same octets in another chunk are another image. */
Test(image_sum, knows_the_order_of_chunks)
{
	uint8_t *image = octets();
	uint8_t *second = image + VLY_IMAGE_SUM_BYTES;

	memset(second, 1, VLY_IMAGE_SUM_BYTES);
	cr_expect_neq(vly_image_sum_chunk(second, 777, 1), vly_image_sum_chunk(second, 777, 2));
	uint64_t sum = vly_image_sum(image, 2 * VLY_IMAGE_SUM_BYTES + 777);
	uint8_t *moved = malloc(BYTES);
	memcpy(moved, image, VLY_IMAGE_SUM_BYTES);
	memcpy(moved + VLY_IMAGE_SUM_BYTES, second + VLY_IMAGE_SUM_BYTES, 777);
	memcpy(moved + VLY_IMAGE_SUM_BYTES + 777, second, VLY_IMAGE_SUM_BYTES);
	cr_expect_neq(vly_image_sum(moved, BYTES), sum);
	free(moved);
	free(image);
}
