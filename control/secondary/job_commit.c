/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "job_whole.h"
#include "living/living_verdict.h"
#include "net_change.h"
#include "secondary_parts.h"
#include "store/zone_difference.h"

/* The zone of a whole transfer against the store's; in the writer thread. */
static enum vly_living_prepared
prepare_whole(const struct vly_secondary_job *job, struct vly_store_txn *txn,
	      const struct vly_store_zone *zone, struct vly_change *change, char *reason)
{
	enum vly_zone_difference how;

	if (vly_zone_difference(txn, zone, &job->tree, change, &how) != VLY_STORE_OK) {
		snprintf(reason, VLY_REASON_BYTES, "%s", vly_store_reason(txn));
		return VLY_LIVING_REFUSE;
	}
	if (how == VLY_DIFFERENCE_NONE)
		return VLY_LIVING_NO_CHANGE;
	if (how == VLY_DIFFERENCE_NEWER)
		return VLY_LIVING_CHANGE;
	snprintf(reason, VLY_REASON_BYTES,
		 how == VLY_DIFFERENCE_OLDER
			 ? "its serial %" PRIu32 " is older than ours, which stays"
			 : "its records differ from ours, but not the serial %" PRIu32
			   ": our version stays",
		 job->reader.soa.serial);
	return VLY_LIVING_REFUSE;
}

static enum vly_living_prepared
prepare(void *arg, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	struct vly_change *change, char reason[VLY_REASON_BYTES])
{
	struct vly_secondary_job *job = arg;

	if (job->received == VLY_TRANSFER_WHOLE)
		return prepare_whole(job, txn, zone, change, reason);
	if (zone->serial != job->ours) {
		snprintf(reason, VLY_REASON_BYTES, "the zone has changed meanwhile");
		return VLY_LIVING_REFUSE;
	}
	if (vly_change_add_all(change, &job->change) == 0)
		return VLY_LIVING_CHANGE;
	snprintf(reason, VLY_REASON_BYTES, "%s", strerror(errno));
	return VLY_LIVING_REFUSE;
}

/* An IXFR, when its change has been made in the transaction. */
static bool
check_change(void *arg, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	     const struct vly_change *change, char reason[VLY_REASON_BYTES])
{
	struct vly_secondary_job *job = arg;
	const struct vly_dnssec_settings settings = vly_secondary_dnssec(job);
	struct vly_zone_verdict verdict;

	if (vly_living_verdict(txn, zone, change, &job->secondaries->key, &settings, &verdict) ==
	    VLY_STORE_OK)
		return vly_secondary_judge(job, &verdict, reason);
	snprintf(reason, VLY_REASON_BYTES, "%s", vly_store_reason(txn));
	return false;
}

static void
log_transfer(const struct vly_secondary_job *job)
{
	vly_log_info("zone %s: serial %" PRIu32 " by %s from primary %s: %" PRIu64
		     " records, %" PRIu64 " octets, %" PRIu64 " ms",
		     job->name, job->reader.soa.serial,
		     job->received == VLY_TRANSFER_CHANGES ? "IXFR" : "AXFR", job->remote,
		     job->reader.record_cnt, job->bytes,
		     uv_now(job->secondaries->loop) - job->start_ms);
}

static void
settle(struct vly_secondary_job *job, bool is_answered)
{
	struct vly_secondary_zone *zone = job->zone;
	struct vly_secondaries *secondaries = job->secondaries;
	const bool is_ixfr = job->received == VLY_TRANSFER_CHANGES;

	zone->committed =
		(struct vly_secondary_mark){job->reader.soa.serial, vly_secondary_now_s()};
	if (is_answered)
		zone->answered = zone->committed;
	zone->is_loaded = true;
	vly_secondary_count(zone);
	if (job->replaces) /* else it was wanted later */
		zone->is_forced = false;
	if (!is_ixfr && zone->axfr_left > 0)
		zone->axfr_left--;
	job->is_new = true;
	zone->ixfr_cnt += is_ixfr;
	zone->axfr_cnt += !is_ixfr;
	secondaries->counts.ixfr_cnt += is_ixfr;
	secondaries->counts.axfr_cnt += !is_ixfr;
	if (job->order_cnt > 0)
		zone->pinned = (int8_t)job->order[job->at];
	vly_secondary_contact(zone, &job->reader.soa);
	vly_secondary_set_why(zone, job->warning[0] ? job->warning : NULL);
	log_transfer(job);
	vly_secondary_note_past(job, NULL);
	vly_secondary_job_end(job, NULL);
}

static void
on_done(void *arg, const struct vly_living_result *result)
{
	struct vly_secondary_job *job = arg;

	job->is_submitted = false;
	if (!job->zone) {
		vly_secondary_job_withdraw(job);
		vly_secondary_job_drop(job);
		return;
	}
	snprintf(job->reason, sizeof(job->reason), "%s", result->text);
	switch (result->code) {
	case VLY_LIVING_DONE:
	case VLY_LIVING_STORED:
		settle(job, job->is_ahead ? job->was_answered : result->code == VLY_LIVING_DONE);
		return;
	case VLY_LIVING_REFUSED:
		job->zone->refused_cnt++;
		vly_secondary_job_fail(job);
		return;
	case VLY_LIVING_BUSY:
	case VLY_LIVING_NO_ZONE:
	case VLY_LIVING_FAILED:
		if (job->is_ahead && result->code == VLY_LIVING_FAILED) {
			/* it is on disk all the same */
			vly_living_renew_later(job->secondaries->settings.living, job->name,
					       result->text);
			settle(job, job->was_answered);
			return;
		}
		vly_secondary_job_withdraw(job);
		if (job->is_accepted)
			vly_secondary_hold_again(job);
		job->gives_up = true;
		vly_secondary_job_fail(job);
		return;
	}
}

void
vly_secondary_job_commit(struct vly_secondary_job *job)
{
	struct vly_living *living = job->secondaries->settings.living;

	job->phase = VLY_SECONDARY_COMMITTING;
	job->is_submitted = true;
	job->request = (struct vly_living_request){
		.zone = job->name,
		.cause = VLY_STORE_BY_TRANSFER,
		.who = job->remote,
		.prepare = prepare,
		.check = job->checks_bogus && job->received == VLY_TRANSFER_CHANGES ? check_change
										    : NULL,
		.tree = job->is_small ? &job->tree : NULL,
		.form = job->is_ahead ? NULL : job->form,
		.is_answered = job->is_ahead,
		.is_cancelled = &job->is_cancelled,
		.done = on_done,
		.arg = job,
	};
	if (job->is_imported)
		vly_living_renew(living, &job->request);
	else
		vly_living_submit(living, &job->request);
}
