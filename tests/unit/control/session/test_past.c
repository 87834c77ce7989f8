/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "session/past.h"

static void
add(struct vly_past *past, uint64_t bytes)
{
	char zone[32];

	snprintf(zone, sizeof(zone), "z%llu.test.", (unsigned long long)bytes);
	vly_past_add(past,
		     &(struct vly_past_transfer){
			     .zone = zone, .peer = "192.0.2.1@53", .why = "", .bytes = bytes});
}

Test(past, the_last_ones_are_there_the_newest_first)
{
	struct vly_past past = {0};

	cr_expect_null(vly_past_at(&past, 0));
	for (uint64_t i = 0; i < 3 * VLY_PAST_MAX + 7; i++) {
		add(&past, i);
		for (uint64_t age = 0; age < VLY_PAST_MAX && age <= i; age++)
			cr_assert_eq(vly_past_at(&past, age)->bytes, i - age);
		if (i < VLY_PAST_MAX)
			cr_assert_null(vly_past_at(&past, i + 1));
	}
	cr_expect_str_eq(vly_past_at(&past, 0)->zone, "z606.test.");
	cr_expect_gt(vly_past_at(&past, 0)->time_ms, UINT64_C(1700000000000));
	cr_expect_null(vly_past_at(&past, VLY_PAST_MAX));
	vly_past_free(&past);
	cr_expect_null(vly_past_at(&past, 0));
}

Test(past, long_texts_are_cut)
{
	struct vly_past past = {0};
	char text[1000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	vly_past_add(&past, &(struct vly_past_transfer){.zone = "z.", .peer = text, .why = text});
	cr_expect_eq(strlen(vly_past_at(&past, 0)->peer), VLY_PAST_PEER_BYTES - 1);
	cr_expect_eq(strlen(vly_past_at(&past, 0)->why), VLY_PAST_WHY_BYTES - 1);
	vly_past_free(&past);
}
