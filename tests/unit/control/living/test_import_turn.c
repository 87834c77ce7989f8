/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>

#include "living/import_turn.h"
#include "living/living_parts.h"

#define CNT 20

static struct vly_living living;
static struct vly_import_turn turn[CNT];
static unsigned order[CNT + 1];
static unsigned begun;

static void
on_ready(struct vly_import_turn *ready)
{
	cr_assert_lt(begun, CNT + 1);
	order[begun++] = (unsigned)(ready - turn);
}

static void
wait_all(void)
{
	for (unsigned i = 0; i < CNT; i++) {
		turn[i].ready = on_ready;
		vly_import_turn_wait(&living, &turn[i]);
	}
}

Test(import_turn, one_at_a_time_in_their_order)
{
	wait_all();
	for (unsigned i = 0; i < CNT; i++) {
		cr_expect_eq(begun, i + 1);
		cr_expect_eq(order[i], i);
		cr_expect_not(vly_import_turn_is_waiting(&turn[i]));
		vly_import_turn_end(&living, &turn[i]);
		vly_import_turn_end(&living, &turn[i]); /* it has none */
	}
	cr_expect_eq(begun, CNT);
	cr_expect_null(living.import);
	cr_expect_null(living.imports);
	vly_import_turn_wait(&living, &turn[3]);
	cr_expect_eq(begun, CNT + 1, "a turn may be had again");
}

Test(import_turn, who_leaves_the_queue_gets_none)
{
	wait_all();
	for (unsigned i = 1; i < CNT - 1; i++) {
		cr_expect(vly_import_turn_is_waiting(&turn[i]));
		vly_import_turn_end(&living, &turn[i]);
		cr_expect_not(vly_import_turn_is_waiting(&turn[i]));
	}
	cr_expect_eq(begun, 1);
	vly_import_turn_end(&living, &turn[0]);
	cr_expect_eq(begun, 2);
	cr_expect_eq(order[1], CNT - 1);
}
