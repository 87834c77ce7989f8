/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "change/change.h"
#include "random.h"

static const uint8_t apex[] = "\001z";
static const uint8_t soa_data[] = "\001n\0\001m\0\0\0\0\007\0\0\0\002\0\0\0\003\0\0\0\004\0\0\0<";
static const uint8_t a1[] = {192, 0, 2, 1}, a2[] = {192, 0, 2, 2};

static struct vly_change_record
soa(void)
{
	return (struct vly_change_record){.owner = apex,
					  .data = soa_data,
					  .ttl = 300,
					  .type = VLY_TYPE_SOA,
					  .data_len = sizeof(soa_data) - 1,
					  .owner_len = 3};
}

static void
put(struct vly_change *change, bool is_added, const char *owner, unsigned type, uint32_t ttl,
    const void *data, unsigned data_len)
{
	size_t avail = strlen(owner) + 1;

	cr_assert_eq((is_added ? vly_change_add : vly_change_remove)(change, (const uint8_t *)owner,
								     avail, (uint16_t)type, ttl,
								     data, data_len),
		     0);
}

static void
expect_equal(const struct vly_change_list *left, const struct vly_change_list *right)
{
	cr_assert_eq(left->cnt, right->cnt);
	for (size_t i = 0; i < left->cnt; i++) {
		cr_expect_eq(vly_change_record_order(&left->record[i], &right->record[i]), 0);
		cr_expect_eq(left->record[i].ttl, right->record[i].ttl);
		cr_expect_arr_eq(left->record[i].data, right->record[i].data,
				 left->record[i].data_len);
	}
}

Test(change, normal_form_is_sorted_and_without_what_cancels_out)
{
	struct vly_change change;

	vly_change_init(&change);
	put(&change, true, "\001B\001z", VLY_TYPE_A, 300, a2, 4);
	put(&change, true, "\001b\001z", VLY_TYPE_A, 300, a1, 4);
	put(&change, true, "\001b\001Z", VLY_TYPE_A, 300, a1, 4); /* twice */
	put(&change, true, "\001a\001z", VLY_TYPE_TXT, 300, "\001x", 2);
	put(&change, false, "\001a\001z", VLY_TYPE_TXT, 300, "\001x", 2); /* cancels out */
	put(&change, false, "\001a\001z", VLY_TYPE_MX, 300, "\0\0\001H", 5);
	put(&change, true, "\001a\001z", VLY_TYPE_MX, 300, "\0\0\001h", 5); /* another spelling */
	put(&change, false, "\001a\001z", VLY_TYPE_A, 60, a1, 4);
	put(&change, true, "\001a\001z", VLY_TYPE_A, 61, a1, 4); /* another TTL */
	vly_change_normalise(&change);
	cr_assert_eq(change.removed.cnt, 2);
	cr_expect_eq(change.removed.record[0].type, VLY_TYPE_A);
	cr_expect_eq(change.removed.record[1].type, VLY_TYPE_MX);
	cr_assert_eq(change.added.cnt, 4);
	cr_expect_eq(change.added.record[0].ttl, 61);
	cr_expect_eq(change.added.record[1].type, VLY_TYPE_MX);
	cr_expect_arr_eq(change.added.record[2].data, a1, 4);
	cr_expect_arr_eq(change.added.record[3].data, a2, 4);
	cr_expect_arr_eq(change.added.record[3].owner, "\001b\001z", 5);
	vly_change_free(&change);
}

Test(change, can_be_empty)
{
	struct vly_change change, read;
	uint8_t octets[17];

	vly_change_init(&change);
	vly_change_normalise(&change);
	cr_expect(vly_change_is_empty(&change));
	cr_assert_eq(vly_change_encoded_bytes(&change), sizeof(octets));
	vly_change_encode(&change, octets);
	vly_change_init(&read);
	cr_expect_eq(vly_change_decode(&read, octets, sizeof(octets)), 0);
	cr_expect(vly_change_is_empty(&read));
	vly_change_free(&read);
	vly_change_free(&change);
}

Test(change, refuses_what_is_no_record)
{
	static const struct {
		const char *owner;
		size_t owner_len;
		unsigned type, data_len;
	} cases[] = {
		{"\001a", 2, VLY_TYPE_TXT, 1},
		{"\100a\0", 3, VLY_TYPE_TXT, 1},
		{"", 0, VLY_TYPE_TXT, 1},
		{"", 1, VLY_TYPE_A, 3},
		{"", 1, VLY_TYPE_AAAA, 15},
		{"", 1, VLY_TYPE_NS, 0},
		{"", 1, VLY_TYPE_ANY, 0},
		{"", 1, VLY_TYPE_OPT, 0},
		{"", 1, 0, 0},
		{"", 1, VLY_TYPE_SOA, 22},
	};
	static const uint8_t data[32] = {1, 'a', 0};
	struct vly_change change = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		errno = 0;
		cr_expect_eq(vly_change_add(&change, (const uint8_t *)cases[i].owner,
					    cases[i].owner_len, (uint16_t)cases[i].type, 0, data,
					    cases[i].data_len),
			     -1, "case %zu", i);
		cr_expect_eq(errno, EINVAL);
	}
	cr_expect_eq(vly_change_add(&change, (const uint8_t *)"", 1, VLY_TYPE_TXT, 0, data, 65536),
		     -1);
	cr_expect(vly_change_is_empty(&change));
	vly_change_free(&change);
}

Test(change, soa_gets_another_serial)
{
	const struct vly_change_record old = soa();
	struct vly_change change = {0};

	cr_assert_eq(vly_change_set_soa(&change, &old, 0x01020304), 0);
	cr_expect_eq(change.from, 7);
	cr_expect_eq(change.to, 0x01020304);
	cr_expect_eq(vly_change_soa_serial(vly_change_list_soa(&change.removed)), 7);
	cr_expect_eq(vly_change_soa_serial(vly_change_list_soa(&change.added)), 0x01020304);
	vly_change_invert(&change);
	cr_expect_eq(change.to, 7);
	cr_expect_eq(vly_change_soa_serial(vly_change_list_soa(&change.added)), 7);
	vly_change_free(&change);
}

static void
fill(struct vly_change *change, struct vly_test_random *rng)
{
	const struct vly_change_record old = soa();
	uint8_t data[300];
	char owner[12];

	cr_assert_eq(vly_change_set_soa(change, &old, 8), 0);
	for (unsigned i = vly_test_random_below(rng, 30); i > 0; i--) {
		unsigned len = vly_test_random_below(rng, sizeof(data));
		vly_test_random_fill(rng, data, len);
		snprintf(owner, sizeof(owner), "%c%.*s\001z", 1 + len % 3, 1 + (int)len % 3, "abc");
		put(change, vly_test_random_chance(rng, 50), owner, VLY_TYPE_TXT, len, data, len);
	}
}

Test(change, is_read_as_it_was_written)
{
	struct vly_test_random rng = {1};

	for (unsigned round = 0; round < 500; round++) {
		struct vly_change change = {0}, read = {0};
		struct vly_change_head head;
		fill(&change, &rng);
		vly_change_normalise(&change);
		size_t bytes = vly_change_encoded_bytes(&change);
		uint8_t *octets = malloc(bytes);
		vly_change_encode(&change, octets);
		cr_assert(vly_change_read_head(&head, octets, bytes));
		cr_expect_eq(head.from, 7);
		cr_expect_eq(head.to, 8);
		cr_expect_eq(head.added_cnt, change.added.cnt);
		cr_assert_eq(vly_change_decode(&read, octets, bytes), 0);
		expect_equal(&change.removed, &read.removed);
		expect_equal(&change.added, &read.added);
		vly_change_free(&read);
		/* cut anywhere, it is not whole */
		size_t cut = vly_test_random_below(&rng, (unsigned)bytes);
		cr_expect_eq(vly_change_decode(&read, octets, cut), -1);
		vly_change_free(&read);
		vly_change_free(&change);
		free(octets);
	}
}
