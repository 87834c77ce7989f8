/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "secondary/lanes.h"

static void
push(struct vly_lanes *lanes, const char *server, struct vly_lane_entry *entry)
{
	cr_assert(vly_lanes_push(lanes, server, entry));
}

Test(lanes, one_server_has_its_share_and_the_others_have_their_turn)
{
	struct vly_lanes lanes = {.place_max = 4, .share_max = 2};
	struct vly_lane_entry slow[4] = {0};
	struct vly_lane_entry other[2] = {0};
	struct vly_lane_place place[4] = {0};

	for (unsigned i = 0; i < 4; i++)
		push(&lanes, "slow", &slow[i]);
	for (unsigned i = 0; i < 2; i++)
		push(&lanes, "other", &other[i]);
	cr_expect_eq(vly_lanes_pop(&lanes), &slow[0]);
	vly_lanes_hold(&lanes, "slow", &place[0]);
	cr_expect_eq(vly_lanes_pop(&lanes), &other[0]);
	vly_lanes_hold(&lanes, "other", &place[1]);
	cr_expect_eq(vly_lanes_pop(&lanes), &slow[1]);
	vly_lanes_hold(&lanes, "slow", &place[2]);
	cr_expect_not(vly_lanes_has_place(&lanes, "slow"));
	cr_expect(vly_lanes_has_place(&lanes, "other"));
	cr_expect(vly_lanes_has_place(&lanes, "unknown"));
	cr_expect_eq(vly_lanes_pop(&lanes), &other[1]);
	vly_lanes_hold(&lanes, "other", &place[3]);
	cr_expect_null(vly_lanes_pop(&lanes));
	vly_lanes_release(&lanes, &place[1]);
	cr_expect_null(vly_lanes_pop(&lanes), "the slow one has its share");
	vly_lanes_release(&lanes, &place[0]);
	cr_expect_eq(vly_lanes_pop(&lanes), &slow[2]);
	vly_lanes_remove(&lanes, &slow[3]);
	vly_lanes_remove(&lanes, &slow[3]);
	vly_lanes_release(&lanes, &place[2]);
	vly_lanes_release(&lanes, &place[3]);
	vly_lanes_release(&lanes, &place[3]);
	cr_expect_eq(lanes.place_cnt, 0);
	cr_expect_eq(lanes.waiting_cnt, 0);
	cr_expect_null(lanes.by_name, "no lane is left");
}

Test(lanes, places_that_are_new_are_used)
{
	struct vly_lanes lanes = {0};
	struct vly_lane_entry entry = {0};

	push(&lanes, "a", &entry);
	cr_expect_null(vly_lanes_pop(&lanes));
	lanes.place_max = lanes.share_max = 1;
	vly_lanes_settle(&lanes);
	cr_expect_eq(vly_lanes_pop(&lanes), &entry);
	cr_expect_null(lanes.by_name);
}

#define SERVERS 7
#define ENTRIES 200

static unsigned
held(const struct vly_lane_place *place, const unsigned *server, unsigned wanted)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < ENTRIES; i++)
		cnt += place[i].is_held && server[i] == wanted;
	return cnt;
}

/* Against counts that are made anew each time. */
Test(lanes, bounds_hold_whatever_happens)
{
	static struct vly_lane_entry entry[ENTRIES];
	static struct vly_lane_place place[ENTRIES];
	static unsigned server[ENTRIES];
	struct vly_lanes lanes = {.place_max = 10, .share_max = 4};
	unsigned seed = 1;
	char name[8];

	for (unsigned step = 0; step < 100000; step++) {
		const unsigned i = (unsigned)rand_r(&seed) % ENTRIES;
		if (place[i].is_held) {
			vly_lanes_release(&lanes, &place[i]);
		} else if (entry[i].lane) {
			vly_lanes_remove(&lanes, &entry[i]);
		} else {
			server[i] = (unsigned)rand_r(&seed) % SERVERS;
			snprintf(name, sizeof(name), "s%u", server[i]);
			push(&lanes, name, &entry[i]);
		}
		struct vly_lane_entry *next = step % 3 ? vly_lanes_pop(&lanes) : NULL;
		if (!next)
			continue;
		const unsigned at = (unsigned)(next - entry);
		snprintf(name, sizeof(name), "s%u", server[at]);
		cr_assert(vly_lanes_has_place(&lanes, name));
		vly_lanes_hold(&lanes, name, &place[at]);
		cr_assert_leq(held(place, server, server[at]), lanes.share_max);
		cr_assert_leq(lanes.place_cnt, lanes.place_max);
	}
	for (unsigned i = 0; i < ENTRIES; i++) {
		vly_lanes_release(&lanes, &place[i]);
		vly_lanes_remove(&lanes, &entry[i]);
	}
	cr_expect_null(lanes.by_name);
	cr_expect_eq(lanes.place_cnt + lanes.waiting_cnt, 0);
}
