/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "alias/alias_set.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(alias_set, is_what_a_list_without_order_and_duplicates_is)
{
	srand(1);
	for (unsigned round = 0; round < 2000; round++) {
		const unsigned octets = round % 2 ? 16 : 4;
		const unsigned cnt = (unsigned)rand() % 40;
		uint8_t list[40][16] = {{0}};
		struct vly_alias_set forth = {0}, back = {0};
		for (unsigned i = 0; i < cnt; i++)
			list[i][(unsigned)rand() % octets] = (uint8_t)(rand() % 4);
		for (unsigned i = 0; i < cnt; i++) {
			cr_assert(vly_alias_set_add(&forth, list[i], octets));
			cr_assert(vly_alias_set_add(&back, list[cnt - 1 - i], octets));
		}
		cr_assert(vly_alias_set_equals(&forth, &back));
		unsigned different = 0;
		for (unsigned i = 0; i < cnt; i++) {
			unsigned j = 0;
			while (memcmp(list[i], list[j], octets) != 0)
				j++;
			different += j == i;
			cr_assert(vly_alias_set_has(&forth, list[i]));
		}
		cr_assert_eq(forth.cnt, different);
		const uint8_t other[16] = {9, 9, 9, 9};
		cr_assert_not(vly_alias_set_has(&forth, other));
		cr_assert(vly_alias_set_add(&back, other, octets));
		cr_assert_not(vly_alias_set_equals(&forth, &back));
	}
}

Test(alias_set, sets_of_two_families_differ)
{
	const uint8_t address[16] = {1, 2, 3, 4};
	struct vly_alias_set four = {0}, sixteen = {0};

	cr_assert(vly_alias_set_add(&four, address, 4));
	cr_assert(vly_alias_set_add(&sixteen, address, 16));
	cr_assert_not(vly_alias_set_equals(&four, &sixteen));
}

Test(alias_set, takes_no_more_than_its_room_and_no_other_length)
{
	struct vly_alias_set set = {0};
	uint8_t address[16] = {0};

	cr_assert_not(vly_alias_set_add(&set, address, 5));
	cr_assert_not(vly_alias_set_add(&set, address, 0));
	for (unsigned i = 0; i < VLY_ALIAS_ADDRESSES_MAX; i++) {
		address[0] = (uint8_t)i;
		cr_assert(vly_alias_set_add(&set, address, 4));
	}
	cr_assert(vly_alias_set_add(&set, address, 4), "it is there");
	cr_assert_not(vly_alias_set_add(&set, address, 16), "another family");
	address[0] = 255;
	cr_assert_not(vly_alias_set_add(&set, address, 4));
	cr_assert_eq(set.cnt, VLY_ALIAS_ADDRESSES_MAX);
}
