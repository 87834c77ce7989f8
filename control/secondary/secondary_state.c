/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "secondary_parts.h"

static uint64_t
wall_s(const struct vly_secondary_zone *zone, uint64_t ms)
{
	const uint64_t now = uv_now(zone->secondaries->loop);
	const uint64_t now_s = vly_secondary_now_s();

	return ms > now ? now_s + (ms - now) / 1000 : now_s;
}

static void
fill_job(const struct vly_secondary_job *job, struct vly_secondary_state *state)
{
	state->phase = job->phase;
	if (job->phase == VLY_SECONDARY_REVIEWING) {
		state->held = (struct vly_secondary_mark){job->reader.soa.serial, job->review_s};
		state->review = job->child ? "the review command runs"
					   : "the review command waits for its turn";
	}
	if (job->phase < VLY_SECONDARY_RECEIVING)
		return;
	state->is_incremental = job->is_ixfr;
	state->bytes = job->bytes;
	state->message_cnt = job->message_cnt;
	state->record_cnt = job->reader.record_cnt;
	state->duration_ms = uv_now(job->secondaries->loop) - job->start_ms;
}

/* What every core answers. A version that was committed while there was no dataplane is in the first table
 * of the next one. */
static struct vly_secondary_mark
answered(const struct vly_secondary_zone *zone)
{
	if (zone->answered.serial == zone->committed.serial ||
	    (zone->committed.time_s == 0 && zone->answered.time_s != 0)) /* ahead of the disk */
		return zone->answered;
	return vly_secondary_answers_all(zone->secondaries) ? zone->committed : zone->answered;
}

static void
fill_primaries(const struct vly_secondary_zone *zone, struct vly_secondary_state *state)
{
	const struct vly_config_feed *feed = zone->feed;

	state->primary_cnt = feed->primary_cnt < VLY_SECONDARY_PRIMARIES_MAX
				     ? feed->primary_cnt
				     : VLY_SECONDARY_PRIMARIES_MAX;
	for (unsigned i = 0; i < state->primary_cnt; i++) {
		struct vly_secondary_primary *primary = &state->primary[i];
		const struct vly_config_remote *remote = feed->primary[i];
		primary->remote = remote->name;
		primary->address = remote->address_cnt > 0 ? remote->addresses[0] : "";
		primary->why = "";
		if (i >= zone->peer_cnt)
			continue;
		primary->said = zone->peer[i].said;
		primary->failure_cnt = zone->peer[i].failure_cnt;
		if (zone->peer[i].why)
			primary->why = zone->peer[i].why;
	}
}

static void
fill(const struct vly_secondary_zone *zone, struct vly_secondary_state *state)
{
	memset(state, 0, sizeof(*state));
	state->phase = zone->queue != VLY_QUEUE_NONE ? VLY_SECONDARY_QUEUED : VLY_SECONDARY_WAITING;
	state->is_loaded = zone->is_loaded;
	state->is_expired = zone->is_expired;
	state->received = zone->received;
	state->committed = zone->committed;
	state->answered = answered(zone);
	state->contact_s = zone->contact_s;
	state->next_s = zone->next_ms == UINT64_MAX ? 0 : wall_s(zone, zone->next_ms);
	state->expires_s = zone->expires_ms ? wall_s(zone, zone->expires_ms) : 0;
	state->why = zone->why ? zone->why : "";
	state->is_incremental = zone->is_incremental;
	state->bytes = zone->bytes;
	state->message_cnt = zone->message_cnt;
	state->record_cnt = zone->record_cnt;
	state->duration_ms = zone->duration_ms;
	state->axfr_cnt = zone->axfr_cnt;
	state->ixfr_cnt = zone->ixfr_cnt;
	state->notify_cnt = zone->notify_cnt;
	state->refused_cnt = zone->refused_cnt;
	state->review = "";
	if (zone->held && !zone->held->is_refused) {
		state->held =
			(struct vly_secondary_mark){zone->held->soa.serial, zone->held->since_s};
		state->review = zone->held->text;
	}
	state->is_stale = vly_secondary_is_behind(zone, &state->answered);
	fill_primaries(zone, state);
	if (zone->job)
		fill_job(zone->job, state);
	else if (zone->held && !zone->held->is_refused && state->phase == VLY_SECONDARY_WAITING)
		state->phase = VLY_SECONDARY_REVIEWING;
}

bool
vly_secondaries_state(const struct vly_secondaries *secondaries, const char *name,
		      struct vly_secondary_state *state)
{
	const struct vly_secondary_zone *zone = vly_secondary_find(secondaries, name);

	if (zone)
		fill(zone, state);
	return zone != NULL;
}

void
vly_secondaries_walk(const struct vly_secondaries *secondaries,
		     bool (*fn)(void *arg, const char *zone,
				const struct vly_secondary_state *state),
		     void *arg)
{
	struct vly_secondary_state state;

	for (const struct vly_secondary_job *job = secondaries->jobs; job; job = job->next) {
		if (!job->zone)
			continue;
		fill(job->zone, &state);
		if (!fn(arg, job->zone->name, &state))
			return;
	}
}

bool
vly_secondaries_is_busy(const struct vly_secondaries *secondaries)
{
	for (const struct vly_secondary_job *job = secondaries->jobs; job; job = job->next)
		if (job->is_working && !vly_import_turn_is_waiting(&job->turn))
			return true;
	return false;
}
