/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How many zones are loaded, have expired, or are stale. Each change of a zone is counted when it happens, so that
 * the numbers are there at once, however many zones there are.
 */
#include "living/serial.h"
#include "publish/publisher.h"
#include "secondary_parts.h"

bool
vly_secondary_is_behind(const struct vly_secondary_zone *zone,
			const struct vly_secondary_mark *ours)
{
	for (unsigned i = 0; i < zone->peer_cnt; i++) {
		const struct vly_secondary_mark *said = &zone->peer[i].said;
		if (said->time_s != 0 && ((!zone->is_loaded && ours->time_s == 0) ||
					  vly_serial_is_larger(said->serial, ours->serial)))
			return true;
	}
	return false;
}

static void
replace(uint32_t *cnt, bool *is, bool becomes)
{
	*cnt += becomes;
	*cnt -= *is;
	*is = becomes;
}

static void
count(struct vly_secondary_zone *zone, const struct vly_secondary_tally *now)
{
	struct vly_secondary_numbers *numbers = &zone->secondaries->numbers;
	struct vly_secondary_tally *tally = &zone->tally;

	replace(&numbers->loaded_cnt, &tally->is_loaded, now->is_loaded);
	replace(&numbers->expired_cnt, &tally->is_expired, now->is_expired);
	replace(&numbers->stale_cnt, &tally->is_stale, now->is_stale);
	replace(&numbers->behind_cnt, &tally->is_behind, now->is_behind);
}

void
vly_secondary_count(struct vly_secondary_zone *zone)
{
	const bool is_ahead = zone->committed.time_s == 0 && zone->answered.time_s != 0;
	const struct vly_secondary_tally now = {
		.is_loaded = zone->is_loaded,
		.is_expired = zone->is_expired,
		.is_stale = vly_secondary_is_behind(zone, &zone->answered),
		.is_behind = vly_secondary_is_behind(zone,
						     is_ahead ? &zone->answered : &zone->committed),
	};

	count(zone, &now);
}

void
vly_secondary_count_gone(struct vly_secondary_zone *zone)
{
	static const struct vly_secondary_tally none;

	count(zone, &none);
}

bool
vly_secondary_answers_all(const struct vly_secondaries *secondaries)
{
	struct vly_publisher_status status;

	vly_publisher_status(secondaries->settings.publisher, &status);
	return status.connected && !status.held_back && status.generation != 0;
}

void
vly_secondaries_counts(const struct vly_secondaries *secondaries,
		       struct vly_secondary_counts *counts)
{
	const struct vly_secondary_numbers *numbers = &secondaries->numbers;

	*counts = secondaries->counts;
	counts->zone_cnt = HASH_COUNT(secondaries->by_name);
	counts->queued_cnt = secondaries->lanes[VLY_QUEUE_ASK].waiting_cnt +
			     secondaries->lanes[VLY_QUEUE_TRANSFER].waiting_cnt;
	counts->loaded_cnt = numbers->loaded_cnt;
	counts->expired_cnt = numbers->expired_cnt;
	counts->stale_cnt =
		vly_secondary_answers_all(secondaries) ? numbers->behind_cnt : numbers->stale_cnt;
	for (const struct vly_secondary_job *job = secondaries->jobs; job; job = job->next)
		counts->running_cnt++;
}
