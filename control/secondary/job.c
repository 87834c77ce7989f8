/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/log.h"
#include "job_whole.h"
#include "living/living_whole.h"
#include "secondary_parts.h"
#include "zone/domain.h"

/* Primaries that have failed come last, those with fewer failures first. */
static uint64_t
rank(const struct vly_secondary_zone *zone, unsigned primary)
{
	const uint32_t failures = primary < zone->peer_cnt ? zone->peer[primary].failure_cnt : 0;

	if ((int)primary == zone->prefer && failures == 0)
		return 0;
	return (uint64_t)failures * (VLY_SECONDARY_PRIMARIES_MAX + 1) + primary + 1;
}

/* A pinned zone stays with its primary until that has failed so often in a row. Fewer: zones change
 * between primaries whose serials can't be compared. More: a zone without its primary is stale for
 * longer. */
#define PIN_FAILURES_MAX 3

static bool
is_left_out(const struct vly_secondary_zone *zone, unsigned primary)
{
	return zone->feed->pins_primary && zone->pinned >= 0 && (int)primary != zone->pinned &&
	       zone->failure_cnt < PIN_FAILURES_MAX;
}

static bool
is_tried(const struct vly_secondary_zone *zone, unsigned primary)
{
	return (zone->tried >> primary & 1) != 0;
}

/* Returns the number of primaries that are left. */
static unsigned
order_primaries(const struct vly_secondary_zone *zone, uint8_t order[VLY_SECONDARY_PRIMARIES_MAX])
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < zone->feed->primary_cnt && i < VLY_SECONDARY_PRIMARIES_MAX; i++) {
		unsigned at = cnt;
		if (is_left_out(zone, i) || is_tried(zone, i))
			continue;
		while (at > 0 && rank(zone, order[at - 1]) > rank(zone, i)) {
			order[at] = order[at - 1];
			at--;
		}
		order[at] = (uint8_t)i;
		cnt++;
	}
	return cnt;
}

unsigned
vly_secondary_job_first(const struct vly_secondary_zone *zone)
{
	uint8_t order[VLY_SECONDARY_PRIMARIES_MAX];

	return order_primaries(zone, order) > 0 ? order[0] : 0;
}

const struct vly_config_remote *
vly_secondary_job_remote(const struct vly_secondary_job *job)
{
	return job->zone->feed->primary[job->order[job->at]];
}

/* A pinned zone whose primary has failed takes the other's version, whatever its serial. */
static bool
changes_primary(const struct vly_secondary_job *job)
{
	const struct vly_secondary_zone *zone = job->zone;

	return zone->feed->pins_primary && zone->pinned >= 0 && job->order[job->at] != zone->pinned;
}

static void
try_primary(struct vly_secondary_job *job)
{
	struct vly_secondary_zone *zone = job->zone;
	const struct vly_config_remote *remote = vly_secondary_job_remote(job);

	snprintf(job->remote, sizeof(job->remote), "%s", remote->name);
	job->ours = zone->committed.serial;
	job->was_loaded = zone->is_loaded;
	job->replaces = zone->is_forced || changes_primary(job);
	if (job->address >= remote->address_cnt) {
		snprintf(job->reason, sizeof(job->reason), "the remote has no address");
		vly_secondary_job_next(job);
	} else if (job->phase == VLY_SECONDARY_ASKING) {
		vly_secondary_job_ask(job);
	} else {
		vly_secondary_job_receive(job);
	}
}

static void
try_again(struct vly_secondary_job *job)
{
	if (vly_secondary_job_hold(job))
		try_primary(job);
}

/* A job of a zone that has none; NULL without memory. */
static struct vly_secondary_job *
make(struct vly_secondary_zone *zone, enum vly_secondary_queue queue)
{
	struct vly_secondaries *secondaries = zone->secondaries;
	struct vly_secondary_job *job = calloc(1, sizeof(*job));
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};

	if (!job || !(job->name = strdup(zone->name))) {
		free(job);
		vly_secondary_failed(zone, "out of memory", false);
		return NULL;
	}
	job->secondaries = secondaries;
	job->zone = zone;
	zone->job = job;
	zone->is_again = false;
	(void)vly_name_scan(&job->apex, wire, vly_domain_wire(zone->name, wire));
	job->start_ms = uv_now(secondaries->loop);
	job->wants_axfr = zone->axfr_left > 0;
	job->phase = queue == VLY_QUEUE_ASK ? VLY_SECONDARY_ASKING : VLY_SECONDARY_RECEIVING;
	job->lanes = &secondaries->lanes[queue];
	vly_change_init(&job->change);
	DL_APPEND(secondaries->jobs, job);
	secondaries->closing_cnt++;
	return job;
}

void
vly_secondary_job_begin(struct vly_secondary_zone *zone, enum vly_secondary_queue queue)
{
	struct vly_secondary_job *job = make(zone, queue);

	if (!job)
		return;
	job->order_cnt = order_primaries(zone, job->order);
	vly_lanes_hold(job->lanes, vly_secondary_job_remote(job)->name, &job->place);
	try_primary(job);
}

void
vly_secondary_job_accept(struct vly_secondary_zone *zone)
{
	const bool was_queued = zone->queue != VLY_QUEUE_NONE;

	vly_secondary_unqueue(zone); /* a zone has one job */
	struct vly_secondary_job *job = make(zone, VLY_QUEUE_TRANSFER);
	if (!job)
		return;
	vly_lanes_hold(job->lanes, NULL, &job->place);
	zone->is_again = was_queued;
	snprintf(job->remote, sizeof(job->remote), "review");
	job->is_accepted = true;
	job->replaces = zone->held->replaces;
	job->was_loaded = zone->is_loaded;
	job->ours = zone->committed.serial;
	job->received = VLY_TRANSFER_WHOLE;
	job->reader.soa = zone->held->soa;
	job->reader.record_cnt = zone->held->tree.record_cnt;
	job->tree = vly_secondary_held_take(zone);
	job->has_tree = true;
	vly_secondary_job_take(job);
}

void
vly_secondary_job_close(struct vly_secondary_job *job)
{
	if (job->datagram)
		vly_datagram_cancel(job->datagram);
	job->datagram = NULL;
	vly_secondary_job_hang_up(job);
	job->is_slowed = false;
	if (job->has_tsig)
		vly_tsig_stream_wipe(&job->tsig);
	job->has_tsig = false;
	/* a thread may be writing the spool */
	if (job->has_spool && !job->is_working)
		vly_spool_free(&job->spool);
	job->has_spool = job->has_spool && job->is_working;
	/* and the writer of the living zones reads the tree and the change */
	if (job->is_working || job->is_submitted)
		return;
	vly_secondary_review_stop(job);
	if (job->has_tree)
		vly_zone_free(&job->tree);
	vly_living_form_free(job->form);
	job->form = NULL;
	job->has_tree = job->is_imported = job->is_small = job->is_ahead = false;
	vly_change_free(&job->change);
	vly_change_init(&job->change);
}

void
vly_secondary_job_drop(struct vly_secondary_job *job)
{
	struct vly_secondaries *secondaries = job->secondaries;

	if (job->is_working || job->is_submitted)
		return;
	vly_secondary_job_close(job);
	DL_DELETE(secondaries->jobs, job);
	free(job->name);
	free(job);
	vly_secondaries_leave(secondaries);
}

void
vly_secondary_job_cancel(struct vly_secondary_job *job)
{
	atomic_store(&job->is_cancelled, true); /* before its records are erased, and not after */
	job->zone->job = NULL;
	job->zone = NULL;
	vly_secondary_job_keep_not(job);
	vly_secondary_job_close(job);
	vly_secondary_job_give_back(job);
	vly_secondary_job_drop(job);
}

void
vly_secondary_job_next(struct vly_secondary_job *job)
{
	struct vly_secondary_zone *zone = job->zone;
	const unsigned primary = job->order[job->at];
	/* its other addresses have the same zone */
	const bool was_received = job->phase >= VLY_SECONDARY_CHECKING;
	char why[VLY_REASON_BYTES];

	vly_secondary_job_close(job);
	job->is_plain = job->is_fresh = false;
	if (!was_received && ++job->address < vly_secondary_job_remote(job)->address_cnt) {
		try_again(job);
		return;
	}
	snprintf(why, sizeof(why), "primary %s: %.400s", job->remote, job->reason);
	vly_secondary_blame(zone, primary, job->reason);
	job->address = 0;
	if (++job->at < job->order_cnt) {
		job->wants_axfr = zone->axfr_left > 0;
		if (vly_secondary_may_log(job->secondaries, VLY_SECONDARY_LINE_NEXT))
			vly_log_info("zone %s: %s; the next primary is tried", zone->name, why);
		try_again(job);
		return;
	}
	vly_secondary_job_end(job, why);
}

void
vly_secondary_job_end(struct vly_secondary_job *job, const char *why)
{
	struct vly_secondary_zone *zone = job->zone;
	const uint64_t now = uv_now(job->secondaries->loop);
	/* a primary that is about to have something, or a zone without data, is not left for long */
	const bool is_soon =
		why && job->is_cut && !job->gives_up && (zone->is_notified || !zone->is_loaded);
	char text[VLY_REASON_BYTES];

	if (why)
		snprintf(text, sizeof(text), "%s", why); /* it may be the job's */
	zone->quiet_ms = job->is_new ? 0 : now + VLY_SECONDARY_QUIET_MS;
	zone->job = NULL;
	zone->prefer = -1;
	zone->tried = 0;
	job->zone = NULL;
	vly_secondary_job_give_back(job);
	vly_secondary_job_drop(job);
	if (why)
		vly_secondary_failed(zone, text, is_soon);
	zone->is_notified = zone->is_again || is_soon;
	if (!zone->is_again)
		return;
	zone->is_again = false;
	if (zone->quiet_ms <= now)
		zone->next_ms = now;
	else if (zone->next_ms > zone->quiet_ms)
		zone->next_ms = zone->quiet_ms;
	vly_secondary_set_timer(zone);
}

size_t
vly_secondary_job_query(struct vly_secondary_job *job, uint16_t type,
			uint8_t to[VLY_SECONDARY_QUERY_BYTES])
{
	const struct vly_config_remote *remote = vly_secondary_job_remote(job);
	const struct vly_secondaries_settings *settings = &job->secondaries->settings;
	uint8_t name[VLY_NAME_BYTES_MAX];

	job->id = vly_datagram_id();
	const size_t len = vly_transfer_write_query(to, &job->apex, job->id, type, job->ours);
	if (!remote->key)
		return len;
	const unsigned name_len = vly_domain_wire(remote->key, name);
	const struct vly_tsig_key *key = settings->find_key(settings->find_key_arg, name, name_len);
	if (!key) {
		snprintf(job->reason, sizeof(job->reason), "the key %.300s can't be used",
			 remote->key);
		return 0;
	}
	const size_t signed_len = vly_tsig_stream_request(
		&job->tsig, key, to, len, VLY_SECONDARY_QUERY_BYTES, vly_secondary_now_s());
	job->has_tsig = true;
	if (signed_len == 0)
		snprintf(job->reason, sizeof(job->reason), "the query can't be signed");
	return signed_len;
}
