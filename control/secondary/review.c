/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "secondary_parts.h"

/* Octets of a tree, in memory or on disk. */
static uint64_t
tree_bytes(const struct vly_zone *tree)
{
	const uint64_t slots = sizeof(tree->slot[0]) << (32 - tree->slot_shift);

	if (tree->arena.is_file)
		return tree->arena.used + tree->nodes.used + slots;
	return tree->arena.size + tree->nodes.size + slots;
}

static void
drop_tree(struct vly_secondary_zone *zone)
{
	struct vly_secondary_held *held = zone->held;

	if (held->has_tree)
		vly_zone_free(&held->tree);
	held->has_tree = false;
	zone->secondaries->held_bytes -= held->bytes;
	held->bytes = 0;
}

void
vly_secondary_held_drop(struct vly_secondary_zone *zone)
{
	if (!zone->held)
		return;
	drop_tree(zone);
	free(zone->held);
	zone->held = NULL;
}

struct vly_zone
vly_secondary_held_take(struct vly_secondary_zone *zone)
{
	const struct vly_zone tree = zone->held->tree;

	zone->held->has_tree = false;
	vly_secondary_held_drop(zone);
	return tree;
}

/* Whether the job's version may wait, in place of its zone's that does. */
static bool
has_room(const struct vly_secondary_job *job)
{
	const struct vly_secondaries *secondaries = job->secondaries;
	const uint64_t own = job->zone->held ? job->zone->held->bytes : 0;

	return secondaries->held_bytes - own + tree_bytes(&job->tree) <=
	       secondaries->held_bytes_max;
}

static struct vly_secondary_held *
take_tree(struct vly_secondary_job *job)
{
	struct vly_secondary_held *held = calloc(1, sizeof(*held));

	if (!held)
		return NULL;
	held->tree = job->tree;
	held->has_tree = true;
	held->bytes = tree_bytes(&job->tree);
	job->has_tree = false;
	held->soa = job->reader.soa;
	held->replaces = job->replaces;
	held->since_s = vly_secondary_now_s();
	return held;
}

static void
set_refused(struct vly_secondary_zone *zone)
{
	zone->held->is_refused = true;
	drop_tree(zone); /* nobody can accept it any more */
}

static void
say_refused(struct vly_secondary_zone *zone)
{
	const struct vly_secondary_held *held = zone->held;
	char why[VLY_REASON_BYTES];

	snprintf(why, sizeof(why), "serial %" PRIu32 " was refused by a review%s%s",
		 held->soa.serial, held->text[0] ? ": " : "", held->text);
	vly_secondary_set_why(zone, why);
}

static void
hold(struct vly_secondary_zone *zone, struct vly_secondary_held *held, const char *text)
{
	char why[VLY_REASON_BYTES];

	vly_secondary_held_drop(zone);
	zone->held = held;
	zone->secondaries->held_bytes += held->bytes;
	snprintf(held->text, sizeof(held->text), "%s", text);
	snprintf(why, sizeof(why),
		 "serial %" PRIu32 " waits for a review: volleyctl zone accept %.100s%s%.300s",
		 held->soa.serial, zone->name, *text ? "; " : "", text);
	vly_secondary_set_why(zone, why);
}

static void
fail(struct vly_secondary_job *job, const char *why)
{
	job->gives_up = true;
	snprintf(job->reason, sizeof(job->reason), "%s", why);
	vly_secondary_job_fail(job);
}

/* The version that was refused has come again. Whoever wants it all the same transfers the zone anew. */
static bool
is_refused(const struct vly_secondary_job *job)
{
	const struct vly_secondary_held *held = job->zone->held;

	return held && held->is_refused && held->soa.serial == job->reader.soa.serial &&
	       !job->zone->is_forced;
}

static void
fail_for_room(struct vly_secondary_job *job)
{
	const struct vly_secondaries *secondaries = job->secondaries;
	char why[VLY_REASON_BYTES];

	snprintf(why, sizeof(why),
		 "serial %" PRIu32 " needs %" PRIu64
		 " octets to wait for a review, and the versions that wait have %" PRIu64
		 " of the %" PRIu64
		 " octets of transfers.review-size: accept or reject some, or raise it",
		 job->reader.soa.serial, tree_bytes(&job->tree), secondaries->held_bytes,
		 secondaries->held_bytes_max);
	fail(job, why);
}

/* Keeps the job's version in its zone, and ends the job. */
static bool
keep(struct vly_secondary_job *job, const char *text, bool is_refused)
{
	struct vly_secondary_zone *zone = job->zone;
	const struct vly_transfer_soa soa = job->reader.soa;

	if (zone->feed->is_reviewed && !is_refused && !has_room(job)) {
		fail_for_room(job);
		return false;
	}
	struct vly_secondary_held *held = zone->feed->is_reviewed ? take_tree(job) : NULL;
	if (!held) {
		fail(job, zone->feed->is_reviewed ? "out of memory"
						  : "the configuration has changed meanwhile");
		return false;
	}
	hold(zone, held, text);
	if (is_refused)
		set_refused(zone);
	vly_secondary_note_past(job, NULL);
	job->is_new = true;
	if (job->replaces)
		zone->is_forced = false;
	vly_secondary_keep(zone, &soa);
	vly_secondary_job_end(job, NULL);
	return true;
}

void
vly_secondary_review_wait(struct vly_secondary_job *job, const char *text)
{
	(void)keep(job, text, false);
}

void
vly_secondary_review_refuse(struct vly_secondary_job *job, const char *text)
{
	struct vly_secondary_zone *zone = job->zone;

	if (keep(job, text, true))
		say_refused(zone);
}

void
vly_secondary_review_accept(struct vly_secondary_job *job)
{
	if (!job->zone->feed->is_reviewed) {
		fail(job, "the configuration has changed meanwhile");
		return;
	}
	if (!job->place.is_held)
		vly_lanes_hold(job->lanes, NULL, &job->place);
	job->is_accepted = true;
	vly_secondary_job_take(job);
}

void
vly_secondary_review(struct vly_secondary_job *job)
{
	struct vly_secondary_zone *zone = job->zone;
	const struct vly_transfer_soa soa = job->reader.soa;

	if (is_refused(job)) {
		say_refused(zone);
		vly_secondary_keep(zone, &soa);
		vly_secondary_job_end(job, NULL);
	} else if (zone->feed->is_reviewed && zone->feed->review_command) {
		vly_secondary_review_begin(job);
	} else {
		vly_secondary_review_wait(job, "");
	}
}

void
vly_secondary_hold_again(struct vly_secondary_job *job)
{
	struct vly_secondary_zone *zone = job->zone;
	const bool may_wait =
		job->has_tree && !zone->held && zone->feed->is_reviewed && has_room(job);
	struct vly_secondary_held *held = may_wait ? take_tree(job) : NULL;

	if (held)
		hold(zone, held, "");
}

void
vly_secondary_release(struct vly_secondary_zone *zone)
{
	if (zone->job && zone->job->phase == VLY_SECONDARY_REVIEWING)
		vly_secondary_job_cancel(zone->job);
	else if (!zone->held)
		return;
	vly_secondary_held_drop(zone);
	zone->next_ms = uv_now(zone->secondaries->loop);
}

/* The SOA of the version that waits; or NULL. */
static const struct vly_transfer_soa *
find_waiting(const struct vly_secondary_zone *zone)
{
	if (zone->job && zone->job->phase == VLY_SECONDARY_REVIEWING)
		return &zone->job->reader.soa;
	return zone->held && !zone->held->is_refused ? &zone->held->soa : NULL;
}

/* An operator is faster than the command. */
static void
end_review(struct vly_secondary_job *job, bool accept)
{
	vly_secondary_review_stop(job);
	if (accept)
		vly_secondary_review_accept(job);
	else
		vly_secondary_review_refuse(job, "");
}

static void
end_wait(struct vly_secondary_zone *zone, bool accept)
{
	if (accept) {
		vly_secondary_job_accept(zone);
		return;
	}
	set_refused(zone);
	zone->held->text[0] = '\0';
	zone->is_forced = false;
	say_refused(zone);
}

bool
vly_secondaries_review(struct vly_secondaries *secondaries, const char *name,
		       const struct vly_secondary_verdict *verdict, char reason[VLY_REASON_BYTES])
{
	struct vly_secondary_zone *zone = vly_secondary_find(secondaries, name);
	const struct vly_transfer_soa *soa = zone ? find_waiting(zone) : NULL;

	if (!soa) {
		snprintf(reason, VLY_REASON_BYTES, "no version of the zone waits for a review");
		return false;
	}
	if (verdict->has_serial && verdict->serial != soa->serial) {
		snprintf(reason, VLY_REASON_BYTES,
			 "serial %" PRIu32 " waits for a review, and not %" PRIu32, soa->serial,
			 verdict->serial);
		return false;
	}
	struct vly_secondary_job *job = zone->job;
	if (job && (job->phase != VLY_SECONDARY_REVIEWING || job->is_working)) {
		snprintf(reason, VLY_REASON_BYTES,
			 "the zone is being transferred: try again in a moment");
		return false;
	}
	vly_log_info("zone %s: serial %" PRIu32 " is %s", name, soa->serial,
		     verdict->accepts ? "accepted" : "refused");
	if (job)
		end_review(job, verdict->accepts);
	else
		end_wait(zone, verdict->accepts);
	return true;
}
