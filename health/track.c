/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "track.h"

static uint64_t
hold_of(const struct vly_track_rules *rules, uint32_t flaps)
{
	uint64_t hold_ms = rules->hold_ms;

	if (flaps < 2)
		return 0;
	for (uint32_t i = 2; i < flaps && hold_ms < rules->hold_max_ms; i++)
		hold_ms *= 2; /* below 2^28 before, by its bound */
	return hold_ms < rules->hold_max_ms ? hold_ms : rules->hold_max_ms;
}

static void
forget(struct vly_track *track, const struct vly_track_rules *rules, uint64_t now_ms)
{
	if (rules->hold_max_ms == 0)
		return;
	uint64_t periods = (now_ms - track->calm_ms) / rules->hold_max_ms;
	if (periods >= track->flaps) {
		track->flaps = 0;
		track->calm_ms = now_ms;
	} else {
		track->flaps -= (uint32_t)periods;
		track->calm_ms += periods * rules->hold_max_ms;
	}
}

void
vly_track_begin(struct vly_track *track, const struct vly_track_rules *rules, uint64_t now_ms,
		enum vly_health_status status, uint32_t flaps, uint64_t age_ms)
{
	*track = (struct vly_track){.status = status, .calm_ms = now_ms};
	if (rules->hold_ms == 0)
		return;
	track->flaps = flaps < VLY_TRACK_FLAPS_MAX ? flaps : VLY_TRACK_FLAPS_MAX;
	uint64_t hold_ms = hold_of(rules, track->flaps);
	if (status == VLY_HEALTH_DOWN && age_ms < hold_ms)
		track->held_until_ms = now_ms + hold_ms - age_ms;
}

static void
fall(struct vly_track *track, const struct vly_track_rules *rules, uint64_t now_ms)
{
	const bool was_up = track->status == VLY_HEALTH_UP;

	track->status = VLY_HEALTH_DOWN;
	if (!was_up || rules->hold_ms == 0)
		return;
	forget(track, rules, now_ms);
	if (track->flaps < VLY_TRACK_FLAPS_MAX)
		track->flaps++;
	track->calm_ms = now_ms;
	track->held_until_ms = now_ms + hold_of(rules, track->flaps);
}

bool
vly_track_result(struct vly_track *track, const struct vly_track_rules *rules, uint64_t now_ms,
		 bool passed)
{
	if (track->row_passed != passed)
		track->row_cnt = 0;
	track->row_passed = passed;
	if (track->row_cnt < UINT32_MAX)
		track->row_cnt++;
	if (!passed) {
		if (track->status == VLY_HEALTH_DOWN || track->row_cnt < rules->fall)
			return false;
		fall(track, rules, now_ms);
		return true;
	}
	const uint32_t rise = track->status == VLY_HEALTH_UNKNOWN ? 1 : rules->rise;
	if (track->status == VLY_HEALTH_UP || track->row_cnt < rise ||
	    vly_track_held_ms(track, now_ms) > 0)
		return false;
	track->status = VLY_HEALTH_UP;
	return true;
}

uint64_t
vly_track_held_ms(const struct vly_track *track, uint64_t now_ms)
{
	return track->status == VLY_HEALTH_DOWN && track->held_until_ms > now_ms
		       ? track->held_until_ms - now_ms
		       : 0;
}

uint64_t
vly_track_next_ms(uint64_t start_ms, uint64_t interval_ms, uint64_t jitter_percent, uint64_t random)
{
	return start_ms + interval_ms - random % (interval_ms * jitter_percent / 100 + 1);
}
