/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>

#include "socket/top_count.h"

Test(top_count, the_largest_come_first)
{
	struct vly_top *top = NULL;

	vly_top_add(&top, "b", 10);
	vly_top_add(&top, "a", 5);
	vly_top_add(&top, "c", 30);
	vly_top_add(&top, "a", 5);
	vly_top_add(&top, "d", 1);
	json_t *json = vly_top_json(&top, "zone", 3, 2.0);
	cr_expect_null(top);
	cr_assert_eq(json_array_size(json), 3);
	static const char *const names[] = {"c", "a", "b"};
	static const double rates[] = {15, 5, 5};
	for (size_t i = 0; i < 3; i++) {
		json_t *line = json_array_get(json, i);
		cr_expect_str_eq(json_string_value(json_object_get(line, "zone")), names[i]);
		cr_expect_eq(json_real_value(json_object_get(line, "per_s")), rates[i]);
	}
	json_decref(json);
}

Test(top_count, many_and_none)
{
	struct vly_top *top = NULL;
	char name[32];

	json_t *json = vly_top_json(&top, "zone", 3, 1.0);
	cr_expect_eq(json_array_size(json), 0);
	json_decref(json);
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "%u", i % 5000);
		vly_top_add(&top, name, i % 5000);
	}
	json = vly_top_json(&top, "zone", 1, 1.0);
	cr_expect_str_eq(json_string_value(json_object_get(json_array_get(json, 0), "zone")),
			 "4999");
	json_decref(json);
	vly_top_add(&top, "x", 1);
	vly_top_free(&top);
	cr_expect_null(top);
}
