/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "track.h"

static const struct vly_track_rules rules = {
	.rise = 2,
	.fall = 3,
	.hold_ms = 1000,
	.hold_max_ms = 8000,
};

static struct vly_track
begun(enum vly_health_status status)
{
	struct vly_track track;

	vly_track_begin(&track, &rules, 0, status, 0, 0);
	return track;
}

/* Results at the same time: '+' and '-'. Returns the number of the result that flips it, or 0. */
static unsigned
flips_at(struct vly_track *track, uint64_t now_ms, const char *results)
{
	for (unsigned i = 0; results[i]; i++)
		if (vly_track_result(track, &rules, now_ms, results[i] == '+'))
			return i + 1;
	return 0;
}

Test(track, falls_after_failures_in_a_row)
{
	struct vly_track track = begun(VLY_HEALTH_UP);

	cr_expect_eq(flips_at(&track, 0, "--+--+--"), 0);
	cr_expect_eq(flips_at(&track, 0, "-"), 1, "the row goes on");
	cr_expect_eq(track.status, VLY_HEALTH_DOWN);
	cr_expect_eq(flips_at(&track, 0, "-----"), 0);
}

Test(track, rises_after_successes_in_a_row)
{
	struct vly_track track = begun(VLY_HEALTH_DOWN);

	cr_expect_eq(flips_at(&track, 0, "+-+-+"), 0);
	cr_expect_eq(flips_at(&track, 0, "+"), 1);
	cr_expect_eq(track.status, VLY_HEALTH_UP);
}

Test(track, the_first_success_is_enough_for_a_check_that_is_not_known)
{
	struct vly_track up = begun(VLY_HEALTH_UNKNOWN), down = begun(VLY_HEALTH_UNKNOWN);

	cr_expect_eq(flips_at(&up, 0, "+"), 1);
	cr_expect_eq(flips_at(&down, 0, "---"), 3);
	cr_expect_eq(down.flaps, 0, "it has not fallen: it was never up");
}

/* Falls, and returns how long it is held down. */
static uint64_t
fall(struct vly_track *track, uint64_t now_ms)
{
	cr_assert_eq(flips_at(track, now_ms, "---"), 3);
	return vly_track_held_ms(track, now_ms);
}

Test(track, each_further_fall_is_held_twice_as_long_up_to_the_bound)
{
	static const uint64_t holds_ms[] = {0, 1000, 2000, 4000, 8000, 8000, 8000};
	struct vly_track track = begun(VLY_HEALTH_UP);
	uint64_t now_ms = 5;

	for (unsigned i = 0; i < sizeof(holds_ms) / sizeof(holds_ms[0]); i++) {
		cr_expect_eq(fall(&track, now_ms), holds_ms[i], "fall %u", i);
		if (holds_ms[i] > 0)
			cr_expect_eq(flips_at(&track, now_ms + holds_ms[i] - 1, "++++"), 0);
		now_ms += holds_ms[i];
		cr_expect_neq(flips_at(&track, now_ms, "++"), 0, "the hold has ended");
	}
	for (unsigned i = 0; i < 1000; i++) {
		cr_assert_eq(fall(&track, now_ms), 8000);
		now_ms += 8000;
		cr_assert_neq(flips_at(&track, now_ms, "++"), 0);
	}
	cr_expect_leq(track.flaps, VLY_TRACK_FLAPS_MAX);
}

Test(track, falls_are_forgotten)
{
	struct vly_track track = begun(VLY_HEALTH_UP);

	(void)fall(&track, 0);
	cr_expect_eq(flips_at(&track, 0, "++"), 2);
	cr_expect_eq(fall(&track, 7999), 1000, "it is not forgotten yet");
	cr_expect_neq(flips_at(&track, 8999, "++"), 0);
	cr_expect_eq(fall(&track, 7999 + 8000), 1000, "one is forgotten, and this is the second");
	cr_expect_neq(flips_at(&track, 17000, "++"), 0);
	cr_expect_eq(fall(&track, 17000 + 16000), 0, "all are forgotten");
}

Test(track, no_damping_without_a_hold)
{
	const struct vly_track_rules plain = {.rise = 1, .fall = 1};
	struct vly_track track;

	vly_track_begin(&track, &plain, 0, VLY_HEALTH_UP, 5, 0);
	for (unsigned i = 0; i < 10; i++) {
		cr_expect(vly_track_result(&track, &plain, i, false));
		cr_expect(vly_track_result(&track, &plain, i, true));
	}
}

Test(track, a_state_that_was_known_goes_on)
{
	struct vly_track track;

	vly_track_begin(&track, &rules, 50, VLY_HEALTH_UP, 0, 1000000);
	cr_expect_eq(flips_at(&track, 50, "--"), 0);
	cr_expect_eq(flips_at(&track, 50, "+++"), 0, "it was up all the time");
	vly_track_begin(&track, &rules, 50, VLY_HEALTH_DOWN, 3, 1500);
	cr_expect_eq(vly_track_held_ms(&track, 50), 500, "the rest of two seconds");
	vly_track_begin(&track, &rules, 50, VLY_HEALTH_DOWN, 3, 2500);
	cr_expect_eq(vly_track_held_ms(&track, 50), 0);
}

/* The status by its definition, from all results. */
static enum vly_health_status
naive_status(const bool *passed, unsigned cnt)
{
	enum vly_health_status status = VLY_HEALTH_UNKNOWN;

	for (unsigned end = 1; end <= cnt; end++) {
		unsigned row = 0;
		while (row < end && passed[end - 1 - row] == passed[end - 1])
			row++;
		if (passed[end - 1] && (status == VLY_HEALTH_UNKNOWN || row >= rules.rise))
			status = VLY_HEALTH_UP;
		if (!passed[end - 1] && row >= rules.fall)
			status = VLY_HEALTH_DOWN;
	}
	return status;
}

Test(track, random_results_as_the_definition_has_it)
{
	const struct vly_track_rules undamped = {.rise = 2, .fall = 3};
	bool passed[60];

	srand(1);
	for (unsigned run = 0; run < 300; run++) {
		struct vly_track track;
		vly_track_begin(&track, &undamped, 0, VLY_HEALTH_UNKNOWN, 0, 0);
		for (unsigned i = 0; i < 60; i++) {
			passed[i] = rand() % 5 > 1;
			const enum vly_health_status before = track.status;
			const bool flipped = vly_track_result(&track, &undamped, i, passed[i]);
			cr_assert_eq(track.status, naive_status(passed, i + 1));
			cr_assert_eq(flipped, before != track.status);
		}
	}
}

Test(track, jitter_shortens_an_interval_and_never_makes_it_longer)
{
	uint64_t least = UINT64_MAX, most = 0;

	cr_expect_eq(vly_track_next_ms(100, 5000, 0, 12345), 5100);
	for (uint64_t random = 0; random < 2000; random++) {
		const uint64_t next = vly_track_next_ms(100, 5000, 10, random * 7919);
		least = next < least ? next : least;
		most = next > most ? next : most;
	}
	cr_expect_eq(least, 100 + 4500);
	cr_expect_eq(most, 100 + 5000);
}
